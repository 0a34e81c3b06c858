"""Finished tasks on disk: a file each, named by the question's digest and its range, whole or not there."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.errors import VggcostError, in_part
from vggcost.sweep.task import TaskResult

if TYPE_CHECKING:
    from vggcost.sweep.question import Question
    from vggcost.sweep.task import Task

DIGEST_BYTES = 32


class Parts:
    """A directory of parts, which belongs to one question.

    Raises:
        VggcostError: it belongs to another one, or cannot be made.
    """

    def __init__(self, folder: str, asked: Question, *, restart: bool = False) -> None:
        self._folder = folder
        self._asked = asked
        mark = os.path.join(folder, "question.txt")
        try:
            if restart and os.path.exists(mark):
                shutil.rmtree(folder)
            os.makedirs(folder, exist_ok=True)
            there = os.listdir(folder)
            if not there:
                with open(mark, "x", encoding="utf-8") as file:
                    file.write(asked.key)
            with open(mark, encoding="utf-8") as file:
                key = file.read(200)
        except OSError as error:
            raise VggcostError(f"cannot keep parts in {in_part(folder)!r}: {error.strerror or error}") from None
        if key != asked.key:
            raise VggcostError(
                f"{in_part(folder)!r} has the parts of another space or question; choose another --output, or give"
                " --restart to remove them"
            )

    def _name(self, task: Task) -> str:
        low, high = (self._asked.layout.start(each) for each in (task.first, task.last))
        return os.path.join(self._folder, f"{self._asked.key}-{low}-{high}.part")

    def write(self, task: Task, found: TaskResult) -> None:
        """Write what a task gave, beside its place and then there in one step.

        Raises:
            VggcostError: it cannot be written; what was written before stays.
        """
        place = self._name(task)
        buffer = io.BytesIO()
        meta = json.dumps([found.examined, found.passed, found.refused]).encode()
        arrays: dict[str, Any] = {"meta": np.frombuffer(meta, np.uint8), "index": found.index, **found.columns}
        np.savez(buffer, **arrays)
        content = buffer.getbuffer()
        beside = f"{place}.{os.getpid()}"
        try:
            with open(beside, "wb") as file:
                file.write(content)
                file.write(self._digest(place, content))
            os.replace(beside, place)
        except OSError as error:
            with suppress(OSError):
                os.unlink(beside)
            raise VggcostError(
                f"cannot write a part in {in_part(self._folder)!r}: {error.strerror or error}; the parts before stay,"
                " and the same command goes on from them"
            ) from None

    def read(self, task: Task) -> TaskResult | None:
        """Return what a task gave that was run before; None where there is no such part, or none that is whole."""
        place = self._name(task)
        try:
            with open(place, "rb") as file:
                data = memoryview(file.read())
        except OSError:
            return None
        content, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        if self._digest(place, content) != bytes(digest):
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                examined, passed, refused = json.loads(arrays["meta"].tobytes())
                columns = {name: arrays[name] for name in self._asked.query.columns}
                named = {name: (points, example) for name, (points, example) in refused.items()}
                return TaskResult(examined, passed, named, arrays["index"], columns)
        except (KeyError, ValueError, zipfile.BadZipFile):
            return None

    def _digest(self, place: str, content: memoryview) -> bytes:
        """A digest of a part's content and name, so that one under another's name is none."""
        return blake2b(content, digest_size=DIGEST_BYTES, key=os.path.basename(place).encode()[:64]).digest()

    def remove(self) -> None:
        """Remove the directory, when its rows are where they are to be."""
        shutil.rmtree(self._folder, ignore_errors=True)
