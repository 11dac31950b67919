"""Losses of a whole batch: triplets with mining, and the partial likelihood of survival times."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair

MARGIN = 1.0


def _triplet(distances: Tensor, classes: Tensor) -> Tensor:
    """The farthest sample of the same class against the nearest of another, for each anchor."""
    same = classes[:, None] == classes
    farthest = distances.masked_fill(~same, -torch.inf).amax(dim=1)
    nearest = distances.masked_fill(same, torch.inf).amin(dim=1)
    return (farthest - nearest + MARGIN).clamp(min=0.0).mean()


def _squared_distances(y: Tensor) -> Tensor:
    return (y[:, None] - y).square().sum(dim=2)


def triplet(y: Tensor, classes: Tensor) -> Tensor:
    """Batch-hard triplets; the distance of a sample to itself has the gradient zero."""
    squared = _squared_distances(y)
    itself = squared == 0
    return _triplet(squared.masked_fill(itself, 1.0).sqrt().masked_fill(itself, 0.0), classes)


def triplet_of_roots(y: Tensor, classes: Tensor) -> Tensor:
    """The square root has no derivative at the distance of a sample to itself."""
    return _triplet(_squared_distances(y).sqrt(), classes)


def _partial_likelihood(risk: Tensor, event: Tensor) -> Tensor:
    """Cox: each event against all who are still at risk, samples from the latest to the first."""
    return -((risk - risk.logcumsumexp(dim=0)) * event).mean()


def cox(y: Tensor, time: Tensor, event: Tensor) -> Tensor:
    """Negative log partial likelihood."""
    order = time.argsort(descending=True)
    return _partial_likelihood(y[order, 0], event[order])


def cox_unsorted(y: Tensor, time: Tensor, event: Tensor) -> Tensor:
    """Takes the batch to be sorted by time."""
    del time
    return _partial_likelihood(y[:, 0], event)


def _embeddings(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(8, 3, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])


def _survival(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    y = torch.randn(8, 1, generator=generator)
    time = torch.rand(8, generator=generator)
    event = (torch.rand(8, generator=generator) < 0.7).to(y)
    event[0] = 1.0
    return y, time, event


TRIPLET = Pair(triplet, triplet_of_roots, "finite", _embeddings, expect=("coupled",))
COX = Pair(cox, cox_unsorted, "sample_equivariant", _survival, expect=("coupled",))
