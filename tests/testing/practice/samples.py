"""Losses whose samples depend on each other, on purpose or not."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair


def squared_error(y: Tensor, t: Tensor) -> Tensor:
    return (y - t).square().sum(dim=1)


def batch_mean_expanded(y: Tensor, t: Tensor) -> Tensor:
    """The mean of the batch, as the loss of each sample."""
    return squared_error(y, t).mean().expand(len(y))


def _weights(classes: Tensor) -> Tensor:
    return torch.tensor([1.0, 3.0, 0.5, 2.0], dtype=torch.float64)[classes]


def weighted(y: Tensor, classes: Tensor) -> Tensor:
    """Weights of classes, and the mean over the samples."""
    losses = F.cross_entropy(y, classes, reduction="none")
    return (_weights(classes).to(y) * losses).mean()


def weighted_mean(y: Tensor, classes: Tensor) -> Tensor:
    """The mean weighted by the classes of the batch, as ``cross_entropy(weight=)`` has it."""
    weight = torch.tensor([1.0, 3.0, 0.5, 2.0], dtype=y.dtype)
    return F.cross_entropy(y, classes, weight=weight)


def hardest(y: Tensor, t: Tensor) -> Tensor:
    """The mean of the four largest losses of the batch."""
    return squared_error(y, t).topk(4).values.mean()


def hinge(y: Tensor, t: Tensor) -> Tensor:
    return (1 - y * t.sign()).clamp(min=0.0).square().sum(dim=1)


def contrastive(y: Tensor, t: Tensor) -> Tensor:
    """Each sample against the targets of all."""
    logits = 3 * F.normalize(y, dim=1) @ F.normalize(t, dim=1).mT
    return F.cross_entropy(logits, torch.arange(len(y)))


def contrastive_of_exp(y: Tensor, t: Tensor) -> Tensor:
    """Not normalised, and without taking the largest logit out of the exponentials."""
    similar = (y @ t.mT).exp()
    return -(similar.diagonal() / similar.sum(dim=1)).log().mean()


def masked(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    return (y - t).square().masked_fill(~mask, 0.0).sum(dim=1)


def masked_with_leak(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """The normaliser contains the padding."""
    return masked(y, t, mask) / (1 + y.square().sum(dim=1))


def _real(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(8, 3, generator=generator), torch.randn(8, 3, generator=generator)


def _classes(generator: Generator) -> tuple[Tensor, Tensor]:
    y = torch.randn(8, 4, generator=generator)
    return y, torch.arange(8) % 4


def _padded(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    y, t = _real(generator)
    mask = torch.ones(8, 3, dtype=torch.bool)
    mask[1::2, 2:] = False
    return y, t, mask


SAMPLES = {
    "mean expanded": Pair(squared_error, batch_mean_expanded, "samples_independent", _real),
    "class weights": Pair(weighted, weighted_mean, "batch_invariant", _classes),
    "hard negatives": Pair(hinge, hardest, "samples_independent", _real),
    "contrastive": Pair(
        contrastive, contrastive_of_exp, "float32_matches_float64", _real, expect=("coupled",)
    ),
    "mask": Pair(masked, masked_with_leak, "padding_ignored", _padded, mask=True),
}
