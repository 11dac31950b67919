"""Scores, labels and softmax operators: untied, tied, saturated and widely spread samples."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort
from tests.asserts import hessian_of
from tests.settings import DEVICE
from tests.strategies import seeds

OPERATORS = (NeuralSort, SoftSort)
both = pytest.mark.parametrize("kind", OPERATORS)


class Case(NamedTuple):
    """An operator with scores and labels `(N, n)`, the scores float32 numbers in float64."""

    operator: NeuralSort | SoftSort
    scores: Tensor
    labels: Tensor


@st.composite
def operators(draw: st.DrawFn) -> NeuralSort | SoftSort:
    """A softmax operator of a temperature between 0.05 and 5."""
    kind = draw(st.sampled_from(OPERATORS))
    temperature = draw(st.sampled_from([0.05, 0.1, 0.3, 1.0, 5.0]))
    return kind(temperature=temperature, descending=draw(st.booleans()))


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    spreads: tuple[float, ...] = (0.1, 1.0, 5.0, 30.0),
    ties: bool | None = None,
    max_n: int = 6,
    min_n: int = 1,
    max_samples: int = 3,
) -> Case:
    """Scores that spread over some temperatures; right, nearly right and random labels."""
    operator = draw(operators())
    rng = np.random.default_rng(draw(seeds))
    n, N = draw(st.integers(min_n, max_n)), draw(st.integers(1, max_samples))
    scores = rng.permuted(np.arange(n) + rng.uniform(-0.4, 0.4, (N, n)), axis=1)
    tied = draw(st.booleans()) if ties is None else ties
    if tied:
        scores = np.round(scores / 2)
    scores = scores * draw(st.sampled_from(spreads)) * operator.temperature
    labels = scores if draw(st.booleans()) else rng.integers(0, n, (N, n)).astype(float)
    wide = torch.tensor(scores, dtype=torch.float32, device=DEVICE).double()
    return Case(operator, wide, torch.tensor(labels, dtype=torch.float64, device=DEVICE))


def losses(operator: Any, scores: Tensor, labels: Tensor) -> Tensor:
    """The loss of each sample."""
    return RankingLoss(operator, reduction="none")(scores, labels)


def all_derivatives(case: Case, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """Value, gradient and Hessian in closed form."""
    operator, scores, labels = case
    given_derivatives = RankingLoss(operator).derivatives(scores.to(dtype), labels)
    return given_derivatives.value, given_derivatives.gradient, hessian_of(given_derivatives)


def transformed(case: Case, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """The same by `torch.func`, sample by sample under vmap."""
    operator, scores, labels = case

    def loss(y: Tensor, t: Tensor) -> Tensor:
        return RankingLoss(operator, reduction="sum")(y, t)

    y, grad = scores.to(dtype), torch.func.grad(loss)
    transforms = (loss, grad, torch.func.jacrev(grad))
    return tuple(torch.func.vmap(f)(y, labels) for f in transforms)


def condition(case: Case) -> float:
    """How far an error of rounding in the logits is amplified: by the logits that count."""
    spread = float((case.scores.amax(-1) - case.scores.amin(-1)).max()) / case.operator.temperature
    n = case.scores.shape[-1]
    return spread * (n if isinstance(case.operator, NeuralSort) else 1.0) + 10.0 * n
