"""SSD300 on VGG-16 (Liu et al. 2016) as first published in PyTorch, without the decoding of its boxes."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn

BOXES = (4, 6, 6, 6, 4, 4)
"""Boxes at each place of the six feature maps."""


def convolution(c_in, width, **options):
    """A 3x3 convolution and its ReLU, written in place."""
    return [nn.Conv2d(c_in, width, 3, **options), nn.ReLU(inplace=True)]


class L2Norm(nn.Module):
    """Every place's channels at length 1, times a learned scale a channel."""

    def __init__(self, channels, scale):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(scale)))

    def forward(self, x):
        length = x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10
        x = torch.div(x, length)
        return self.weight.unsqueeze(0).unsqueeze(2).unsqueeze(3).expand_as(x) * x


class SSD300(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        made, c_in = [], 3
        for block, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
            for _ in range(depth):
                made += convolution(c_in, width, padding=1)
                c_in = width
            made.append(nn.MaxPool2d(3, 1, 1) if block == 4 else nn.MaxPool2d(2, 2, ceil_mode=block == 2))
        made += convolution(512, 1024, padding=6, dilation=6)  # fc6, dilated
        made += [nn.Conv2d(1024, 1024, 1), nn.ReLU(inplace=True)]  # fc7
        self.vgg = nn.ModuleList(made)
        self.norm = L2Norm(512, 20)
        extras, c_in = [], 1024
        for narrow, width, options in (
            (256, 512, {"stride": 2, "padding": 1}),
            (128, 256, {"stride": 2, "padding": 1}),
            (128, 256, {}),
            (128, 256, {}),
        ):
            extras += [nn.Conv2d(c_in, narrow, 1), nn.Conv2d(narrow, width, 3, **options)]
            c_in = width
        self.extras = nn.ModuleList(extras)
        widths = (512, 1024, 512, 256, 256, 256)
        self.places = nn.ModuleList(nn.Conv2d(c, 4 * n, 3, padding=1) for c, n in zip(widths, BOXES, strict=True))
        self.scores = nn.ModuleList(nn.Conv2d(c, classes * n, 3, padding=1) for c, n in zip(widths, BOXES, strict=True))
        self.classes = classes

    def forward(self, x):
        sources = []
        for layer in self.vgg[:23]:  # up to relu4_3
            x = layer(x)
        sources.append(self.norm(x))
        for layer in self.vgg[23:]:
            x = layer(x)
        sources.append(x)
        for number, layer in enumerate(self.extras):
            x = F.relu(layer(x), inplace=True)
            if number % 2:
                sources.append(x)
        places, scores = (
            torch.cat(
                [
                    head(x).permute(0, 2, 3, 1).contiguous().view(x.size(0), -1)
                    for head, x in zip(heads, sources, strict=True)
                ],
                1,
            )
            for heads in (self.places, self.scores)
        )
        return places.view(places.size(0), -1, 4), scores.view(scores.size(0), -1, self.classes)
