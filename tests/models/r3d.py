"""R3D-18 (Tran et al. 2018): a ResNet-18 whose convolutions are 3-dimensional, for clips of video."""

from torch import nn


def unit(c_in, width, kernel, stride, padding):
    """A convolution without bias and its batch normalization."""
    return nn.Sequential(nn.Conv3d(c_in, width, kernel, stride, padding, bias=False), nn.BatchNorm3d(width))


class Block(nn.Module):
    def __init__(self, c_in, width, stride):
        super().__init__()
        self.first = unit(c_in, width, 3, stride, 1)
        self.second = unit(width, width, 3, 1, 1)
        self.shortcut = nn.Identity() if c_in == width else unit(c_in, width, 1, stride, 0)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.second(self.relu(self.first(x))) + self.shortcut(x))


class R3D18(nn.Module):
    def __init__(self, num_classes=400):
        super().__init__()
        self.stem = nn.Sequential(unit(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3)), nn.ReLU(inplace=True))
        blocks, c_in = [], 64
        for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [Block(c_in, width, stride), Block(width, width, 1)]
            c_in = width
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(512, num_classes)

    def forward(self, x):
        return self.fc(self.pool(self.blocks(self.stem(x))).flatten(1))
