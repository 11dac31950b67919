"""Detection: overlaps of boxes, and the focal loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair

SPREADS = (1.0, 3.0, 10.0)
"""The sizes of boxes are logarithms: wider ones do not occur."""


def _corners(y: Tensor) -> tuple[Tensor, Tensor]:
    """Corners of boxes given by their centres and the logarithms of their sizes."""
    half = y[:, 2:].exp() / 2
    return y[:, :2] - half, y[:, :2] + half


def _overlap(low: Tensor, high: Tensor, target_low: Tensor, target_high: Tensor) -> Tensor:
    sides = torch.minimum(high, target_high) - torch.maximum(low, target_low)
    return sides.clamp(min=0.0).prod(dim=1)


def _iou(low: Tensor, high: Tensor, target_low: Tensor, target_high: Tensor) -> Tensor:
    common = _overlap(low, high, target_low, target_high)
    both = (high - low).prod(dim=1) + (target_high - target_low).prod(dim=1)
    return common / (both - common)


def iou_of_distances(y: Tensor, t: Tensor) -> Tensor:
    """-log IoU of boxes given by the logarithms of the distances from a point inside to the sides.

    Such boxes always overlap.
    """
    inside, target = y.exp(), t.exp()
    common = torch.minimum(inside, target)
    areas = [(d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3]) for d in (inside, target, common)]
    return (areas[0] + areas[1] - areas[2]).log() - areas[2].log()


def iou_of_corners(y: Tensor, t: Tensor) -> Tensor:
    """1 - IoU: boxes that do not overlap have no gradient."""
    return 1 - _iou(*_corners(y), *_corners(t))


def diou(y: Tensor, t: Tensor, *, detach: bool = False) -> Tensor:
    """1 - IoU, and the distance of the centres over the diagonal of the box around both."""
    (low, high), (target_low, target_high) = _corners(y), _corners(t)
    around = torch.maximum(high, target_high) - torch.minimum(low, target_low)
    diagonal = around.square().sum(dim=1)
    if detach:
        diagonal = diagonal.detach()
    distance = (y[:, :2] - t[:, :2]).square().sum(dim=1)
    return 1 - _iou(low, high, target_low, target_high) + distance / diagonal


def diou_detached(y: Tensor, t: Tensor) -> Tensor:
    """The diagonal counts as a constant."""
    return diou(y, t, detach=True)


def focal(y: Tensor, t: Tensor) -> Tensor:
    """The focal loss with γ = 2, from logits."""
    z = torch.where(t, y, -y)
    return -((2 * F.logsigmoid(-z)).exp() * F.logsigmoid(z)).sum(dim=1)


def focal_of_probabilities(y: Tensor, t: Tensor) -> Tensor:
    """The same from probabilities: `1 - p` is zero in float32 for logits above 17."""
    p = y.sigmoid()
    right = torch.where(t, p, 1 - p)
    return -((1 - right).square() * right.log()).sum(dim=1)


def _boxes(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(6, 4, generator=generator), torch.randn(6, 4, generator=generator)


def _labels(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(6, 5, generator=generator), torch.rand(6, 5, generator=generator) < 0.3


IOU = Pair(iou_of_distances, iou_of_corners, "no_dead_zone", _boxes, spreads=SPREADS)
DIOU = Pair(diou, diou_detached, "twice_differentiable", _boxes, spreads=SPREADS)
FOCAL = Pair(focal, focal_of_probabilities, "float32_matches_float64", _labels)
