"""A program reaches no network while it is found and made: what it would load is left out and said, or refused."""

from __future__ import annotations

import socket
import sys
import urllib.request

import pytest

from vggcost.errors import VggcostError
from vggcost.frameworks import downloads
from vggcost.frameworks.downloads import Downloads, NoWeights, ReachesOutError

URL = "https://example.invalid/vgg16.pth"


@pytest.fixture(autouse=True)
def connections(monkeypatch):
    """What really goes to the network; none may."""
    opened = []
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, lambda *args, **_: opened.append(args))
    yield opened
    assert opened == []


def attempt(action):
    with Downloads() as guard:
        result = guard.attempt(action, "vgg.py:VGG")
    return result, guard.notes


def test_a_file_that_is_fetched_is_not_and_is_said():
    found, notes = attempt(lambda: urllib.request.urlretrieve(URL, "weights.pth"))
    assert found == ("weights.pth", None)
    assert notes == (f"built without its pretrained weights: the program would have downloaded {URL}",)
    assert attempt(lambda: [urllib.request.urlretrieve(URL), urllib.request.urlretrieve(URL)])[1] == notes


def connected(family, method, host):
    with socket.socket(family) as one:
        getattr(one, method)((host, 9))


@pytest.mark.parametrize(
    ("action", "where"),
    [
        (lambda: urllib.request.urlopen(URL), URL),
        (lambda: urllib.request.urlopen(urllib.request.Request(URL)), URL),
        (lambda: socket.create_connection(("example.invalid", 80)), "example.invalid"),
        (lambda: socket.getaddrinfo("example.invalid", 80), "example.invalid"),
        (lambda: socket.gethostbyname("example.invalid"), "example.invalid"),
        (lambda: connected(socket.AF_INET, "connect", "127.0.0.1"), "127.0.0.1"),
        (lambda: connected(socket.AF_INET6, "connect_ex", "::1"), "::1"),
    ],
)
def test_all_else_that_reaches_out_is_refused_in_one_line(action, where):
    def cautious():
        try:
            return action()
        except Exception:  # noqa: BLE001  # as programs do
            return None

    with pytest.raises(VggcostError, match=r"vgg\.py:VGG cannot be built: it would download from ") as caught:
        attempt(cautious)
    assert f"from {where} (" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_loader_that_comes_with_the_program_is_replaced_before_it_is_asked_again(monkeypatch):
    import types

    asked = []

    def load_state_dict_from_url(url, model_dir=None):
        asked.append(url)
        socket.create_connection((url, 80))

    def step():
        if "torch.hub" not in sys.modules or "elsewhere" not in sys.modules:
            for name in ("torch.hub", "elsewhere"):
                module = types.ModuleType(name)
                module.load_state_dict_from_url = load_state_dict_from_url
                monkeypatch.setitem(sys.modules, name, module)
        return sys.modules["elsewhere"].load_state_dict_from_url(URL)

    monkeypatch.delitem(sys.modules, "torch.hub", raising=False)
    state, notes = attempt(step)
    assert (asked, state) == ([URL], NoWeights())
    assert notes == (f"built without its pretrained weights: the program would have downloaded {URL}",)
    assert sys.modules["elsewhere"].load_state_dict_from_url is load_state_dict_from_url  # and put back


def test_local_files_and_local_sockets_are_nobodys_download(tmp_path):
    (tmp_path / "a.txt").write_text("here")
    url = (tmp_path / "a.txt").as_uri()
    text, notes = attempt(lambda: urllib.request.urlopen(url).read())  # noqa: S310  # a local file
    assert (text, notes) == (b"here", ())

    def talk():
        one, other = socket.socketpair()
        with one, other, socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "socket"))
            server.listen()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / "socket"))
            one.sendall(b"x")
            return other.recv(1)

    assert attempt(talk) == (b"x", ())


def test_everything_is_put_back():
    before = (urllib.request.urlopen, urllib.request.urlretrieve, socket.getaddrinfo, socket.create_connection)
    connect = socket.socket.connect
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 // 0)
    with pytest.raises(VggcostError):
        attempt(lambda: urllib.request.urlopen(URL))
    assert before == (urllib.request.urlopen, urllib.request.urlretrieve, socket.getaddrinfo, socket.create_connection)
    assert socket.socket.connect is connect and "connect" not in vars(socket.socket)


def test_a_state_that_is_not_there_may_be_taken_apart():
    state = NoWeights()
    assert state["model"]["state_dict"] == {} == state.get("x") == dict(state.items())
    assert state.pop("fc.weight") is None
    del state["fc.bias"]
    assert list(state) == [] and len(state) == 0


def test_the_guard_of_these_tests_can_fail(connections):
    socket.getaddrinfo("example.invalid", 80)
    assert connections.pop() == ("example.invalid", 80)
    with pytest.raises(ReachesOutError), Downloads():
        socket.getaddrinfo("example.invalid", 80)
    assert {loader.gives for loader in downloads.LOADERS} == {
        "weights",
        "path",
        "path and headers",
        "refusal",
        "nothing",
    }
