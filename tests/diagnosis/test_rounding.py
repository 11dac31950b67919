"""float32 against float64: every number is counted again with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._diagnosis._rounding import SPREADS, cosine, ratio, rounding_at, roundings
from tests.diagnosis.losses import WrongInFloat32, normal, probe_of
from tests.strategies import seeds

factors = st.lists(
    st.sampled_from([0.0, 0.5, 0.98, 1.0, 1.001, 1.02, 30.0]), min_size=2, max_size=9
)


@settings(max_examples=40)
@given(factors, seeds, st.sampled_from(SPREADS))
def test_counts(factors: list[float], seed: int, spread: float) -> None:
    y = normal(seed, len(factors), 3)
    found = rounding_at(probe_of(WrongInFloat32(factors), y), spread)
    assert found is not None
    exact = spread * y.cpu().double().numpy()
    wrong = np.array(factors)[:, None] * exact
    lengths, exact_lengths = np.linalg.norm(wrong, axis=1), np.linalg.norm(exact, axis=1)
    middle = np.sort(exact_lengths)[(len(factors) - 1) // 2]  # torch's median is the lower one.
    assert found.spread == spread
    assert found.off == pytest.approx(np.mean([abs(f - 1) > 0.01 for f in factors]))
    assert found.nonfinite == 0.0
    assert found.longest_float64 == pytest.approx(exact_lengths.max() / middle)
    assert found.growth == pytest.approx(lengths.max() / exact_lengths.max(), rel=1e-5)
    if lengths.any():
        expected = (wrong * exact).sum() / np.linalg.norm(wrong) / np.linalg.norm(exact)
        assert found.cosine == pytest.approx(expected, abs=1e-5)
    else:
        assert np.isnan(found.cosine)
    wrong_middle = np.sort(lengths)[(len(factors) - 1) // 2]
    if wrong_middle > 0:
        assert found.longest == pytest.approx(lengths.max() / wrong_middle, rel=1e-5)


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_what_is_finite_in_float64_alone_is_counted(bad: float) -> None:
    found = rounding_at(probe_of(WrongInFloat32([1.0, bad, 1.0, bad]), normal(0, 4, 3)), 1.0)
    assert found is not None
    assert (found.nonfinite, found.off) == (0.5, 0.5)


def test_what_float32_has_no_numbers_for_is_not_held_against_it() -> None:
    y = torch.tensor([[1.0], [2.0], [300.0]])
    found = rounding_at(probe_of(lambda y: y.exp().sum(dim=1), y), 1.0)
    assert found is not None
    assert (found.nonfinite, found.off) == (0.0, 0.0)


def test_a_solved_sample_may_have_a_gradient_of_rounding() -> None:
    def loss(y: Tensor) -> Tensor:
        return 0.5 * (y + 1.0 - 1.0).square().sum(dim=1)

    y = torch.tensor([[1.0], [2.0], [1e-8]])  # 1e-8 + 1 - 1 is 0 in float32.
    found = rounding_at(probe_of(loss, y), 1.0)
    assert found is not None
    assert found.off == 0.0
    alone = rounding_at(probe_of(loss, y[2:]), 1.0)
    assert alone is not None
    assert alone.off == 1.0


def test_spreads_outside_of_the_domain_are_left_out() -> None:
    def loss(y: Tensor) -> Tensor:
        if y.abs().max() > 5.0:
            raise RuntimeError("too wide")
        return y.square().sum(dim=1)

    found = roundings(probe_of(loss, torch.ones(4, 2)))
    assert [rounding.spread for rounding in found] == [1.0, 3.0]
    nowhere = roundings(
        probe_of(lambda y: y.square().sum(dim=1) + torch.nan * y[:, 0], normal(0, 4, 2))
    )
    assert nowhere == ()


def test_float64_outputs_are_rounded_first() -> None:
    """Both dtypes see the same numbers: the difference is the loss's own."""
    y = 1.0 + 1e-9 * normal(0, 8, 3, dtype=torch.float64)
    found = rounding_at(probe_of(lambda y: (y - 1.0).square().sum(dim=1), y), 1.0)
    assert found is not None
    assert found.off == 0.0


def test_cosine_and_ratio() -> None:
    a, b = torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0])
    assert cosine(a, b) == pytest.approx(0.96)
    assert cosine(a, -2 * a) == pytest.approx(-1.0)
    assert np.isnan(cosine(a, 0 * a))
    zero = a.new_zeros(())
    assert (ratio(a[0], b[0]), ratio(a[0], zero), ratio(zero, zero)) == (0.75, np.inf, 1.0)
