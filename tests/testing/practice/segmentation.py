"""Segmentation: Dice and the Lovász hinge."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair


def dice(y: Tensor, t: Tensor) -> Tensor:
    """Soft Dice of each image."""
    p = y.sigmoid()
    return 1 - (2 * (p * t).sum(dim=1) + 1) / ((p + t).sum(dim=1) + 1)


def dice_of_the_batch(y: Tensor, t: Tensor) -> Tensor:
    """Dice of all images as if they were one."""
    p = y.sigmoid()
    return 1 - (2 * (p * t).sum() + 1) / ((p + t).sum() + 1)


def _lovasz(y: Tensor, t: Tensor, counted: Tensor) -> Tensor:
    """Hinge errors, sorted, times the steps of the Jaccard index of the pixels that count."""
    errors = torch.where(counted, 1 - y * (2 * t - 1), -torch.inf)
    order = errors.detach().argsort(dim=1, descending=True, stable=True)
    wanted = (t * counted).gather(1, order)
    unwanted = ((1 - t) * counted).gather(1, order)
    positives = wanted.sum(dim=1, keepdim=True)
    union = positives + unwanted.cumsum(dim=1)
    jaccard = 1 - (positives - wanted.cumsum(dim=1)) / union.clamp(min=1)
    steps = jaccard.diff(dim=1, prepend=torch.zeros_like(positives))
    return (errors.gather(1, order).clamp(min=0.0) * steps).sum(dim=1)


def lovasz(y: Tensor, t: Tensor, counted: Tensor) -> Tensor:
    """The Lovász hinge of the pixels that count."""
    return _lovasz(y, t, counted)


def lovasz_with_void(y: Tensor, t: Tensor, counted: Tensor) -> Tensor:
    """Void pixels stay in, with the target 0."""
    return _lovasz(y, t * counted, torch.ones_like(counted))


def _images(generator: Generator) -> tuple[Tensor, Tensor]:
    y = torch.randn(6, 8, generator=generator)
    return y, (torch.rand(6, 8, generator=generator) < 0.4).to(y)


def _images_with_void(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    y, t = _images(generator)
    counted = torch.rand(6, 8, generator=generator) < 0.7
    counted[:, 0], t[:, 0] = True, 1.0
    return y, t, counted


DICE = Pair(dice, dice_of_the_batch, "samples_independent", _images)
LOVASZ = Pair(
    lovasz,
    lovasz_with_void,
    "padding_ignored",
    _images_with_void,
    expect=("first_order",),
    mask=True,
)
