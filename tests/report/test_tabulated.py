"""tabulate is loaded without importlib.metadata, and is the whole of it all the same."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
{before}
from vggcost.cli import main
from vggcost.report.tabulated import tabulate_loaded
main(["table", "D", "--format", "{fmt}"])
import tabulate
asked = "email" in sys.modules
import importlib.metadata
versions = [tabulate.__version__, importlib.metadata.version("tabulate")]
print(json.dumps([asked, *versions, tabulate_loaded() is tabulate.tabulate, hasattr(tabulate, "nothing")]))
"""


@pytest.mark.parametrize("fmt", ["table", "markdown"])
@pytest.mark.parametrize("before", ["", "import importlib.metadata"])
def test_nothing_is_loaded_for_the_version_of_tabulate(fmt, before):
    script = SCRIPT.format(before=before, fmt=fmt)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    asked, version, installed, same, other = json.loads(done.stdout.splitlines()[-1])
    assert asked == bool(before)
    assert version == installed
    assert same and not other
