"""Random networks, read without weights, against what torch makes of them: same counts, same refusals."""

import random

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # behind the check for torch, as all that follows
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import vggcost  # noqa: E402

POINTWISE = (
    lambda: nn.ReLU(inplace=True),
    nn.Sigmoid,
    nn.SiLU,
    nn.GELU,
    nn.PReLU,
    nn.Hardswish,
    nn.Dropout2d,
    lambda: nn.LocalResponseNorm(3),
)
POOLS = (
    lambda: nn.MaxPool2d(2),
    lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    lambda: nn.AvgPool2d(2, ceil_mode=True),
    lambda: nn.MaxPool2d(3, 1, 1),
)


def network(seed):
    """A network of up to a dozen layers, and an input for it; not all of them run."""
    dice = random.Random(seed)  # noqa: S311  # the same networks in every run
    channels = dice.choice([1, 3, 4])
    shape = (dice.choice([1, 2, 3]), channels, dice.choice([32, 48, 57]), dice.choice([32, 45]))
    made = []
    for _ in range(dice.randint(1, 12)):
        sort = dice.random()
        if sort < 0.5:
            groups = dice.choice([1, 1, channels])
            width = groups * dice.randint(1, 6)
            made.append(
                nn.Conv2d(
                    channels,
                    width,
                    dice.choice([1, 2, 3, 5, (1, 3)]),
                    stride=dice.choice([1, 1, 2, (2, 1)]),
                    padding=dice.choice([0, 1, 2, (1, 0)]),
                    dilation=dice.choice([1, 1, 2]),
                    groups=groups,
                    bias=dice.random() < 0.5,
                )
            )
            channels = width
        elif sort < 0.65:
            made.append(nn.BatchNorm2d(channels, affine=dice.random() < 0.8))
        else:
            made.append(dice.choice(POINTWISE if sort < 0.8 else POOLS)())
    if dice.random() < 0.6:
        made.append(nn.AdaptiveAvgPool2d(dice.choice([1, 2, (2, 3)])))
    features = nn.Sequential(*made).eval()
    try:
        with torch.no_grad():
            features_out = features(torch.zeros(shape)).flatten(1).shape[1]
    except RuntimeError:
        features_out = 7  # it does not run, whatever stands behind it
    takes = features_out + (dice.random() < 0.1)  # now and then the linear layer does not fit
    return nn.Sequential(features, nn.Flatten(), nn.Linear(takes, 3), nn.Softmax(1)).eval(), shape


@pytest.mark.parametrize("seed", range(60))
def test_a_random_network_is_what_torch_makes_of_it(seed):
    model, shape = network(seed)
    audit = vggcost.audit(model, shape)
    assert audit.params == sum(parameter.numel() for parameter in model.parameters())
    assert audit.uncounted == ()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            output = model(torch.zeros(shape))
    except RuntimeError:
        assert not audit.runs
    else:
        assert audit.runs
        assert 2 * audit.macs == counter.get_total_flops()
        assert audit.reading.operations[-1].output == tuple(output.shape)


def test_random_networks_run_and_fail_both():
    verdicts = {vggcost.audit(*network(seed)).runs for seed in range(30)}
    assert verdicts == {True, False}
