"""The U-Net that most people train (Ronneberger et al. 2015, as github.com/milesial/Pytorch-UNet has it)."""

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn


class DoubleConv(nn.Sequential):
    def __init__(self, c_in, width):
        made = []
        for channels in (c_in, width):
            made += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        super().__init__(*made)


class Up(nn.Module):
    def __init__(self, c_in, width):
        super().__init__()
        self.up = nn.ConvTranspose2d(c_in, width, 2, stride=2)
        self.conv = DoubleConv(2 * width, width)

    def forward(self, x, met):
        x = self.up(x)
        high, wide = met.shape[2] - x.shape[2], met.shape[3] - x.shape[3]
        x = F.pad(x, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
        return self.conv(torch.cat([met, x], dim=1))


class UNet(nn.Module):
    def __init__(self, channels=3, classes=2):
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.first = DoubleConv(channels, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), DoubleConv(c_in, width)) for c_in, width in pairwise(widths)
        )
        self.up = nn.ModuleList(Up(2 * width, width) for width in widths[-2::-1])
        self.out = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        met = [self.first(x)]
        for down in self.down:
            met.append(down(met[-1]))
        x = met.pop()
        for up in self.up:
            x = up(x, met.pop())
        return self.out(x)
