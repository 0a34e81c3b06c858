"""Random small programs in which everything is written in one of the ways in which people write it."""

# ruff: noqa: PLW0108  # a lambda looks its function up when it is called, which is what matters here

import random

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn
from torch.nn.functional import max_pool2d, relu


class OwnConv2d(nn.Conv2d):
    """A convolution by another class."""


class Scaled(nn.Module):
    """A leaf of its own with a weight."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return self.weight.view(1, -1, 1, 1) * x


class OwnConvBlock(nn.Module):
    """A leaf that calls functions with parameters of its own, whose class is called a convolution."""

    def __init__(self, channels, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width, channels, 3, 3))
        self.bias = nn.Parameter(torch.rand(width))

    def forward(self, x):
        return F.relu(F.conv2d(x, self.weight, self.bias, padding=1))


class Functional(nn.Module):
    """A leaf without parameters that calls a function, at every call the same."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Residual(nn.Module):
    """A branch and an addition, written in one way."""

    def __init__(self, branch, add):
        super().__init__()
        self.branch = branch
        self.add = add

    def forward(self, x):
        return self.add(x, self.branch(x))


def in_place_add(x, y):
    x = x.clone()
    x += y
    return x


ADDITIONS = (
    lambda x, y: x + y,
    lambda x, y: x.add(y),
    lambda x, y: torch.add(x, y),
    lambda x, y: torch.add(x, y, alpha=0.5),
    lambda x, y: x.clone().add_(y),
    lambda x, y: torch.mul(x, y),
    lambda x, y: x * y,
    lambda x, y: x.mul(y),
    lambda x, y: torch.cat([x, y])[: x.shape[0]],
    lambda x, y: torch.stack([x, y]).sum(0),
    lambda x, y: torch.maximum(x, y),
    lambda x, y: x - y,
    in_place_add,
)

FUNCTIONS = (
    F.relu,
    lambda x: F.relu(x),
    lambda x: F.relu(x.clone(), inplace=True),
    lambda x: relu(x),
    lambda x: torch.relu(x),
    lambda x: x.relu(),
    lambda x: x.clone().relu_(),
    lambda x: torch.ops.aten.relu(x),
    lambda x: F.relu6(x),
    lambda x: F.leaky_relu(x),
    lambda x: F.leaky_relu(x.clone(), 0.2, True),
    lambda x: F.elu(x),
    lambda x: F.silu(x),
    lambda x: F.gelu(x, approximate="tanh"),
    lambda x: F.prelu(x, torch.full((1,), 0.25)),
    lambda x: torch.sigmoid(x),
    lambda x: F.sigmoid(x) * 2,
    lambda x: x.tanh() / 2,
    lambda x: 2 / (x.abs() + 1),
    lambda x: 1 - x,
    lambda x: x.mul(0.5),
    lambda x: torch.mul(x, 0.5),
    lambda x: x.clone().mul_(0.5),
    lambda x: x.add(1),
    lambda x: x**2,
    lambda x: x.pow(2).sum(1, keepdim=True).sqrt() + x,
    lambda x: F.softmax(x, 1),
    lambda x: torch.softmax(x, 1),
    lambda x: x.softmax(1),
    lambda x: F.log_softmax(x, 1),
    lambda x: F.dropout(x, 0.5, training=False),
    lambda x: F.dropout2d(x, training=False),
    lambda x: F.normalize(x),
    lambda x: F.pad(x, (1, 1, 1, 1)),
    lambda x: F.max_pool2d(x, 2, ceil_mode=True),
    lambda x: F.max_pool2d(x, 3, 1, 1),
    lambda x: max_pool2d(x, 3, 1, 1),
    lambda x: torch.max_pool2d(x, 3, 1, 1),
    lambda x: F.avg_pool2d(x, 3, 1, 1),
    lambda x: F.adaptive_avg_pool2d(x, (5, 4)),
    lambda x: F.adaptive_max_pool2d(x, (5, 4)),
    lambda x: F.interpolate(x, scale_factor=2.0),
    lambda x: F.interpolate(x, size=(9, 7), mode="bilinear", align_corners=False),
    lambda x: F.interpolate(x, size=8, mode="nearest"),
    lambda x: F.interpolate(x, size=x.shape[2:], mode="bicubic"),
    lambda x: F.layer_norm(x, x.shape[1:]),
    lambda x: F.group_norm(x, 1),
    lambda x: F.instance_norm(x),
    lambda x: F.batch_norm(x, torch.zeros(x.shape[1]), torch.ones(x.shape[1])),
    lambda x: F.batch_norm(x, None, None, training=True),
    lambda x: F.local_response_norm(x, 3),
    lambda x: x * x.mean((2, 3), keepdim=True),
    lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2),
    lambda x: torch.einsum("nchw,nchw->nchw", x, x),
    lambda x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)).unsqueeze(1) + x.mean((2, 3), keepdim=True)[:, :1],
    lambda x: x.flatten(2) @ torch.ones(x.flatten(2).shape[2], 6),
    lambda x: x.flatten(2).mean(1) @ torch.ones(x.flatten(2).shape[2]),
    lambda x: x.view(x.size(0), x.size(1) * x.size(2), x.size(3)),
    lambda x: x.clamp(0, 1),
    lambda x: x.view(x.size(0), x.size(1), -1).view(x.shape),
)
"""Functions of feature maps; those behind which no feature map is left end the row."""


