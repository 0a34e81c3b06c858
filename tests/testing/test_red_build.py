"""A repository of its own with a model and its lock goes red in every place on a change of one line, and says where."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.torch

MODEL = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(16 * 8 * 8, classes)

    def forward(self, x):
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        return self.fc(x.flatten(1))
"""
CHANGE = ("nn.Conv2d(8, 16, 3, padding=1)", "nn.Conv2d(8, 16, 3, padding=1, bias=False)")
TABLE = """\
[tool.vggcost.entries.net]
target = "net.py:Net"
input = "3x32x32"
"""
TEST = """\
from net import Net


def test_the_net_costs_what_it_did(cost_lock):
    cost_lock(Net(), "net", input=(1, 3, 32, 32))
"""
NAMED = "conv2 bias removed: - 16 parameters"
SHIPPED = (".pre-commit-hooks.yaml", "action.yml", "pyproject.toml", "README.md", "LICENSE")


def environment(**more):
    """The environment of a shell in which this vggcost is installed, and nothing of this session is left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTEST_", "GITHUB_"))}
    folder = os.path.dirname(sys.executable)
    own = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull, "CI": "1"}
    return {**kept, **own, **more}


def ran(*words, cwd, **more):
    return subprocess.run(
        words, cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False, timeout=500
    )


def git(folder, *words):
    who = ("-c", "user.name=tester", "-c", "user.email=tester@localhost", "-c", "init.defaultBranch=main")
    done = ran("git", *who, "-c", "protocol.file.allow=always", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def committed(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "first")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with a model, its lock and a test of it."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "net.py").write_text(MODEL)
    (folder / "pyproject.toml").write_text(TABLE)
    (folder / "test_net.py").write_text(TEST)
    done = ran("vggcost", "lock", cwd=folder)
    assert done.returncode == 0, done.stderr
    committed(folder)
    return folder


def change(folder):
    """The one line."""
    assert MODEL.count(CHANGE[0]) == 1
    (folder / "net.py").write_text(MODEL.replace(*CHANGE))
    return 1 + MODEL[: MODEL.index(CHANGE[0])].count("\n")


# The command, and a test


def test_check_and_a_test_go_red(repository):
    pytest_words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert ran("vggcost", "check", cwd=repository).returncode == 0
    assert ran(*pytest_words, cwd=repository).returncode == 0
    line = change(repository)
    done = ran("vggcost", "check", cwd=repository)
    assert done.returncode == 1
    assert f"net: {NAMED}" in done.stdout
    assert f"[net.py:{line}]" in done.stdout
    done = ran(*pytest_words, cwd=repository)
    assert done.returncode == 1
    assert NAMED in done.stdout


# pre-commit


@pytest.fixture
def hooks(tmp_path, checkout):
    """A repository with what the hook's own has, and its revision."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    for name in SHIPPED:
        shutil.copy(checkout / name, folder)
    shutil.copytree(checkout / "vggcost", folder / "vggcost", ignore=shutil.ignore_patterns("__pycache__"))
    return folder, committed(folder)


def hooked(repository, hooks, *more):
    folder, revision = hooks
    lines = ["repos:", f"- repo: {folder.as_uri()}", f"  rev: {revision}", "  hooks:", "  - id: vggcost-check", *more]
    (repository / ".pre-commit-config.yaml").write_text("\n".join(lines) + "\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--no-verify", "--message", "the hook")


def pre_commit(repository, *words, **more):
    return ran(sys.executable, "-m", "pre_commit", *words, cwd=repository, **more)


def test_a_commit_is_refused_by_pre_commit(repository, hooks, tmp_path):
    """In the environment of the one who commits, as `language: system` says, so that nothing is downloaded."""
    pytest.importorskip("pre_commit", reason="needs pre-commit")
    home = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "GIT_ALLOW_PROTOCOL": "file"}
    hooked(repository, hooks, "    language: system")
    done = pre_commit(repository, "install", **home)
    assert done.returncode == 0, done.stdout + done.stderr
    commit = ("git", "-c", "user.name=tester", "-c", "user.email=tester@localhost", "commit", "--all", "--message", "x")
    (repository / "net.py").write_text(f"{MODEL}\n\nNAME = 'net'\n")
    done = ran(*commit, cwd=repository, **home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"vggcost check\.+Passed", done.stdout + done.stderr)
    change(repository)
    done = ran(*commit, cwd=repository, **home)
    assert done.returncode == 1
    assert re.search(r"vggcost check\.+Failed", done.stdout + done.stderr)
    assert NAMED in done.stdout + done.stderr
    git(repository, "checkout", "--quiet", "net.py")
    (repository / "notes.md").write_text("Nothing that a model is made of.\n")
    git(repository, "add", "notes.md")
    done = ran(*commit, cwd=repository, **home)
    assert re.search(r"vggcost check\.+\(no files to check\)Skipped", done.stdout + done.stderr)


