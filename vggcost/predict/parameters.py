"""The parameters of the model as they were fitted, and the factors of its intervals: data, with what they stand on."""

from __future__ import annotations

import os

from vggcost.predict import plain_toml
from vggcost.predict.devices import HERE
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PARAMETERS_FILE = os.path.join(HERE, "parameters.toml")


class Parameters(Record):
    """What was fitted: values by name, and all that the file has, factors of intervals and training steps among it."""

    values: Mapping[str, float]
    data: Mapping[str, Any]


def shipped() -> Parameters:
    """Return the parameters that vggcost ships."""
    data = plain_toml.read(PARAMETERS_FILE)
    return Parameters(data["values"], data)


def shipped_sha256() -> str:
    """Return the SHA-256 of the file of the shipped parameters."""
    from hashlib import sha256

    with open(PARAMETERS_FILE, "rb") as file:
        return sha256(file.read()).hexdigest()