def pointwise(dice, channels):
    return dice.choice(
        (
            lambda: nn.ReLU(inplace=True),
            nn.ReLU,
            nn.ReLU6,
            nn.LeakyReLU,
            nn.PReLU,
            nn.ELU,
            nn.GELU,
            nn.SiLU,
            nn.Sigmoid,
            nn.Tanh,
            nn.Hardswish,
            nn.Softplus,
            nn.Dropout,
            lambda: nn.Dropout(0.0),
            nn.Dropout2d,
            nn.Identity,
            lambda: nn.Softmax(1),
            nn.Softmax2d,
            nn.LogSoftmax,
            lambda: nn.LocalResponseNorm(3),
            lambda: nn.ZeroPad2d(1),
            lambda: nn.Upsample(scale_factor=2),
            lambda: nn.Upsample(size=(9, 8), mode="bilinear"),
            lambda: nn.UpsamplingNearest2d(scale_factor=2),
            lambda: nn.MaxPool2d(2, ceil_mode=True),
            lambda: nn.MaxPool2d((3, 2), 1, 1),
            lambda: nn.AvgPool2d(3, 1, 1),
            lambda: nn.AvgPool2d((2, 3), 1, 1),
            lambda: nn.AdaptiveAvgPool2d((6, 5)),
            lambda: nn.AdaptiveMaxPool2d(6),
            lambda: nn.BatchNorm2d(channels),
            lambda: nn.BatchNorm2d(channels, affine=False),
            lambda: nn.BatchNorm2d(channels, track_running_stats=False),
            lambda: nn.GroupNorm(1, channels),
            lambda: nn.GroupNorm(1, channels, affine=False),
            lambda: nn.InstanceNorm2d(channels, affine=True),
            lambda: nn.InstanceNorm2d(channels),
            lambda: Scaled(channels),
            lambda: Functional(dice.choice(FUNCTIONS[:33])),
        )
    )()


def convolution(dice, channels):
    groups = dice.choice((1, 1, channels))
    width = groups * dice.randint(1, 3)
    kind = dice.random()
    bias = dice.random() < 0.5
    if kind < 0.5:
        made = nn.Conv2d(channels, width, dice.choice((1, 3, (1, 3))), padding=1, groups=groups, bias=bias)
    elif kind < 0.6:
        made = nn.Conv2d(channels, width, 3, stride=dice.choice((1, 2)), padding=2, dilation=2, bias=bias)
    elif kind < 0.7:
        made = nn.Conv2d(channels, width, dice.choice((2, 3)), padding="same", bias=bias)
    elif kind < 0.8:
        made = nn.ConvTranspose2d(channels, width, dice.choice((2, 3)), stride=2, groups=groups, bias=bias)
    elif kind < 0.9:
        made = OwnConv2d(channels, width, 3, padding=1, bias=bias)
    else:
        made = OwnConvBlock(channels, width)
    return made, width


class Program(nn.Module):
    """A row of steps, and a head."""

    def __init__(self, seed):
        super().__init__()
        dice = random.Random(seed)  # noqa: S311  # the same program in every process
        channels = 3
        steps = []
        made = []
        for number in range(dice.randint(1, 7)):
            sort = dice.random()
            if sort < 0.35:
                module, channels = convolution(dice, channels)
            elif sort < 0.6:
                module = pointwise(dice, channels)
            elif sort < 0.7:
                branch = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), pointwise(dice, channels))
                branch = branch if dice.random() < 0.5 else nn.Conv2d(channels, channels, 1)
                module = Residual(branch, dice.choice(ADDITIONS))
            elif sort < 0.9:
                steps.append(dice.choice(FUNCTIONS))
                continue
            else:
                shared = nn.Conv2d(channels, channels, 1)
                self.add_module(f"left{number}", nn.Sequential(shared, nn.ReLU()))
                self.add_module(f"right{number}", nn.Sequential(shared, nn.Sequential(shared)))
                steps += [
                    getattr(self, f"{side}{number}") for side in dice.sample(("left", "right"), dice.randint(1, 2))
                ]
                continue
            place = dice.random()
            if place < 0.9:
                self.add_module(f"part{number}", module)
                made.append(module)
            steps.append(module.forward if 0.85 < place < 0.9 else module)
        if made and dice.random() < 0.3:
            again = dice.choice(made)
            if isinstance(again, nn.ReLU | nn.Dropout | nn.Sigmoid | nn.GELU | Scaled | Functional | Residual):
                steps.append(again)
        self.steps = [tuple(steps)]  # a plain container, which holds no modules in torch's eyes
        self.unused = nn.Linear(3, 4) if dice.random() < 0.2 else None
        self.head = dice.choice(("linear", "functional", "matrix", "places", "none"))
        width = dice.randint(1, 5)
        self.classes = nn.Linear(channels, width, bias=dice.random() < 0.5)
        self.classes_weight = nn.Parameter(torch.rand(width, channels))
        self.final = dice.choice((lambda x: x, lambda x: F.softmax(x, -1), lambda x: x.softmax(-1), nn.Softmax(-1)))

    def forward(self, x):
        for step in self.steps[0]:
            x = step(x)
            if x.dim() != 4:
                return x
        if x.shape[1] != self.classes.in_features:
            return x
        if self.head == "linear":
            x = self.classes(x.mean((2, 3)))
        elif self.head == "functional":
            x = F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), self.classes_weight)
        elif self.head == "matrix":
            x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1) @ self.classes_weight.t()
        elif self.head == "places":
            x = self.classes(x.flatten(2).transpose(1, 2))
        return self.final(x)


def program(seed):
    """The program of a seed, in eval mode."""
    torch.manual_seed(seed)
    return Program(seed).eval()


def shape(seed):
    """The shape of its input."""
    return (random.Random(seed + 1).choice((1, 2, 3)), 3, 12, 10)  # noqa: S311  # the same in every process
