"""The parameters of the model as they were fitted, and the factors of its intervals: data, with what they stand on."""

from __future__ import annotations

import os

from vggcost.predict.devices import HERE
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PARAMETERS_FILE = os.path.join(HERE, "parameters.toml")


class Parameters(Record):
    """What was fitted: values by name, all that the file has (factors of intervals, training steps), and its hash."""

    values: Mapping[str, float]
    data: Mapping[str, Any]
    sha256: str


def shipped() -> Parameters:
    """Return the parameters that vggcost ships."""
    import tomllib
    from hashlib import sha256

    with open(PARAMETERS_FILE, "rb") as file:
        text = file.read()
    data = tomllib.loads(text.decode())
    return Parameters(data["values"], data, sha256(text).hexdigest())
