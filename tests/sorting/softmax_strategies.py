"""Scores, labels and softmax operators: untied, tied, saturated and widely spread samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import NeuralSort, SoftSort
from tests.settings import DEVICE
from tests.strategies import seeds

OPERATORS = (NeuralSort, SoftSort)


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
