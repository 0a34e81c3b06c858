"""``python -m vggcost`` is ``vggcost``: one command, and then the end of its process."""

from __future__ import annotations

from vggcost.cli import main
from vggcost.cli.output import were_lent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def command() -> NoReturn:
    """Run the command of this process, and end it.

    Where programs were read, nobody waits for their threads, and no exit hook of theirs has the last word.
    """
    status = main()
    if were_lent():
        from vggcost.cli.isolation import leave

        leave(status)
    raise SystemExit(status)


if __name__ == "__main__":
    command()
