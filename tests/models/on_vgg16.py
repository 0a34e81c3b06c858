"""What people make of VGG-16: thinner, cut short, run on two images."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def features(blocks=WIDTHS):
    """VGG-16's 31 features, or those of thinner blocks."""
    made, c_in = [], 3
    for widths in blocks:
        for width in widths:
            made += [nn.Conv2d(c_in, width, 3, padding=1), nn.ReLU(inplace=True)]
            c_in = width
        made.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*made)


def head(c_in, classes):
    """VGG's three dense layers."""
    made = [nn.Linear(c_in, 4096), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(inplace=True)]
    return nn.Sequential(*made, nn.Dropout(), nn.Linear(4096, classes))


class ThiNet(nn.Module):
    """ThiNet-Conv (Luo et al. 2017): the first ten convolutions of VGG-16 with half of their filters."""

    def __init__(self, classes=1000):
        super().__init__()
        thin = [tuple(width // 2 for width in widths) for widths in WIDTHS[:4]]
        self.features = features((*thin, WIDTHS[4]))
        self.classifier = head(512 * 7 * 7, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Truncated(nn.Module):
    """VGG-16 up to relu3_3: ``features[:16]``."""

    def __init__(self):
        super().__init__()
        self.features = features()[:16]

    def forward(self, x):
        return self.features(x)


class Siamese(nn.Module):
    """How alike two images are: one set of features, run on each."""

    def __init__(self):
        super().__init__()
        self.features = features()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.alike = nn.Linear(512, 1)

    def forward(self, left, right):
        left, right = (self.pool(self.features(image)).flatten(1) for image in (left, right))
        return torch.sigmoid(self.alike((left - right).abs()))


class PerceptualLoss(nn.Module):
    """How far two images are apart in four feature maps of VGG-16 (Johnson et al. 2016)."""

    def __init__(self):
        super().__init__()
        whole = features()
        # Each ends with the last ReLU of its block.
        self.slices = nn.ModuleList(whole[start:stop] for start, stop in ((0, 4), (4, 9), (9, 16), (16, 23)))
        for parameter in self.parameters():
            parameter.requires_grad = False

    def maps(self, x):
        found = []
        for part in self.slices:
            x = part(x)
            found.append(x)
        return found

    def forward(self, made, wanted):
        return sum(F.mse_loss(mine, theirs) for mine, theirs in zip(self.maps(made), self.maps(wanted), strict=True))