def test_an_environment_of_the_hooks_own_is_made_of_its_repository(repository, hooks, tmp_path):
    """`language: python`, which takes packages of this environment in place of an index's."""
    pytest.importorskip("pre_commit", reason="needs pre-commit")
    hooked(repository, hooks)
    change(repository)
    home = {
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "GIT_ALLOW_PROTOCOL": "file",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if "site-packages" in path),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which turns it off
    }
    done = pre_commit(repository, "run", "--all-files", **home)
    assert done.returncode == 1, done.stdout + done.stderr
    assert NAMED in done.stdout
    assert list((tmp_path / "home").glob("*/py_env-*/bin/vggcost"))


def test_the_hook_looks_at_every_file_that_an_entry_may_be_read_from(checkout):
    yaml = pytest.importorskip("yaml")
    from vggcost.frameworks.target import STORED_ENDINGS

    (hook,) = yaml.safe_load((checkout / ".pre-commit-hooks.yaml").read_text())
    for name in ("net.py", "net.toml", "vggcost.lock.json", *(f"a/b{ending}" for ending in STORED_ENDINGS)):
        assert re.search(hook["files"], name), name
    assert not re.search(hook["files"], "notes.md")


# GitHub


GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$GH_LOG"
case "$*" in
  *--paginate*) [ -z "$GH_REFUSES" ] || exit 1; printf '%s' "$GH_FOUND" ;;
  *) [ -z "$GH_REFUSES" ] || exit 1
     for word; do case "$word" in body=@*) cat "${word#body=@}" > "$GH_BODY" ;; esac; done ;;
