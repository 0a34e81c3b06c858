"""Every function and method of torch that a program may call is looked at: a rule, free, a view, or left uncounted."""

import warnings

import pytest

torch = pytest.importorskip("torch")

from torch.overrides import get_overridable_functions  # noqa: E402  # behind the check for torch, as all that follows

from vggcost.frameworks.pytorch import names, rules  # noqa: E402
from vggcost.frameworks.pytorch.free import FREE, is_free  # noqa: E402
from vggcost.frameworks.pytorch.opened import OPENED  # noqa: E402
from vggcost.frameworks.pytorch.uncounted import UNCOUNTED  # noqa: E402

CONSCIOUSLY = {name for functions in UNCOUNTED.values() for name in functions}

SETS = ("PASSIVE", "VIEWS", "COPIES", "FACTORIES", "LIKES", "VALUE_SEEKERS")


def sorts(name):
    """What the trace takes a function for; exactly one of these."""
    found = [each for each in SETS if name in getattr(names, each)]
    found += ["a property"] if name == "__get__" else []
    found += ["LIKES"] if name.startswith("new_") else []
    if name in OPENED:
        found.append("opened")  # what it calls has the rules
    elif rules.rule_of(name) is not None:
        found.append("a rule")
    found += ["free"] if is_free(name) else []
    found += ["uncounted"] if name in CONSCIOUSLY else []
    return found


def overridable():
    """The names of all functions and methods of torch that somebody who watches is told of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of those that it will give up
        found = get_overridable_functions()
    return sorted({getattr(function, "__name__", str(function)) for each in found.values() for function in each})


def test_every_function_of_torch_is_of_one_sort():
    every = overridable()
    assert len(every) > 900
    assert {name: sorts(name) for name in every if len(sorts(name)) != 1} == {}


def test_a_function_that_torch_has_not_yet_is_of_none():
    assert sorts("conv4d") == []
    assert sorts("linalg_new_solver") == []


def there(name):
    """Whether torch has a function, method or operator of this name, in place or not."""
    space, _, bare = name.rpartition("::")
    if space:
        return hasattr(getattr(torch.ops, space), bare)
    places = (torch, torch.Tensor, torch.nn.functional, torch.ops.aten, torch._C._nn)  # where C's stand
    return any(hasattr(place, f"{bare}{ending}") for place in places for ending in ("", "_"))


@pytest.mark.parametrize("name", sorted({*FREE, *CONSCIOUSLY, *OPENED, *rules.RULES}))
def test_no_list_has_a_name_that_torch_has_not(name):
    if name == "setitem":
        name = "__setitem__"
    module, _, bare = name.partition("_")
    inner = getattr(torch, module, None) if module in ("fft", "linalg", "special") else None
    assert there(name) or hasattr(inner, bare)


def test_a_name_that_torch_has_not_is_found():
    assert not there("conv4d")
    assert not there("quantized::conv4d")


def test_no_operator_is_named_twice_and_none_is_made_up():
    from vggcost.frameworks.pytorch import free_operators, operators

    lists = (free_operators.SILENT, free_operators.FREE)
    assert not free_operators.SILENT & free_operators.FREE
    assert not free_operators.FREE & FREE
    vision = "torchvision::"  # which is not installed here
    unknown = [name for each in lists for name in each if not name.startswith(vision) and not there(name)]
    assert [name for name in unknown if not name.startswith("quantized_decomposed::")] == []
    assert [name for name in operators.RULES if not name.startswith(vision) and not there(name)] == []
    # A kernel with a rule may be free, too; what multiplies and accumulates may not.
    assert not {"convolution", "addmm", "bmm", "_scaled_dot_product_flash_attention"} & (FREE | lists[0] | lists[1])


def test_aten_operators_that_multiply_and_accumulate_are_not_free():
    from torch.utils.flop_counter import flop_registry

    from vggcost.frameworks.pytorch import operators

    counted = [operators.name_of(packet) for packet in flop_registry]
    assert len(counted) > 10
    free = [name for name in counted if operators.is_free(name) or name.strip("_") in {"t", "clone"}]
    assert free == []
    known = [name for name in counted if name in operators.RULES or rules.rule_of(name) is not None]
    backward = [name for name in counted if "backward" in name]
    rest = sorted(set(counted) - set(known) - set(backward))
    # Their heads stand in another order, and no program calls them but through scaled_dot_product_attention.
    named = {"_cudnn_attention_forward", "_efficient_attention_forward", "_flash_attention_forward", "flex_attention"}
    assert set(rest) <= named
