"""VGG-16 with a residual block behind the last convolution of each of its blocks."""

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        y = F.relu(self.first(x))
        y = self.second(y)
        return F.relu(x + y)


def stage(c_in, width, depth):
    layers = []
    for _ in range(depth):
        layers += [nn.Conv2d(c_in, width, 3, padding=1), nn.ReLU()]
        c_in = width
    return nn.Sequential(*layers, ResidualBlock(width), nn.MaxPool2d(2))


class ResidualVGG16(nn.Module):
    def __init__(self, num_classes=1000):
        super().__init__()
        self.stages = nn.Sequential(
            stage(3, 64, 2), stage(64, 128, 2), stage(128, 256, 3), stage(256, 512, 3), stage(512, 512, 3)
        )
        self.fc6 = nn.Linear(512 * 7 * 7, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)

    def forward(self, x):
        x = torch.flatten(self.stages(x), 1)
        x = F.dropout(F.relu(self.fc6(x)), training=self.training)
        x = F.dropout(F.relu(self.fc7(x)), training=self.training)
        return self.fc8(x)
