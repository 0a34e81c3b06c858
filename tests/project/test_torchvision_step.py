"""The step of .ci/run against torchvision: what makes it fail."""

import subprocess

import pytest

PASSED = "130 passed in 100 s"
SKIPPED = "SKIPPED [1] tests/against_torchvision/test_torchvision.py: torchvision is not installed"

MAKES_AN_ENVIRONMENT = """#!/usr/bin/env bash
# In place of python: `-m venv FOLDER` makes one whose pip and pytest do what the test says.
mkdir -p "$3/bin"
printf '#!/usr/bin/env bash\\nexit %s\\n' "$PIP_STATUS" >"$3/bin/pip"
printf '#!/usr/bin/env bash\\necho "%s"\\nexit %s\\n' "$PYTEST_SAYS" "$PYTEST_STATUS" >"$3/bin/pytest"
chmod +x "$3/bin/pip" "$3/bin/pytest"
exit "$VENV_STATUS"
"""


@pytest.mark.parametrize(
    ("venv", "pip", "pytest_status", "says", "passes"),
    [
        (0, 0, 0, PASSED, True),
        (1, 0, 0, PASSED, False),  # no environment
        (0, 1, 0, PASSED, False),  # no torchvision to be had
        (0, 0, 1, "1 failed", False),
        (0, 0, 5, "no tests ran", False),
        (0, 0, 0, SKIPPED, False),
    ],
)
def test_the_step_fails_where_anything_is_missing(checkout, tmp_path, venv, pip, pytest_status, says, passes):
    python = tmp_path / "python"
    python.write_text(MAKES_AN_ENVIRONMENT, encoding="utf-8")
    python.chmod(0o755)
    said = {"VENV_STATUS": venv, "PIP_STATUS": pip, "PYTEST_STATUS": pytest_status, "PYTEST_SAYS": says}
    done = subprocess.run(
        [checkout / ".ci" / "torchvision", tmp_path / "made"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python), **{name: str(value) for name, value in said.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) == passes, done
    assert not (tmp_path / "made").exists()


def test_it_is_a_step_of_its_own_before_the_last(checkout):
    steps = (checkout / ".ci" / "run").read_text(encoding="utf-8").split('\nstep "')
    assert [step.split('"')[0] for step in steps[-2:]] == ["torchvision", "tests"]
    assert steps[-2].splitlines()[1] == '.ci/torchvision "$work/torchvision"'
