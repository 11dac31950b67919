"""Lists of different lengths in one padded tensor, with anything at all in the padding."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort
from tests.asserts import hessian_of
from tests.settings import DEVICE
from tests.sorting.softmax_strategies import operators
from tests.strategies import seeds

GARBAGE = (float("nan"), float("inf"), -float("inf"), 1e30, 0.0, -3.0)


class Lists(NamedTuple):
    """An operator, lists of scores and labels, and the same padded to `(N, n)`.

    The scores are float32 numbers in float64.
    """

    operator: NeuralSort | SoftSort
    alone: list[tuple[Tensor, Tensor]]
    scores: Tensor
    labels: Tensor
    mask: Tensor


@st.composite
def padded_lists(
    draw: st.DrawFn, *, min_length: int = 0, max_length: int = 5, max_lists: int = 3
) -> Lists:
    """Lists of drawn lengths; the padding may be anywhere between their elements."""
    operator = draw(operators())
    rng = np.random.default_rng(draw(seeds))
    lengths = st.lists(st.integers(min_length, max_length), min_size=1, max_size=max_lists)
    sizes = draw(lengths)
    n = max(1, *sizes) + draw(st.integers(0, 3))
    spread = draw(st.sampled_from([0.3, 3.0])) * operator.temperature
    tied = draw(st.booleans())
    garbage = [draw(st.sampled_from(GARBAGE)) for _ in range(2)]
    scores, labels = (torch.full((len(sizes), n), bad, dtype=torch.float64) for bad in garbage)
    mask = torch.zeros(len(sizes), n, dtype=torch.bool)
    alone = []
    for row, m in enumerate(sizes):
        drawn = rng.normal(size=m)
        values = spread * (np.round(drawn) if tied else drawn)
        own = torch.tensor(values, dtype=torch.float32).double()
        wanted = torch.tensor(rng.integers(0, 4, m), dtype=torch.float64)
        places = torch.tensor(np.sort(rng.choice(n, m, replace=False)), dtype=torch.long)
        scores[row, places], labels[row, places], mask[row, places] = own, wanted, True
        alone.append((own.to(DEVICE), wanted.to(DEVICE)))
    return Lists(operator, alone, scores.to(DEVICE), labels.to(DEVICE), mask.to(DEVICE))


def placed(lists: Lists, parts: list[Tensor], event: int) -> Tensor:
    """Values, gradients or Hessians of the lists alone (`event` 0, 1, 2), as those of the padded.

    An empty list has zeros.
    """
    n = lists.scores.shape[-1]
    result = torch.zeros(len(parts), *(n,) * event, dtype=torch.float64)
    for row, (part, present) in enumerate(zip(parts, lists.mask, strict=True)):
        places = present.nonzero()[:, 0]
        if event == 0:
            result[row] = part.double()
        elif event == 1:
            result[row, places] = part.double()
        else:
            result[row, places.unsqueeze(1), places] = part.double()
    return result


def masked_derivatives(
    lists: Lists, dtype: torch.dtype = torch.float64, **options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Value, gradient and Hessian of the padded lists in closed form."""
    loss = RankingLoss(lists.operator, **options)
    found = loss.derivatives(lists.scores.to(dtype), lists.labels, mask=lists.mask)
    return found.value, found.gradient, hessian_of(found)


def differentiated(
    loss: Any, lists: Lists, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """The same of any loss of each list, by double backward."""
    y = lists.scores.to(dtype, copy=True).requires_grad_()
    value = loss(y, lists.labels, mask=lists.mask)
    (gradient,) = torch.autograd.grad(value.sum(), y, create_graph=True)
    rows = [torch.autograd.grad(g.sum(), y, retain_graph=True)[0] for g in gradient.unbind(-1)]
    return value.detach(), gradient.detach(), torch.stack(rows, dim=1)
