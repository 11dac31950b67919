"""Rules about the loss itself: just above a threshold, and just below."""

from __future__ import annotations

from typing import Any

import pytest

from newton_optim._diagnosis._rounding import Rounding
from tests.diagnosis.made_up import BATCH, FISHER, PLAIN, SOUND, advice, kind_of


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"problem": "ValueError: bad", "times_differentiable": None}, "the loss fails"),
        ({"problem": "ValueError: bad", "times_differentiable": 0}, "not differentiable"),
        ({"problem": "ValueError: bad", "times_differentiable": 2}, "the loss fails"),
        ({"median_gradient": None}, "no finite gradient"),
        ({"median_gradient": 0.0, "longest_over_median": 1.0}, "flat"),
    ],
)
def test_nothing_to_recommend(changes: dict[str, Any], verdict: str) -> None:
    found = advice(**changes)
    assert verdict in found.verdict
    assert (found.curvature, found.entry_point) == (None, None)
    assert found.reasons


def test_half_of_the_gradients_may_be_zero() -> None:
    found = advice(median_gradient=0.0, longest_over_median=float("inf"), descent={})
    assert (kind_of(found), found.damping) == (FISHER, 1.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"longest_float32_over_float64": 10.1}, "10 times too long"),
        (
            {"share_nonfinite": 0.25, "longest_float32_over_float64": 0.9},
            "25% of the samples are finite only in float64",
        ),
        ({"cosine": 0.89}, "their cosine is 0.89"),
    ],
)
def test_wrong_in_float32_comes_first(changes: dict[str, float], words: str) -> None:
    found = advice(roundings=(Rounding(**{**SOUND, **changes}),), solved_by_one_gradient_step=True)
    assert kind_of(found) == FISHER
    assert "only in float32: fix the loss; if that is not possible, empirical" in found.verdict
    assert ("explodes" in found.verdict) == ("cosine" not in changes)
    text = " ".join(found.reasons)
    for cure in (words, "exact form", "absolute", "Clipping", "damping=4", "On these outputs"):
        assert cure in text


def test_wider_outputs_may_explode() -> None:
    wide = Rounding(**{**SOUND, "spread": 3.0, "longest_float32_over_float64": 11.0})
    found = advice(roundings=(Rounding(**SOUND), wide))
    assert kind_of(found) == FISHER
    assert "On outputs 3x as wide" in found.reasons[0]


@pytest.mark.parametrize(
    "changes",
    [{}, {"longest_float32_over_float64": 9.9}, {"cosine": 0.91}],
)
def test_sound_in_float32(changes: dict[str, float]) -> None:
    found = advice(roundings=(Rounding(**{**SOUND, **changes}),))
    assert kind_of(found) == PLAIN
    assert "right in float32" in found.reasons[0]
    assert not any("Warning" in reason for reason in found.reasons)


def test_gradients_that_are_wrong_and_harmless_are_not_called_right() -> None:
    found = advice(roundings=(Rounding(**{**SOUND, "share_wrong": 0.9, "cosine": 0.95}),))
    assert kind_of(found) == PLAIN
    assert "90% of the float32 gradients are off by more than 1 %" in found.reasons[0]
    assert "right in float32" not in " ".join(found.reasons)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonfinite": 0.25}, "25% of the samples have no finite loss or gradient"),
        ({"nonfinite_hessians": 0.5}, "50% of the samples have no finite Hessian"),
        (
            {"roundings": (Rounding(**{**SOUND, "spread": 10.0, "share_nonfinite_float64": 0.5}),)},
            "on outputs 10 times as wide, 50% of the samples have no finite gradient",
        ),
    ],
)
def test_what_is_not_finite_is_the_verdict(changes: dict[str, Any], words: str) -> None:
    found = advice(**changes)
    assert found.verdict == f"{words}: fix the loss first"
    assert (found.curvature, found.entry_point) == (None, None)


@pytest.mark.parametrize(
    ("solved", "leaves", "expected"),
    [(True, 0.009, PLAIN), (False, 0.011, BATCH), (False, None, BATCH)],
)
def test_one_gradient_step(solved: bool, leaves: float | None, expected: Any) -> None:
    found = advice(
        solved_by_one_gradient_step=solved,
        gradient_step_leaves=leaves,
        condition=1e4,
        newton_cosine=0.1,
    )
    assert kind_of(found) == expected
    assert ("one gradient step solves it" in found.verdict) == solved
    if solved:
        assert "leaves 9.0e-03 of the gradient" in found.reasons[0]
