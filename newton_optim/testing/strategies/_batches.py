"""Outputs together with arguments of as many samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from torch import Tensor


@st.composite
def batches(
    draw: st.DrawFn,
    outputs: st.SearchStrategy[Tensor],
    *args: Callable[[int], st.SearchStrategy[Any]],
) -> tuple[Any, ...]:
    """Outputs with arguments of as many samples: ``(outputs, *args)``.

    ``batches(outputs(m=5), lambda N: rankings(n=5, samples=N))`` draws pairs. Shrinks as its parts.

    Args:
        draw: provided by Hypothesis.
        outputs: a strategy of outputs.
        *args: one function per argument, from N to a strategy of it.
    """
    y = draw(outputs)
    return y, *(draw(make(len(y))) for make in args)
