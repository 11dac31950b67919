"""The networks that map the image of a number to its score, for all seeds at once.

A network here is a function of stacked parameters: every parameter has the seeds as its leading
dimension S, and so have the images. The default initialisation is that of ``torch.nn``, uniform in
`±1/√fan_in`, drawn from the generator of each seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Parameters = Mapping[str, Tensor]


class Network(Protocol):
    """Shapes of the parameters, and the scores of numbers."""

    shapes: Mapping[str, tuple[int, ...]]
    side_by_side: bool  # Whether the rows of an image are those of the number, not of a digit.

    def __call__(self, parameters: Parameters, images: Tensor) -> Tensor:
        """Scores of shape `(S, B, n)`.

        Args:
            parameters: stacked.
            images: of shape `(S, B, n, 4, H, W)`, or `(S, B, n, H, 4, W)` side by side.
        """
        ...


class SmallNetwork:
    """A network of the paper's kind for small digits: convolution, then two linear layers.

    Over the H×4H image of a number: Conv(1→32, H×H, stride H)-ReLU-Conv(32→16, 1×1)-ReLU-
    Flatten-Linear(64→32)-ReLU-Linear(32→1). The first filters cover one digit each, so the digits
    share their weights, and the convolutions are products of matrices, which a CPU does fast for
    many seeds at once.

    Args:
        side: H, of the image of a digit.
    """

    side_by_side = False

    def __init__(self, side: int) -> None:
        self.pixels = side * side
        self.shapes: Mapping[str, tuple[int, ...]] = {
            "digit1": (self.pixels, 32),
            "digit2": (32, 16),
            "number1": (64, 32),
            "number2": (32, 1),
        }

    def __call__(self, parameters: Parameters, images: Tensor) -> Tensor:
        """Scores of shape `(S, B, n)` of images of shape `(S, B, n, 4, H, H)`."""
        seeds, batch, n, digits = images.shape[:4]
        x = images.reshape(seeds, batch * n * digits, self.pixels)
        x = _linear(parameters, "digit1", x).relu()
        x = _linear(parameters, "digit2", x).relu()
        x = x.reshape(seeds, batch * n, digits * 16)
        x = _linear(parameters, "number1", x).relu()
        return _linear(parameters, "number2", x).view(seeds, batch, n)


class PaperNetwork:
    """The paper's network for MNIST, over the 28×112 image of a number.

    Conv(1→32, 5×5, pad 2)-ReLU-MaxPool2-Conv(32→64, 5×5, pad 2)-ReLU-MaxPool2-Linear(12544→64)-
    ReLU-Linear(64→1). The seeds run one after another: one convolution fills the device. ReLU is
    taken after pooling, where there is a quarter as much of it; values and gradients are the same
    bit for bit. On a device the images are channels-last, the layout of its convolutions.
    """

    side_by_side = True
    shapes: Mapping[str, tuple[int, ...]] = {
        "conv1": (32, 1, 5, 5),
        "conv2": (64, 32, 5, 5),
        "linear1": (12544, 64),
        "linear2": (64, 1),
    }

    def __call__(self, parameters: Parameters, images: Tensor) -> Tensor:
        """Scores of shape `(S, B, n)` of images of shape `(S, B, n, 28, 4, 28)`."""
        seeds, batch, n = images.shape[:3]
        pictures = images.reshape(seeds, batch * n, 1, 28, 112)
        if images.device.type != "cpu":
            pictures = channels_last(pictures)
        # Unbound at once: indexing would fill a gradient of all seeds with zeros for each of them.
        unbound = {name: value.unbind() for name, value in parameters.items()}
        scores = [
            self._one({name: value[seed] for name, value in unbound.items()}, pictures[seed])
            for seed in range(seeds)
        ]
        return torch.stack(scores).view(seeds, batch, n)

    @staticmethod
    def _one(p: Parameters, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.conv2d(x, p["conv1"], p["conv1_bias"], padding=2), 2).relu()
        x = F.max_pool2d(F.conv2d(x, p["conv2"], p["conv2_bias"], padding=2), 2).relu()
        x = torch.addmm(p["linear1_bias"], x.flatten(1), p["linear1"]).relu()
        return torch.addmm(p["linear2_bias"], x, p["linear2"])


def channels_last(pictures: Tensor) -> Tensor:
    """Pictures `(..., 1, H, W)` as a channels-last tensor: with one channel, the same memory."""
    strides = list(pictures.stride())
    strides[-3] = 1
    return pictures.as_strided(pictures.shape, strides)


NETWORKS: Final[Mapping[str, Network]] = {
    "digits": SmallNetwork(8),
    "mnist14": SmallNetwork(14),
    "mnist": PaperNetwork(),
}


def initial_parameters(network: Network, generators: Sequence[torch.Generator]) -> Parameters:
    """Weights and biases as ``torch.nn`` draws them, stacked over the generators of the seeds."""
    seeds = [_draw(network, generator) for generator in generators]
    return {name: torch.stack([seed[name] for seed in seeds]) for name in seeds[0]}


def _draw(network: Network, generator: torch.Generator) -> dict[str, Tensor]:
    drawn = {}
    for name, shape in network.shapes.items():
        # Linear: (inputs, outputs); convolution: (outputs, inputs, height, width).
        fan_in = shape[0] if len(shape) == 2 else math.prod(shape[1:])
        outputs = shape[1] if len(shape) == 2 else shape[0]
        bound = 1 / math.sqrt(fan_in)
        drawn[name] = torch.empty(shape, device="cpu").uniform_(-bound, bound, generator=generator)
        drawn[f"{name}_bias"] = torch.empty(outputs, device="cpu").uniform_(
            -bound, bound, generator=generator
        )
    return drawn


def _linear(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    return torch.baddbmm(parameters[f"{name}_bias"].unsqueeze(1), x, parameters[name])
