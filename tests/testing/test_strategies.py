"""Strategies construct what they promise, and shrink to what they say."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.testing import strategies

quickly = settings(max_examples=40, database=None, derandomize=True, deadline=None)


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
    y = find(strategies.outputs(m=(2, 3), samples=4), lambda y: True, settings=quickly)
    assert y.shape == (4, 2, 3)


def test_wide_outputs_are_wide() -> None:
    y = find(
        strategies.wide_outputs(m=2, samples=1),
        lambda y: y.abs().max() > 1e3 * y.abs().min(),
        settings=quickly,
    )
    assert y.abs().max() / y.abs().min() > 1e3


def equal_rows(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (strategies.outputs(m=3), equal_rows([[0, 0, 0]])),
        (strategies.distinct_outputs(m=3), equal_rows([[0, 1 / 16, 1 / 8]])),
        (strategies.tied_outputs(m=3), equal_rows([[0, 0, 0]])),
        (strategies.saturated_outputs(m=3), equal_rows([[50, 0, 0]])),
        (strategies.wide_outputs(m=3, scale=2.0), equal_rows([[2, 2, 2]])),
        (strategies.class_labels(classes=3), torch.tensor([0])),
        (strategies.labels(n=3), equal_rows([[0, 0, 0]])),
        (strategies.rankings(n=3), torch.tensor([[0, 1, 2]])),
        (strategies.permutations(3), torch.tensor([0, 1, 2])),
        (strategies.positive_definite_matrices(m=3), torch.eye(3).double()),
        (strategies.indefinite_matrices(m=3), torch.tensor([-1.0, 1.0, 1.0]).diag().double()),
        (strategies.singular_matrices(m=3), torch.tensor([0.0, 1.0, 1.0]).diag().double()),
        (strategies.grid_costs(), equal_rows([[0]])[None]),
        (strategies.grid_costs(positive=True), equal_rows([[1]])[None]),
    ],
    ids=str,
)
def test_what_it_shrinks_to(strategy: Any, expected: Tensor) -> None:
    found = find(strategy, lambda value: True, settings=quickly)
    assert torch.equal(found, expected.to(found))
    assert found.dtype == expected.dtype


def test_a_failing_example_shrinks_to_the_boundary() -> None:
    y = find(strategies.outputs(m=2, dtype=torch.float32), lambda y: y.max() > 1, settings=quickly)
    assert sorted(y.flatten().tolist()) == [0.0, 1.0 + 1 / 1024]


def test_seeds_shrink_to_zero() -> None:
    assert find(strategies.seeds(), lambda seed: True, settings=quickly) == 0


@given(st.data(), st.integers(2, 4))
def test_matrices_have_the_eigenvalues_that_they_promise(data: st.DataObject, m: int) -> None:
    kind = data.draw(st.sampled_from(["positive_definite", "indefinite", "singular"]))
    matrix = data.draw(getattr(strategies, f"{kind}_matrices")(m=m, dtype=torch.float64))
    assert torch.equal(matrix, matrix.T)
    eigenvalues = torch.linalg.eigvalsh(matrix)
    sizes = eigenvalues.abs()
    if kind == "singular":
        assert sizes.min() < 1e-12
        assert eigenvalues.min() > -1e-12
    else:
        assert sizes.min() > 1 - 1e-9
        assert sizes.max() < 16 + 1e-9
        assert (eigenvalues.min() < 0) == (kind == "indefinite")
        assert eigenvalues.max() > 0


@given(st.data(), st.integers(1, 5))
def test_permutations_and_rankings_hold_each_number_once(data: st.DataObject, n: int) -> None:
    rows = data.draw(strategies.rankings(n=n))
    assert torch.equal(rows.sort(dim=1).values, torch.arange(n).expand(len(rows), n))


@given(
    strategies.batches(
        strategies.outputs(m=3),
        lambda N: strategies.rankings(n=3, samples=N),
        lambda N: strategies.class_labels(classes=2, samples=N),
    )
)
def test_batches_share_their_number_of_samples(batch: tuple[Tensor, Tensor, Tensor]) -> None:
    y, ranks, classes = batch
    assert len(y) == len(ranks) == len(classes)
    assert classes.max() < 2
    assert classes.min() >= 0


@given(strategies.grid_costs(height=(1, 4), width=3), strategies.grid_costs(positive=True))
def test_grid_costs(costs: Tensor, positive: Tensor) -> None:
    assert costs.shape[2] == 3
    assert costs.shape[1] <= 4
    assert costs.min() >= 0
    assert positive.min() >= 1


@pytest.mark.parametrize(
    "has", [lambda c: (c == 0).any(), lambda c: len(c.unique()) < c.numel(), lambda c: c.max() > 3]
)
def test_grid_costs_have_zeros_ties_and_large_numbers(has: Any) -> None:
    grid = strategies.grid_costs(height=2, width=2, samples=1)
    assert has(find(grid, lambda costs: bool(has(costs)), settings=quickly))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: strategies.outputs(m=0), ValueError, "m must be at least 1"),
        (lambda: strategies.outputs(m=2.0), TypeError, "m must be an integer"),
        (lambda: strategies.outputs(m=2, samples=(3, 2)), ValueError, "samples must be at least 3"),
        (lambda: strategies.outputs(m=2, scale=0.0), ValueError, "scale must be above 0"),
        (lambda: strategies.outputs(m=2, dtype=torch.int64), TypeError, "dtype must be a floating"),
        (lambda: strategies.tied_outputs(m=1), ValueError, "m must be at least 2"),
        (lambda: strategies.distinct_outputs(m=2, gap=-1.0), ValueError, "gap must be above 0"),
        (lambda: strategies.indefinite_matrices(m=1), ValueError, "m must be at least 2"),
        (lambda: strategies.permutations(0), ValueError, "n must be at least 1"),
        (lambda: strategies.grid_costs(height="3"), TypeError, "height must be an integer"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        find(make(), lambda value: True, settings=quickly)


def test_without_hypothesis_the_strategies_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "newton_optim.testing.strategies")
    with pytest.raises(ImportError, match=r"pip install newton_optim\[testing\]"):
        importlib.import_module("newton_optim.testing.strategies")


def test_only_the_strategies_import_hypothesis() -> None:
    sources = {
        path.name: path.read_text(encoding="utf-8")
        for path in Path(strategies.__file__).parent.glob("*.py")
    }
    users = {
        name
        for name, text in sources.items()
        if re.search(r"^\s*(import|from) hypothesis|testing\._strategies", text, re.MULTILINE)
    }
    assert users == {name for name in sources if "strategies" in name}