esac
"""


class Runner:
    """Runs a composite action's steps as GitHub's runner does: expressions filled in, bash, and its files."""

    def __init__(self, folder, action, workspace):
        yaml = pytest.importorskip("yaml")
        self.folder = folder
        self.action = yaml.safe_load((action / "action.yml").read_text())
        self.path = action
        self.workspace = workspace
        folder.mkdir()
        self.summary = folder / "summary.md"
        self.summary.touch()
        tools = folder / "tools"
        tools.mkdir()
        (tools / "gh").write_text(GH)
        (tools / "gh").chmod(0o755)

    def run(self, *, event="pull_request", token="secret", more=None, **inputs):  # noqa: S107  # no token of anybody's
        known = {f"inputs.{key}": str(each["default"]) for key, each in self.action["inputs"].items()}
        known["inputs.token"] = token
        known |= {f"inputs.{key}": value for key, value in inputs.items()}
        known |= {"github.event_name": event, "github.event.pull_request.number": "7"}
        outcomes, out = [], []
        for step in self.action["runs"]["steps"]:
            assert step["shell"] == "bash"
            if not self.wanted(step.get("if", ""), known, failed="failure" in outcomes):
                outcomes.append("skipped")
                continue
            done = self.step(step, known, more or {})
            outcomes.append("failure" if done.returncode else "success")
            out.append(done.stdout)
            if "id" in step:
                known[f"steps.{step['id']}.outcome"] = outcomes[-1]
        return outcomes, "".join(out)

    def step(self, step, known, more):
        script = self.folder / "script.sh"
        script.write_text(step["run"])
        given = {
            "GITHUB_ACTION_PATH": str(self.path),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "some/where",
            "RUNNER_TEMP": str(self.folder),
            "GH_LOG": str(self.folder / "gh.log"),
            "GH_BODY": str(self.folder / "body.md"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_TARGET": str(self.folder / "target"),
        }
        own = {key: self.filled(value, known) for key, value in step.get("env", {}).items()}
        path = f"{self.folder / 'tools'}{os.pathsep}{environment()['PATH']}"
        words = ("bash", "--noprofile", "--norc", "-eo", "pipefail", str(script))
        return ran(*words, cwd=self.workspace, **{**given, **own, "PATH": path, **more})

    @staticmethod
    def filled(text, known):
        def value(found):
            one, equals, other = found[1].partition(" == ")
            return str(known[one] == other.strip("'")).lower() if equals else known[one]

        return re.sub(r"\$\{\{ (.*?) \}\}", value, text)

    def wanted(self, condition, known, *, failed):
        terms = condition.removeprefix("${{ ").removesuffix(" }}").split(" && ") if condition else []
        always = "always()" in terms
        return (always or not failed) and all(
            term == "always()" or self.filled(f"${{{{ {term} }}}}", known) == "true" for term in terms
        )


@pytest.fixture
def runner(tmp_path, checkout, repository):
    return Runner(tmp_path / "runner", checkout, repository)


def test_the_action_goes_red_on_the_line_and_comments_the_summary(runner, repository):
    outcomes, out = runner.run(install="false")
    assert outcomes == ["skipped", "success", "success"]
    assert "::error" not in out
    assert "as locked" in runner.summary.read_text()
    assert "POST" not in (runner.folder / "gh.log").read_text()  # all is well, and nobody is told
    line = change(repository)
    outcomes, out = runner.run(install="false", requirements="")
    assert outcomes == ["skipped", "failure", "success"]
    assert f"::error file=net.py,line={line},title=vggcost%3A net::{NAMED}" in out
    assert NAMED in runner.summary.read_text()
    log = (runner.folder / "gh.log").read_text()
    assert "--method POST repos/some/where/issues/7/comments" in log
    body = (runner.folder / "body.md").read_text()
    assert body.startswith("<!-- vggcost check -->\n")
    assert NAMED in body
    outcomes, _ = runner.run(install="false", more={"GH_FOUND": "41\n"})
    assert "--method PATCH repos/some/where/issues/comments/41" in (runner.folder / "gh.log").read_text()


def test_the_action_comments_where_it_may_alone(runner, repository):
    change(repository)
    for given in ({"token": ""}, {"event": "push"}, {"comment": "false"}):
        outcomes, _ = runner.run(install="false", **given)
        assert outcomes[1] == "failure"
        assert not (runner.folder / "gh.log").exists()
    outcomes, out = runner.run(install="false", more={"GH_REFUSES": "1"})
    assert outcomes == ["skipped", "failure", "success"]
    assert "::warning title=vggcost::the summary could not be written as a comment" in out


def test_the_action_installs_its_own_checkout(runner):
    outcomes, out = runner.run(event="push")
    assert outcomes == ["success", "success", "skipped"], out
    assert (runner.folder / "target" / "vggcost" / "cli" / "check.py").exists()


# GitLab


def test_the_job_of_gitlab_goes_red_with_a_report(repository, checkout):
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load((checkout / "templates" / "vggcost-check.gitlab-ci.yml").read_text())["vggcost-check"]
    report = job["artifacts"]["reports"]["junit"]
    install, check = job["script"]
    done = ran("bash", "-c", install, cwd=repository)
    assert done.returncode != 0
    assert "VGGCOST_INSTALL: say what pip installs" in done.stderr
    assert ran("bash", "-c", check, cwd=repository, **job["variables"]).returncode == 0
    assert ET.parse(repository / report).getroot().get("failures") == "0"  # noqa: S314  # it was just written
    change(repository)
    done = ran("bash", "-c", check, cwd=repository, **job["variables"])
    assert done.returncode == 1
    assert NAMED in done.stdout
    (failure,) = ET.parse(repository / report).getroot().iter("failure")  # noqa: S314
    assert NAMED in failure.get("message")


# What others say of the files


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("action.yml", "vendor.github-actions"),
        ("templates/vggcost-check.gitlab-ci.yml", "vendor.gitlab-ci"),
        (".github/workflows/ci.yml", "vendor.github-workflows"),
    ],
)
def test_the_files_are_of_their_schema(checkout, file, schema):
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    done = ran(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file, cwd=checkout)
    assert done.returncode == 0, done.stdout


def test_pre_commit_takes_the_hooks_file(checkout):
    pytest.importorskip("pre_commit", reason="needs pre-commit")
    words = (sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml")
    assert ran(*words, cwd=checkout).returncode == 0
