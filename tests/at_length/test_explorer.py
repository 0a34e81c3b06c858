"""The explorer's page as a file: its size, its policy, its bytes, and names of networks as text."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256

from odd_network import ODD_NAME, odd_network

MOST_BYTES = 300 * 1024
WRITE = "import sys; from vggcost.cli import main; sys.exit(main(sys.argv[1:]))"


def test_the_file_is_small_and_the_same_each_time_and_runs_no_name(tmp_path):
    own = odd_network(tmp_path)
    texts = []
    for seed in ("1", "2"):
        place = tmp_path / f"{seed}.html"
        words = [sys.executable, "-c", WRITE, "explorer", own, "residual-vgg16", "-o", str(place)]
        done = subprocess.run(words, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed})
        assert (done.stdout, done.stderr) == ("", "")
        texts.append(place.read_bytes())
    assert texts[0] == texts[1]
    assert len(texts[0]) < MOST_BYTES
    text = texts[0].decode("ascii")
    assert ODD_NAME not in text and "&lt;img src=x onerror=alert(1)&gt;" in text
    assert not re.search(r"""(?:src|href)=["'](?!#)""", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for tag in ("script", "style"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'" in policy
