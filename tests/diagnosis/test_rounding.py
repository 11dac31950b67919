"""float32 against float64: every number is counted again with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._diagnosis._rounding import SPREADS, Rounding, Roundings, rounding_at, roundings
from tests.diagnosis.losses import WrongInFloat32, normal, probe_of
from tests.diagnosis.made_up import SOUND
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
    assert found.share_wrong == pytest.approx(np.mean([abs(f - 1) > 0.01 for f in factors]))
    assert found.share_nonfinite == 0.0
    assert found.longest_over_median_float64 == pytest.approx(exact_lengths.max() / middle)
    assert found.longest_float32_over_float64 == pytest.approx(
        lengths.max() / exact_lengths.max(), rel=1e-5
    )
    if lengths.any():
        expected = (wrong * exact).sum() / np.linalg.norm(wrong) / np.linalg.norm(exact)
        assert found.cosine == pytest.approx(expected, abs=1e-5)
    else:
        assert np.isnan(found.cosine)
    wrong_middle = np.sort(lengths)[(len(factors) - 1) // 2]
    if wrong_middle > 0:
        assert found.longest_over_median == pytest.approx(lengths.max() / wrong_middle, rel=1e-5)


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_what_is_finite_in_float64_alone_is_counted(bad: float) -> None:
    found = rounding_at(probe_of(WrongInFloat32([1.0, bad, 1.0, bad]), normal(0, 4, 3)), 1.0)
    assert found is not None
    assert (found.share_nonfinite, found.share_wrong) == (0.5, 0.5)


def test_what_float32_has_no_numbers_for_is_not_held_against_it() -> None:
    y = torch.tensor([[1.0], [2.0], [300.0]])
    found = rounding_at(probe_of(lambda y: y.exp().sum(dim=1), y), 1.0)
    assert found is not None
    assert (found.share_nonfinite, found.share_wrong) == (0.0, 0.0)


def test_a_solved_sample_may_have_a_gradient_of_rounding() -> None:
    def loss(y: Tensor) -> Tensor:
        return 0.5 * (y + 1.0 - 1.0).square().sum(dim=1)

    y = torch.tensor([[1.0], [2.0], [1e-8]])  # 1e-8 + 1 - 1 is 0 in float32.
    found = rounding_at(probe_of(loss, y), 1.0)
    assert found is not None
    assert found.share_wrong == 0.0
    alone = rounding_at(probe_of(loss, y[2:]), 1.0)
    assert alone is not None
    assert alone.share_wrong == 1.0


def test_spreads_outside_of_the_domain_are_left_out() -> None:
    def loss(y: Tensor) -> Tensor:
        if y.abs().max() > 5.0:
            raise RuntimeError("too wide")
        return y.square().sum(dim=1)

    found = roundings(probe_of(loss, torch.ones(4, 2)), is_random=False)
    assert [rounding.spread for rounding in found.roundings] == [1.0, 3.0]
    nowhere = probe_of(lambda y: y.square().sum(dim=1) + torch.nan * y[:, 0], normal(0, 4, 2))
    assert roundings(nowhere, is_random=False) == Roundings()


def test_float64_outputs_are_rounded_first() -> None:
    """Both dtypes see the same numbers: the difference is the loss's own."""
    y = 1.0 + 1e-9 * normal(0, 8, 3, dtype=torch.float64)
    found = rounding_at(probe_of(lambda y: (y - 1.0).square().sum(dim=1), y), 1.0)
    assert found is not None
    assert found.share_wrong == 0.0


def raising_in_float64(y: Tensor) -> Tensor:
    return (y @ torch.ones(2, 2, dtype=torch.float32)).sum(dim=1)


@pytest.mark.parametrize(
    ("loss", "is_random", "words"),
    [
        (lambda y: y.square().sum(dim=1), True, "the loss is random."),
        (lambda y: y.float().square().sum(dim=1), False, "computes in torch.float32"),
        (raising_in_float64, False, "does not run in float64 (RuntimeError: "),
    ],
)
def test_losses_that_float64_cannot_judge(loss: Any, is_random: bool, words: str) -> None:
    found = roundings(probe_of(loss, normal(0, 4, 2)), is_random=is_random)
    assert found.roundings == ()
    assert len(found.notes) == 1
    assert found.notes[0].startswith("float32 against float64: ")
    assert words in found.notes[0]


@pytest.mark.parametrize(
    ("changes", "explodes", "misleads"),
    [
        ({}, False, False),
        ({"longest_float32_over_float64": 10.1}, True, False),
        ({"longest_float32_over_float64": 9.9}, False, False),
        ({"share_nonfinite": 0.01}, True, False),
        ({"share_wrong": 1.0}, False, False),
        ({"cosine": 0.89}, False, True),
        ({"cosine": 0.91}, False, False),
        ({"cosine": float("nan")}, False, False),
    ],
)
def test_explodes_and_misleads(changes: dict[str, float], explodes: bool, misleads: bool) -> None:
    found = Rounding(**{**SOUND, **changes})
    assert (found.explodes, found.misleads) == (explodes, misleads)
