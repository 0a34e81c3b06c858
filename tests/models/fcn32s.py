"""FCN-32s (Long et al. 2015): VGG-16 whose dense layers are convolutions, enlarged 32 times by a transposed one."""

from torch import nn


class FCN32s(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        made, c_in = [], 3
        for block, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
            for place in range(depth):
                # So wide a frame that the smallest image still fills fc6's window.
                padding = 100 if block == place == 0 else 1
                made += [nn.Conv2d(c_in, width, 3, padding=padding), nn.ReLU(inplace=True)]
                c_in = width
            made.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
        for width, kernel in ((4096, 7), (4096, 1)):
            made += [nn.Conv2d(c_in, width, kernel), nn.ReLU(inplace=True), nn.Dropout2d()]
            c_in = width
        self.layers = nn.Sequential(*made)
        self.score = nn.Conv2d(4096, classes, 1)
        self.enlarge = nn.ConvTranspose2d(classes, classes, 64, stride=32, bias=False)

    def forward(self, x):
        y = self.enlarge(self.score(self.layers(x)))
        return y[:, :, 19 : 19 + x.size(2), 19 : 19 + x.size(3)].contiguous()
