"""What kind of target a text is: a configuration's name, a network file, a stored model or a program. Loads nothing."""

from __future__ import annotations

import os

from vggcost.network.catalogue import NETWORK_FILE_ENDING, may_be_name
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.frameworks.arguments import Arguments
    from vggcost.frameworks.call_text import CallText

NAME, NETWORK_FILE, STORED, PROGRAM = "configuration", "network file", "stored model", "program"
"""The kinds of target. The first two are networks of ours, which need no framework."""

STORED_ENDINGS = (".pt", ".pth", ".ckpt", ".bin", ".tar", ".safetensors", ".keras", ".h5", ".hdf5", ".onnx")
"""The files that hold a model, or a model's tensors, and are read without being run."""


def kind_of(text: str) -> str:
    """Return which kind of target a text is, by its form alone.

    >>> [kind_of(each) for each in ("vgg16_bn", "net.toml", "runs/best.PTH", "vgg.py:VGG16", "vgg.py", "torch.nn:ReLU")]
    ['configuration', 'network file', 'stored model', 'program', 'program', 'program']
    """
    if may_be_name(text):
        return NAME
    ending = os.path.splitext(text)[1].lower()
    if ending == NETWORK_FILE_ENDING:
        return NETWORK_FILE
    return STORED if ending in STORED_ENDINGS else PROGRAM


def is_network(target: Any) -> bool:
    """Whether this is the text of a network of ours: a configuration's name or a network file; no program, no model."""
    return isinstance(target, str) and kind_of(target) in (NAME, NETWORK_FILE)


class Given(Record):
    """What is given beside a target, to make its model and to run it.

    call has the arguments of the call that makes it, arguments are what its forward call gets. Where they are None it
    gets images of this size (height, width) [pixels], None being the model's own; batch: images in one forward call.
    constructors: whether the reading is to say which lines make the model's modules.
    """

    call: CallText | None = None
    arguments: Arguments | None = None
    size: tuple[int, int] | None = None
    batch: int = 1
    constructors: bool = False
