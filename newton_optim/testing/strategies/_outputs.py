"""Outputs of a network: plain, distinct, tied, saturated and widely spread ones."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._checks import check_integer, check_positive
from newton_optim.testing.strategies._draws import (
    GRID,
    dtypes,
    event_shape,
    grid_steps,
    sizes,
    tensor,
)


@st.composite
def outputs(
    draw: st.DrawFn,
    *,
    m: int | tuple[int, ...],
    samples: int | tuple[int, int] = (1, 4),
    scale: float = 1.0,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Outputs `(N, *event)`, every number in `[-4 scale, 4 scale]`, possibly with ties.

    Shrinks to zeros, in as few samples as allowed, in float64.

    Args:
        draw: provided by Hypothesis.
        m: the number of outputs per sample, or their event shape.
        samples: N, or a range of it.
        scale: the size of typical outputs, in their units.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1 or the scale not above 0.
    """
    event, unit = event_shape(m), check_positive("scale", scale) / GRID
    N, kind = draw(sizes("samples", samples)), draw(dtypes(dtype))
    steps = draw(grid_steps(N * math.prod(event), -4 * GRID, 4 * GRID))
    return tensor([unit * step for step in steps], (N, *event), kind)


@st.composite
def distinct_outputs(
    draw: st.DrawFn,
    *,
    m: int,
    samples: int | tuple[int, int] = (1, 4),
    scale: float = 1.0,
    gap: float = 1 / 16,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Outputs `(N, m)`, any two of a sample at least ``gap * scale`` apart.

    Each sample is a cumulative sum of gaps, in any order. Shrinks to `(0, gap, 2 gap, …) · scale`.

    Args:
        draw: provided by Hypothesis.
        m: the number of outputs per sample.
        samples: N, or a range of it.
        scale: the size of the typical distance of neighbours.
        gap: the smallest distance, in units of ``scale``.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1, or scale or gap not above 0.
    """
    unit, least = check_positive("scale", scale), check_positive("gap", gap)
    width = check_integer("m", m)
    N, kind = draw(sizes("samples", samples)), draw(dtypes(dtype))
    rows = []
    for _ in range(N):
        extra = draw(grid_steps(width, 0, GRID))
        levels = [least * i + sum(extra[: i + 1]) / GRID for i in range(width)]
        rows.append([unit * level for level in draw(st.permutations(levels))])
    return tensor(rows, (N, width), kind)


@st.composite
def tied_outputs(
    draw: st.DrawFn,
    *,
    m: int,
    samples: int | tuple[int, int] = (1, 4),
    scale: float = 1.0,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Outputs `(N, m)` where each sample has fewer values than outputs, so that some are equal.

    Shrinks to zeros.

    Args:
        draw: provided by Hypothesis.
        m: the number of outputs per sample, at least 2.
        samples: N, or a range of it.
        scale: the size of typical outputs.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``m`` is below 2, another size below 1, or the scale not above 0.
    """
    width, unit = check_integer("m", m, minimum=2), check_positive("scale", scale) / GRID
    N, kind = draw(sizes("samples", samples)), draw(dtypes(dtype))
    rows = []
    for _ in range(N):
        count = draw(st.integers(1, width - 1))
        values = draw(grid_steps(count, -4 * GRID, 4 * GRID))
        which = draw(grid_steps(width, 0, count - 1))
        rows.append([unit * values[i] for i in which])
    return tensor(rows, (N, width), kind)


@st.composite
def saturated_outputs(
    draw: st.DrawFn,
    *,
    m: int,
    samples: int | tuple[int, int] = (1, 4),
    scale: float = 1.0,
    saturation: float = 50.0,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Outputs `(N, m)` where each sample has a coordinate far above or below all others.

    The others are drawn by :func:`outputs`. Softmax and sigmoid are 0 or 1 up to rounding. Shrinks
    to `(saturation · scale, 0, 0, …)`.

    Args:
        draw: provided by Hypothesis.
        m: the number of outputs per sample.
        samples: N, or a range of it.
        scale: the size of the other coordinates.
        saturation: the size of the far coordinate, in units of ``scale``.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1, or scale or saturation not above 0.
    """
    y = draw(outputs(m=m, samples=samples, scale=scale, dtype=dtype))
    far = check_positive("saturation", saturation) * scale
    for row in y:
        j, sign = draw(st.integers(0, len(row) - 1)), draw(st.sampled_from([1.0, -1.0]))
        row[j] = sign * far + row[j]
    return y


@st.composite
def wide_outputs(
    draw: st.DrawFn,
    *,
    m: int,
    samples: int | tuple[int, int] = (1, 4),
    scale: float = 1.0,
    octaves: int = 10,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Outputs `(N, m)` of all sizes: `± scale · 2^k`, with `k` from ``-octaves`` to ``octaves``.

    Mantissas are drawn as well. Shrinks to ``scale`` everywhere.

    Args:
        draw: provided by Hypothesis.
        m: the number of outputs per sample.
        samples: N, or a range of it.
        scale: the size in the middle, on a logarithmic axis.
        octaves: how many powers of two up and down.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1 or the scale not above 0.
    """
    width, unit = check_integer("m", m), check_positive("scale", scale)
    reach = check_integer("octaves", octaves)
    N, kind = draw(sizes("samples", samples)), draw(dtypes(dtype))
    number = st.tuples(
        st.integers(-reach, reach), st.integers(0, GRID - 1), st.sampled_from([1.0, -1.0])
    )
    drawn = draw(st.lists(number, min_size=N * width, max_size=N * width))
    numbers = [sign * unit * 2.0**k * (1 + fine / GRID) for k, fine, sign in drawn]
    return tensor(numbers, (N, width), kind)
