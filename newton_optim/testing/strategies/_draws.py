"""What all strategies draw: dtypes, sizes, event shapes and numbers on a grid."""

from __future__ import annotations

from typing import Any, Final

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._checks import check_integer, describe

GRID: Final = 1024
"""Numbers are multiples of ``scale / GRID``."""


def dtypes(dtype: torch.dtype | None) -> st.SearchStrategy[torch.dtype]:
    """``dtype``, or float64 (to which it shrinks) and float32."""
    if dtype is None:
        return st.sampled_from([torch.float64, torch.float32])
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point dtype or None, got {describe(dtype)}")
    return st.just(dtype)


def sizes(name: str, size: Any) -> st.SearchStrategy[int]:
    """A size, or one from a range; shrinks to the smallest."""
    low, high = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
    low = check_integer(name, low)
    return st.integers(low, check_integer(name, high, minimum=low))


def event_shape(m: Any) -> tuple[int, ...]:
    """The event shape that ``m`` is short for."""
    if isinstance(m, tuple):
        return tuple(check_integer("m", size) for size in m)
    return (check_integer("m", m),)


def grid_steps(count: int, low: int, high: int) -> st.SearchStrategy[list[int]]:
    """A list of ``count`` integers from ``low`` to ``high``; shrinks to those nearest to zero."""
    return st.lists(st.integers(low, high), min_size=count, max_size=count)


def tensor(numbers: list[Any], shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """The numbers in this shape, on the default device."""
    return torch.tensor(numbers, dtype=dtype).reshape(shape)
