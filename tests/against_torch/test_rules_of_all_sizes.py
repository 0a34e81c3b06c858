"""Every rule of torch's functions, on tensors of 0 to 5 dimensions and of 0 to 3 elements a side, against torch."""

import inspect
import random
import warnings
from functools import partial

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402, N812  # behind the check for torch, and torch's own name
from torch_calls import BEHIND, CALLS, UNREACHED  # noqa: E402

from vggcost.frameworks.pytorch import rules  # noqa: E402

OPERATOR_WORDS = {"truediv", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"}
IN_PLACE = {f"__i{name}__" if name in OPERATOR_WORDS else f"{name}_" for name in rules.IN_PLACE}
OPERATORS = {name for name in rules.RULES if "::" in name}
NAMES = sorted({*rules.RULES, *rules.UNARY, *rules.BINARY, *IN_PLACE} - UNREACHED - OPERATORS)


def shape(dice):
    """0 to 5 sides of 0 to 3 elements; images are the most frequent."""
    return tuple(dice.choice((0, 1, 1, 2, 2, 3)) for _ in range(dice.choice((0, 1, 2, 3, 4, 4, 5))))


def tensor(dice):
    return torch.ones(shape(dice))


def maybe_vector(dice):
    return dice.choice((None, torch.ones(dice.choice((0, 1, 2, 3)))))


def side(dice):
    return dice.choice((1, 1, 2, 3, (1, 2), (2, 1)))


MAKERS = {
    **dict.fromkeys(("input", "other", "weight", "bias", "tensor"), tensor),
    "tensors": lambda dice: [tensor(dice)] * dice.choice((1, 2)) + [tensor(dice)] * dice.choice((0, 0, 1)),
    **dict.fromkeys(("running_mean", "running_var"), maybe_vector),
    **dict.fromkeys(("kernel_size", "output_size"), side),
    **dict.fromkeys(("size", "num_groups"), lambda dice: dice.choice((1, 2, 3))),
    "pad": lambda dice: [dice.choice((-1, 0, 1)) for _ in range(dice.choice((0, 2, 4, 6)))],
    "dim": lambda dice: dice.choice((-2, -1, 0, 1, 2)),
    "stride": side,
    "padding": lambda dice: dice.choice((0, 1, (0, 1))),
    "dilation": side,
    "groups": lambda dice: dice.choice((1, 1, 2)),
    "ceil_mode": lambda dice: dice.random() < 0.5,
    "keepdim": lambda dice: dice.random() < 0.5,
}
"""What a call gets for each parameter of a rule, by its name."""
BESIDE = {
    **dict.fromkeys(("layer_norm", "rms_norm"), lambda given: (given.shape[-1:],)),
    **dict.fromkeys(("cumsum", "roll"), lambda given: (0, -1) if given.dim() == 2 else (0,)),
    "flip": lambda given: ([0] if given.dim() else [],),
    "threshold": lambda given: (0.5, given.dim()),
    "dropout_": lambda given: (0.5, given.dim() > 2),
    "prelu": lambda given: (torch.ones(given.shape[1] if given.dim() > 1 else 1),),
}
"""What a function takes beside what its rule looks at."""


def excused(name, args):
    """Calls that torch takes by not looking: a convolution of no channels, statistics of another length for nothing."""
    return ("conv" in name and args[1].numel() == 0) or (name == "batch_norm" and args[0].numel() == 0)


def matched(dice, arguments):
    """Mostly, an operand that takes what the input has: otherwise torch would take few calls."""
    given = arguments.get("input")
    if "other" in arguments and given is not None and given.dim() > 1 and dice.random() < 0.8:
        arguments["other"] = torch.ones(*given.shape[:-2], given.shape[-1], dice.choice((0, 1, 2)))
        if "bias" in arguments:
            arguments["bias"] = torch.ones(dice.choice(((), (1,), (given.shape[-2], 1))))
    if "running_mean" in arguments and given.dim() > 1:
        arguments |= dict.fromkeys(("running_mean", "running_var"), torch.ones(given.shape[1]))
        if "weight" in arguments:
            arguments["weight"] = torch.ones(given.shape[1])
        return
    if "weight" not in arguments or given.dim() == 0 or dice.random() < 0.3:
        return
    sides = [dice.choice((1, 1, 2)) for _ in range(given.dim() - dice.choice((1, 2, 2)))] if given.dim() > 2 else []
    channels = given.shape[-1 - len(sides)]
    arguments["weight"] = torch.ones(2, channels, *sides)
    if "bias" in arguments:
        arguments["bias"] = dice.choice((None, torch.ones(2)))


def call_of(name, rule, dice):
    """Arguments of a call: those that the rule must have, and some that it may have."""
    if name in CALLS:
        return CALLS[name](dice)
    if isinstance(rule, partial):
        first = tensor(dice)
        if rule.func is rules._first_rule:
            return (first, *BESIDE.get(name, lambda _: ())(first)), {}
        return (first, dice.choice((tensor(dice), first, 2.0))), {}
    named = inspect.signature(rule).parameters.values()
    required = [each.name for each in named if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD]
    optional = [each.name for each in named if each.name in MAKERS and each.name not in required]
    arguments = {name: MAKERS[name](dice) for name in (*required, *optional) if name in required or dice.random() < 0.5}
    matched(dice, arguments)
    needed = tuple(arguments.pop(name) for name in required)
    return (*needed, *BESIDE[name](needed[0])) if name in BESIDE else needed, arguments


def torch_function(name):
    if name in BEHIND:
        return BEHIND[name]
    places = (F, torch, torch.Tensor, torch._C._nn, torch._VF)
    inner = name.removeprefix("linalg_")
    return (
        next(getattr(place, name) for place in places if hasattr(place, name))
        if inner == name
        else getattr(torch.linalg, inner)
    )


def what_torch_says(name, args, kwargs):
    """The shape of what torch makes of a call, None where it refuses."""
    args = [value.clone() if isinstance(value, torch.Tensor) else value for value in args]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            result = torch_function(name)(*args, **kwargs)
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError):
            return None
    if result is NotImplemented:
        return None
    return tuple((result[0] if isinstance(result, tuple) else result).shape)


def problem_of(name, args, kwargs, expected):
    """What is wrong with a rule's answer to a call that torch takes."""
    try:
        plan = rules.rule_of(name)(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # whatever it raises is what the test is for
        return f"raises {error!r}"
    if plan.problem is not None:
        return f"says {plan.problem}"
    return None if plan.output == expected else f"gives {plan.output}, torch {expected}"


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_gives_torchs_shape_for_whatever_torch_takes(name):
    dice = random.Random(name)  # noqa: S311  # the same calls in every run
    taken = 0
    for _ in range(80 if name in CALLS else 400):  # those of their own mostly fit
        args, kwargs = call_of(name, rules.rule_of(name), dice)
        expected = what_torch_says(name, args, kwargs)
        if expected is None or excused(name, args):
            continue
        taken += 1
        wrong = problem_of(name, args, kwargs, expected)
        shapes = [tuple(value.shape) if isinstance(value, torch.Tensor) else value for value in args]
        assert wrong is None, f"{name}{shapes} {kwargs}: {wrong}"
    assert taken >= 15
