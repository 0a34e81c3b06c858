"""TernausNet's UNet11 (Iglovikov and Shvets 2018): VGG-11's features, and a decoder that meets each block again."""

import torch
from torch import nn

BLOCKS = ((64,), (128,), (256, 256), (512, 512), (512, 512))


def convolutions(c_in, *widths):
    """3x3 convolutions of these widths, each with its ReLU."""
    made = []
    for width in widths:
        made += [nn.Conv2d(c_in, width, 3, padding=1), nn.ReLU(inplace=True)]
        c_in = width
    return nn.Sequential(*made)


def doubled(c_in, middle, c_out):
    """A convolution, and a transposed one that doubles height and width."""
    up = nn.ConvTranspose2d(middle, c_out, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(*convolutions(c_in, middle), up, nn.ReLU(inplace=True))


class UNet11(nn.Module):
    def __init__(self, filters=32):
        super().__init__()
        self.pool = nn.MaxPool2d(2, 2)
        ends = (3, *(widths[-1] for widths in BLOCKS))
        self.encoder = nn.ModuleList(convolutions(c_in, *widths) for c_in, widths in zip(ends, BLOCKS, strict=False))
        self.center = doubled(512, 16 * filters, 8 * filters)
        behind = (2 * filters, 4 * filters, 8 * filters, 8 * filters)  # what comes from below, by block
        self.decoder = nn.ModuleList(
            doubled(width + below, 2 * below, narrow)
            for width, below, narrow in zip((128, 256, 512, 512), behind, (filters, *behind), strict=False)
        )
        self.last = convolutions(64 + filters, filters)
        self.mask = nn.Conv2d(filters, 1, 1)

    def forward(self, x):
        met = []
        for block in self.encoder:
            x = block(x)
            met.append(x)
            x = self.pool(x)
        x = self.center(x)
        for step in reversed(self.decoder):
            x = step(torch.cat([x, met.pop()], 1))
        return self.mask(self.last(torch.cat([x, met.pop()], 1)))
