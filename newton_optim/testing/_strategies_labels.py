"""Labels, rankings, permutations, noise seeds, and batches of outputs with their labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._checks import check_integer
from newton_optim.testing._strategies_outputs import dtypes, sizes, tensor


@st.composite
def class_labels(
    draw: st.DrawFn, *, classes: int, samples: int | tuple[int, int] = (1, 4)
) -> Tensor:
    """Classes `(N,)`, int64 in `[0, classes)`. Shrinks to zeros.

    Args:
        draw: given by Hypothesis.
        classes: how many there are.
        samples: N, or the range of it.

    Raises:
        TypeError: if an argument is not an integer.
        ValueError: if one is below 1.
    """
    last, N = check_integer("classes", classes) - 1, draw(sizes("samples", samples))
    return torch.tensor(draw(st.lists(st.integers(0, last), min_size=N, max_size=N)))


@st.composite
def labels(
    draw: st.DrawFn,
    *,
    n: int,
    samples: int | tuple[int, int] = (1, 4),
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Values to sort by, `(N, n)`: whole numbers from 0 to n, ties among them. Shrinks to zeros.

    Args:
        draw: given by Hypothesis.
        n: how many things are sorted.
        samples: N, or the range of it.
        dtype: float64 and float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1.
    """
    width, N = check_integer("n", n), draw(sizes("samples", samples))
    kind = draw(dtypes(dtype))
    values = draw(st.lists(st.integers(0, width), min_size=N * width, max_size=N * width))
    return tensor(values, (N, width), kind)


@st.composite
def rankings(draw: st.DrawFn, *, n: int, samples: int | tuple[int, int] = (1, 4)) -> Tensor:
    """Ranks `(N, n)`, int64, each row a permutation of 0 to n - 1. Shrinks to `(0, 1, 2, …)`.

    Args:
        draw: given by Hypothesis.
        n: how many things are ranked.
        samples: N, or the range of it.

    Raises:
        TypeError: if an argument is not an integer.
        ValueError: if one is below 1.
    """
    N = draw(sizes("samples", samples))
    return torch.stack([draw(permutations(n)) for _ in range(N)])


def permutations(n: int) -> st.SearchStrategy[Tensor]:
    """Permutations of 0 to n - 1, int64 `(n,)`. Shrinks to the identity.

    Args:
        n: how many things are permuted.

    Raises:
        TypeError: if it is not an integer.
        ValueError: if it is below 1.
    """
    return st.permutations(range(check_integer("n", n))).map(torch.tensor)


def seeds() -> st.SearchStrategy[int]:
    """Seeds of noise, for `torch.Generator().manual_seed`. Shrinks to 0."""
    return st.integers(0, 2**32 - 1)


@st.composite
def batches(
    draw: st.DrawFn,
    outputs: st.SearchStrategy[Tensor],
    *args: Callable[[int], st.SearchStrategy[Any]],
) -> tuple[Any, ...]:
    """Outputs with arguments of as many samples: `(outputs, *args)`.

    `batches(outputs(m=5), lambda N: rankings(n=5, samples=N))` draws pairs. Shrinks as its parts.

    Args:
        draw: given by Hypothesis.
        outputs: a strategy of outputs.
        *args: one function for each argument, from N to a strategy of it.
    """
    y = draw(outputs)
    return y, *(draw(make(len(y))) for make in args)
