"""What exporters write out as several nodes: torch's local response normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEWS = ("Reshape", "Squeeze", "Unsqueeze", "Flatten")
"""Operators that give a tensor another shape."""

PASSING = ("Identity", "Dropout", "Transpose", "Cast")
"""Operators that may stand before a flatten without changing what it flattens."""


class Links:
    """Which node makes a tensor, and which take it."""

    def __init__(self, graph: Any) -> None:
        self.nodes: list[Any] = list(graph.node)
        self._makers = {name: node for node in self.nodes for name in node.output if name}
        self._users: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in (*node.input, *_captured(node)):
                self._users.setdefault(name, []).append(node)
        self._outputs = {given.name for given in graph.output}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}

    def maker(self, name: str, *operators: str) -> Any:
        """The node that makes a tensor, where it is one of these operators; None elsewhere."""
        node = self._makers.get(name)
        return node if node is not None and node.op_type in operators else None

    def user(self, name: str, *operators: str) -> Any:
        """The one node that takes a tensor, where there is one and it is one of these operators; None elsewhere."""
        users = self._users.get(name, []) if self.used_once(name) else []
        return next((node for node in users if node.op_type in operators), None)

    def used_once(self, name: str) -> bool:
        """Whether one node takes a tensor, once, and the graph does not hand it out."""
        return len(self._users.get(name, ())) == 1 and name not in self._outputs

    def unviewed(self, name: str) -> str:
        """The tensor of which another is a view, or its own name; an If that squeezes or hands on is a view, too."""
        while (node := self.maker(name, "If", *VIEWS)) is not None:
            inner = {each.op_type for attribute in node.attribute for each in attribute.g.node}
            if node.op_type == "If" and not inner <= {"Constant", "Identity", "Squeeze"}:
                break
            taken = list(dict.fromkeys(_captured(node))) if node.op_type == "If" else list(node.input[:1])
            if len(taken) != 1:
                break
            name = taken[0]
        return name

    def sole_makers(self, node: Any, image: str) -> Iterator[Any]:
        """The nodes behind an image that make what one node takes, and nothing that anyone else does."""
        gone = {id(node)}
        waiting = [node]
        while waiting:
            taker = waiting.pop()
            for name in (*taker.input, *_captured(taker)):
                maker = self._makers.get(name)
                if maker is None or id(maker) in gone or {image, *self._outputs} & set(maker.output):
                    continue
                users = [user for each in maker.output for user in self._users.get(each, ())]
                if all(id(user) in gone for user in users):
                    gone.add(id(maker))
                    waiting.append(maker)
                    yield maker

    def number(self, name: str) -> float | None:
        """The value of a stored tensor or a constant of one element; None for anything else."""
        tensor = self._stored.get(name)
        node = self._makers.get(name)
        if tensor is None and node is not None and node.op_type == "Constant":
            tensor = next((each.t for each in node.attribute if each.name == "value"), None)
        if tensor is None or tensor.external_data:
            return None
        array = numpy_helper.to_array(tensor)
        return float(array.reshape(-1)[0]) if array.size == 1 and array.dtype.kind in "fiu" else None

    def flattens(self, name: str) -> bool:
        """Whether a tensor goes to a flatten and nowhere else."""
        node = self.user(name, *VIEWS, *PASSING)
        while node is not None and node.op_type in PASSING:
            node = self.user(node.output[0], *VIEWS, *PASSING)
        return node is not None


def _captured(node: Any) -> Iterator[str]:
    """The tensors around a node that the graphs inside of it take."""
    for attribute in node.attribute:
        for graph in (attribute.g,) if attribute.HasField("g") else attribute.graphs:
            inner = {name for each in graph.node for name in each.output} | {each.name for each in graph.input}
            inner |= {tensor.name for tensor in graph.initializer}
            for each in graph.node:
                yield from (name for name in (*each.input, *_captured(each)) if name and name not in inner)


def joined(graph: Any) -> list[Any]:
    """Return a graph's nodes with each local response normalization that torch has written out as one LRN."""
    links = Links(graph)
    made: dict[int, Any] = {}
    gone: set[int] = set()
    for node in links.nodes:
        normalization = _normalization(links, node) if node.op_type == "Div" and not node.domain else None
        if normalization is not None:
            made[id(node)] = normalization
            gone |= {id(maker) for maker in links.sole_makers(node, normalization.input[0])}
    return [made.get(id(node), node) for node in links.nodes if id(node) not in gone]


def _normalization(links: Links, last: Any) -> Any:
    """The LRN that ends in a division, None where it ends something else.

    x / (k + alpha * mean(x * x)) ** beta, the squares put into a row of channels that a window slides along.
    """
    image, name = last.input
    numbers: dict[str, Any] = {}
    for word, operator in (("beta", "Pow"), ("bias", "Add"), ("alpha", "Mul")):
        node = links.maker(name, operator)
        values = [] if node is None else [links.number(each) for each in node.input]
        known = [value for value in values if value is not None]
        if node is None or len(known) != 1:
            return None
        numbers[word] = known[0]
        name = node.input[values.index(None)]
    pool = links.maker(links.unviewed(name), "AveragePool")
    kernel = (
        () if pool is None else next((tuple(each.ints) for each in pool.attribute if each.name == "kernel_shape"), ())
    )
    if len(kernel) not in (2, 3) or kernel[0] < 2 or set(kernel[1:]) != {1}:
        return None
    padded = links.maker(pool.input[0], "Pad")
    square = links.maker(links.unviewed(pool.input[0] if padded is None else padded.input[0]), "Mul", "Pow")
    if square is None or square.input[0] != image or not _squares(links, square):
        return None
    made = helper.make_node("LRN", [image], list(last.output), name=last.name, size=kernel[0], **numbers)
    made.metadata_props.extend(last.metadata_props)
    return made


def _squares(links: Links, node: Any) -> bool:
    if node.op_type == "Mul":
        return bool(node.input[0] == node.input[1])
    return links.number(node.input[1]) == 2
