"""What torch's functions do to shapes: one rule a function, with torch's own signature, over tensors without values.

torch would say the same through its meta kernels, whose first use loads a second's worth of Python. A rule looks at
nothing but shapes, so it also says what comes out where torch would refuse: the shapes behind a misfit can be followed.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.kinds import KINDS
from vggcost.frameworks.pytorch.names import plain, writes
from vggcost.frameworks.pytorch.operations import elementwise, in_place
from vggcost.frameworks.pytorch.plans import is_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.frameworks.pytorch.plans import Plan, Rule

RULES: Mapping[str, Rule] = {
    name: rule for row in KINDS.values() if not isinstance(row.rules, str) for name, rule in row.rules.items()
}
"""torch's functions and methods by name, each with its rule."""

UNARY = frozenset(
    (
        *("relu6", "sigmoid", "tanh", "silu", "gelu", "elu", "leaky_relu", "hardswish", "hardsigmoid", "hardtanh"),
        *("softplus", "softsign", "mish", "selu", "celu", "prelu", "rrelu", "threshold", "logsigmoid", "log_softmax"),
        *("exp", "log", "sqrt", "rsqrt", "square", "abs", "neg", "__neg__", "sign"),
        *("normalize", "cumsum", "flip", "roll", "reciprocal"),
        *("__abs__", "sin", "cos", "erf", "floor", "ceil", "round"),
    )
)
"""Functions that keep their first argument's shape and do no multiply-accumulate."""

BINARY = frozenset(
    (
        *("sub", "__sub__", "__rsub__", "rsub", "subtract", "mul", "__mul__", "__rmul__", "multiply"),
        *("div", "__truediv__", "__rtruediv__", "__div__", "true_divide", "divide", "maximum", "minimum"),
        *("pow", "__pow__", "__rpow__", "clamp", "clip"),
    )
)
"""Element-wise functions of operands that broadcast."""

IN_PLACE = frozenset(
    (
        *("add", "sub", "mul", "div", "truediv", "pow", "clamp", "clip", "subtract", "multiply", "divide"),
        *("true_divide", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"),
    )
)
"""Element-wise functions of operands that broadcast and have an in-place form."""


@cache
def rule_of(name: str) -> Rule | None:
    """Return the rule of one of torch's functions or methods; None where there is none.

    The rule raises TypeError for a form of the call that it does not have.
    """
    bare = plain(name)
    if writes(name) and bare in IN_PLACE:
        return partial(in_place, bare)
    if name in RULES:
        return RULES[name]
    if name in BINARY:
        return partial(_operands_rule, bare)
    if name in UNARY or (writes(name) and bare in UNARY):
        return partial(_first_rule, bare)
    return None


def _operands_rule(operation: str, *args: Any, **kwargs: Any) -> Plan:
    return elementwise(operation, *(value for value in (*args, *kwargs.values()) if is_tensor(value)))


def _first_rule(operation: str, *args: Any, **kwargs: Any) -> Plan:
    return elementwise(operation, next(iter((*args, *kwargs.values()))))
