"""Outputs are what the name of their strategy says."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.testing import strategies
from tests.testing.strategies.examples import example


@st.composite
def any_outputs(draw: st.DrawFn) -> tuple[str, int, float, Tensor]:
    """A name, m, a scale and what the strategy drew for them."""
    name = draw(st.sampled_from(["outputs", "distinct", "tied", "saturated", "wide"]))
    m, scale = draw(st.integers(2, 4)), draw(st.sampled_from([0.5, 1.0, 10.0]))
    make = strategies.outputs if name == "outputs" else getattr(strategies, f"{name}_outputs")
    return name, m, scale, draw(make(m=m, samples=(1, 3), scale=scale))


@given(any_outputs())
def test_outputs_are_what_their_name_says(drawn: tuple[str, int, float, Tensor]) -> None:
    name, m, scale, y = drawn
    assert y.shape[1] == m
    assert 1 <= len(y) <= 3
    assert y.dtype in {torch.float32, torch.float64}
    assert y.isfinite().all()
    for row in y.double():
        gaps = row.sort().values.diff() / scale
        if name == "outputs":
            assert row.abs().max() <= 4 * scale
        elif name == "distinct":
            assert gaps.min() >= 1 / 16 - 1e-5
        elif name == "tied":
            assert len(row.unique()) < m
        elif name == "saturated":
            rest = row.abs().sort().values / scale
            assert rest[-1] >= 46
            assert rest[-2] <= 4
        else:
            assert row.abs().min() >= scale * 2.0**-10
            assert row.abs().max() < scale * 2.0**11


def test_outputs_have_any_event_shape_and_a_fixed_size() -> None:
    y = example(strategies.outputs(m=(2, 3), samples=4))
    assert y.shape == (4, 2, 3)


def test_wide_outputs_are_wide() -> None:
    y = example(
        strategies.wide_outputs(m=2, samples=1),
        lambda y: y.abs().max() > 1e3 * y.abs().min(),
    )
    assert y.abs().max() / y.abs().min() > 1e3


def test_a_failing_example_shrinks_to_the_boundary() -> None:
    y = example(strategies.outputs(m=2, dtype=torch.float32), lambda y: y.max() > 1)
    assert sorted(y.flatten().tolist()) == [0.0, 1.0 + 1 / 1024]
