"""The networks that map the picture of a terrain to the costs of its tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.shortest_path.warcraft import SIDE, TILE

_WIDTH: Final = 64


def initial_network(name: str, generator: torch.Generator) -> nn.Module:
    """The network ``"resnet"`` or ``"tiles"`` on the CPU, its weights drawn by ``generator``."""
    with torch.device("cpu"):  # Where the generator is.
        return _NETWORKS[name](generator=generator)


def network_on(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on a device; its filters are channels-last there, except on the CPU."""
    moved = network.to(device)
    if device.type != "cpu":
        for parameter in moved.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return moved


class TileNetwork(nn.Module):
    """A small network that looks at each tile alone.

    Conv(3→48, 8×8, stride 8)-ReLU-Conv(48→24, 1×1)-ReLU-Conv(24→1, 1×1), then softplus, so that
    costs are above 0. The default initialisation is that of ``torch.nn``, uniform in `±1/√fan_in`.

    Args:
        generator: draws the initial weights; by default PyTorch's own.
    """

    def __init__(self, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 48, TILE, stride=TILE)
        self.conv2 = nn.Conv2d(48, 24, 1)
        self.conv3 = nn.Conv2d(24, 1, 1)
        for layer in (self.conv1, self.conv2, self.conv3):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        """Costs of shape `(N, H/8, W/8)` of normalised images of shape `(N, 3, H, W)`."""
        x = self.conv2(self.conv1(images).relu()).relu()
        return F.softplus(self.conv3(x)).squeeze(1)


class ResNetFirstBlock(nn.Module):
    """The first block of ResNet-18, pooled to one cost per tile: the paper's network.

    Of `He et al. (2016) <https://arxiv.org/abs/1512.03385>`_; as in the work that published the
    Warcraft set: Conv(3→64, 7×7, stride 2)-BatchNorm-ReLU-MaxPool(3×3, stride 2)-two residual
    blocks of 64 channels-AdaptiveMaxPool(12×12), then the mean over the channels. The costs are
    at least 0, since all that is pooled comes out of a ReLU.

    Names of the parameters, initialisation and layers are torchvision's: convolutions are Kaiming
    normal over their outputs, batch normalisations start as the identity. Except for the first
    convolution, which that work replaces by a new one: it has the default initialisation of
    ``torch.nn``, uniform in `±1/√fan_in`.

    Args:
        generator: draws the initial weights; by default PyTorch's own.
    """

    def __init__(self, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, _WIDTH, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTH)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(_ResidualBlock(), _ResidualBlock())
        self.pool = nn.AdaptiveMaxPool2d(SIDE)
        bound = 1 / math.sqrt(self.conv1.weight[0].numel())
        nn.init.uniform_(self.conv1.weight, -bound, bound, generator=generator)
        for module in self.layer1.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu", generator=generator
                )

    def forward(self, images: Tensor) -> Tensor:
        """Costs of shape `(N, 12, 12)` of normalised images of shape `(N, 3, H, W)`."""
        x = self.maxpool(self.bn1(self.conv1(images)).relu())
        costs: Tensor = self.pool(self.layer1(x)).mean(1)
        return costs


class _ResidualBlock(nn.Module):
    """`ReLU(x + BN(conv(ReLU(BN(conv(x))))))` with 3×3 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTH)
        self.conv2 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape as `x`, `(N, 64, H, W)`."""
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        out: Tensor = (x + residual).relu()
        return out


_NETWORKS: Final[Mapping[str, Callable[..., nn.Module]]] = {
    "resnet": ResNetFirstBlock,
    "tiles": TileNetwork,
}
