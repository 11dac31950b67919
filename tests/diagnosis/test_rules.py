"""Every rule, from measurements made up for it: just above a threshold, and just below."""

from __future__ import annotations

from typing import Any

import pytest

from newton_optim import (
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    Identity,
    RelativeDamping,
)
from newton_optim._diagnosis._measurements import Measurements, Rounding
from newton_optim._diagnosis._recommendation import Recommendation, fisher_damping
from newton_optim._diagnosis._rules import recommend

HEALTHY: dict[str, Any] = {
    "name": "loss",
    "num_samples": 8,
    "num_outputs": 3,
    "times_differentiable": 2,
    "is_random": False,
    "is_coupled": False,
    "nonfinite": 0.0,
    "median_gradient": 2.0,
    "longest_over_median": 3.0,
    "vanishing": 0.0,
    "gradient_step_leaves": 0.5,
    "negative_curvature": 0.0,
    "condition": 4.0,
    "rank": 3,
    "hessian_error": 1e-6,
    "newton_cosine": 0.9,
    "descent": {"gradient": 0.02, "fisher": 0.02, "hessian": 0.0, "hessian per sample": 0.01},
    "milliseconds": {"identity": 1.0, "fisher": 1.0, "hessian": 1.0},
}
SOUND: dict[str, float] = {
    "spread": 1.0,
    "off": 0.0,
    "nonfinite": 0.0,
    "longest": 2.0,
    "longest_float64": 2.0,
    "growth": 1.0,
    "cosine": 1.0,
}


def advice(**changes: Any) -> Recommendation:
    return recommend(Measurements(**{**HEALTHY, **changes}))


def kind_of(found: Recommendation) -> tuple[Any, ...]:
    return type(found.curvature), getattr(found.curvature, "scope", None), found.door


def descent(gradient: float, fisher: float, hessian: float, own: float) -> dict[str, float]:
    names = ("gradient", "fisher", "hessian", "hessian per sample")
    return dict(zip(names, (gradient, fisher, hessian, own), strict=True))


PLAIN = (Identity, None, None)
FISHER = (EmpiricalFisher, "batch", "NewtonLoss")
BATCH, SAMPLE, JOINT = ((Hessian, s, "NewtonLoss") for s in ("batch", "sample", "joint"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, PLAIN),
        # One gradient step solves it.
        ({"gradient_step_leaves": 0.009, "condition": 1e4, "newton_cosine": 0.1}, PLAIN),
        ({"gradient_step_leaves": 0.011, "condition": 1e4, "newton_cosine": 0.1}, BATCH),
        ({"gradient_step_leaves": None, "condition": 1e4, "newton_cosine": 0.1}, BATCH),
        # Coupled samples.
        ({"is_coupled": True}, JOINT),
        ({"is_coupled": True, "num_samples": 1024, "num_outputs": 2}, JOINT),
        ({"is_coupled": True, "num_samples": 1024, "num_outputs": 3}, FISHER),
        ({"is_coupled": True, "times_differentiable": 1}, FISHER),
        # No Hessian to use.
        ({"times_differentiable": 1}, FISHER),
        ({"hessian_agreement": 0.49}, FISHER),
        ({"hessian_agreement": 0.51, "descent": {}}, BATCH),
        ({"hessian_agreement": 0.51, "descent": {}, "newton_cosine": 0.96}, PLAIN),
        ({"hessian_agreement": float("nan")}, FISHER),
        ({"negative_curvature": None}, FISHER),
        ({"hessian_error": 0.11}, FISHER),
        ({"hessian_error": 0.09}, PLAIN),
        ({"hessian_error": float("nan")}, FISHER),
        # No curvature.
        ({"condition": None, "descent": descent(0.1, 0.09, 0.1, 0.1)}, PLAIN),
        ({"condition": None, "descent": descent(0.1, 0.0, 0.1, 0.1)}, FISHER),
        ({"condition": None, "descent": {}}, PLAIN),
        # Uneven gradients.
        ({"longest_over_median": 101.0, "descent": descent(0.0, 0.2, 0.1, 0.1)}, FISHER),
        ({"longest_over_median": 101.0, "descent": {}}, FISHER),
        ({"longest_over_median": 101.0, "descent": descent(0.09, 0.2, 0.1, 0.0)}, SAMPLE),
        ({"longest_over_median": 101.0, "descent": descent(0.009, 0.2, 0.0, 0.0)}, FISHER),
        (
            {
                "longest_over_median": 101.0,
                "descent": descent(0.009, 0.2, 0.0, 0.0),
                "vanishing": None,
            },
            PLAIN,
        ),
        (
            {
                "longest_over_median": 101.0,
                "descent": descent(0.011, 0.2, 0.0, 0.0),
                "vanishing": None,
            },
            BATCH,
        ),
        ({"longest_over_median": 99.0, "descent": descent(0.0, 0.2, 0.1, 0.1)}, PLAIN),
        ({"vanishing": 0.11, "descent": descent(0.0, 0.2, 0.1, 0.1)}, PLAIN),
        ({"vanishing": 0.11, "descent": descent(0.09, 0.2, 0.01, 0.0)}, BATCH),
        ({"vanishing": 0.09, "descent": descent(0.09, 0.2, 0.1, 0.0)}, PLAIN),
        ({"vanishing": None, "longest_over_median": None}, PLAIN),
        # The gradient falls behind.
        ({"descent": descent(0.11, 0.2, 0.04, 0.0)}, BATCH),
        ({"descent": descent(0.2, 0.2, 0.06, 0.0)}, SAMPLE),
        ({"descent": descent(0.2, 0.0, 0.1, 0.1)}, FISHER),
        ({"descent": descent(0.09, 0.2, 0.0, 0.0)}, PLAIN),
        # The directions differ.
        ({"condition": 101.0}, BATCH),
        ({"condition": 99.0}, PLAIN),
        ({"condition": 101.0, "descent": descent(0.0011, 0.0, 0.0, 0.0)}, BATCH),
        ({"condition": 101.0, "descent": descent(0.0009, 0.0, 0.0, 0.0)}, PLAIN),
        ({"condition": 101.0, "descent": descent(0.0, 0.0, 0.03, 0.0)}, PLAIN),
    ],
)
def test_rules(changes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = advice(**changes)
    assert kind_of(found) == expected
    assert found.reasons
    if expected[0] is Hessian:
        assert found.damping == RelativeDamping(0.1)
    assert (found.damping == 4.0) == (expected[0] is EmpiricalFisher)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"problem": "ValueError: bad", "times_differentiable": None}, "fails"),
        ({"problem": "ValueError: bad", "times_differentiable": 0}, "not differentiable"),
        ({"problem": "ValueError: bad", "times_differentiable": 2}, "fails"),
        ({"median_gradient": None}, "no finite gradient"),
        ({"median_gradient": 0.0, "longest_over_median": 1.0}, "flat"),
    ],
)
def test_nothing_to_recommend(changes: dict[str, Any], verdict: str) -> None:
    found = advice(**changes)
    assert verdict in found.verdict
    assert (found.curvature, found.door) == (None, None)
    assert found.reasons


def test_half_of_the_gradients_may_be_zero() -> None:
    found = advice(median_gradient=0.0, longest_over_median=float("inf"), descent={})
    assert (kind_of(found), found.damping) == (FISHER, 1.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"growth": 10.1}, "10 times too long"),
        ({"nonfinite": 0.25, "growth": 0.9}, "25% of the samples are finite in float64 alone"),
        ({"cosine": 0.89}, "the cosine of the two is 0.89"),
    ],
)
def test_wrong_in_float32_comes_first(changes: dict[str, float], words: str) -> None:
    found = advice(roundings=(Rounding(**{**SOUND, **changes}),), gradient_step_leaves=0.0)
    assert kind_of(found) == FISHER
    assert "only in float32" in found.verdict
    assert ("explodes" in found.verdict) == ("cosine" not in changes)
    text = " ".join(found.reasons)
    for cure in (words, "exact form", "absolute", "Clipping", "damping=4", "On these outputs"):
        assert cure in text


def test_wider_outputs_explode_or_are_a_warning() -> None:
    wide = {**SOUND, "spread": 3.0}
    exploding = advice(roundings=(Rounding(**SOUND), Rounding(**{**wide, "growth": 11.0})))
    assert kind_of(exploding) == FISHER
    assert "On outputs 3x as wide" in exploding.reasons[0]
    misled = advice(roundings=(Rounding(**SOUND), Rounding(**{**wide, "cosine": 0.8})))
    assert kind_of(misled) == PLAIN
    assert misled.reasons[-1].startswith("Beware: on outputs 3 times as wide")


@pytest.mark.parametrize("changes", [{}, {"growth": 9.9}, {"cosine": 0.91}, {"off": 0.9}])
def test_sound_in_float32(changes: dict[str, float]) -> None:
    found = advice(roundings=(Rounding(**{**SOUND, **changes}),))
    assert kind_of(found) == PLAIN
    assert "right in float32" in found.reasons[0]
    assert not any("Beware" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("negative", "words"),
    [(0.0, "No Hessian has negative"), (0.3, "absolute"), (None, "absolute value")],
)
def test_eigenvalues(negative: float | None, words: str) -> None:
    found = advice(negative_curvature=negative, is_coupled=negative is None, condition=1e3)
    assert isinstance(found.curvature, Hessian)
    assert found.curvature.eigenvalues == "absolute"
    assert any(words in reason for reason in found.reasons)


def test_gauss_newton_is_for_losses_in_parts_that_are_mostly_negative() -> None:
    times = {"identity": 1.0, "gauss-newton": 1.0}
    mostly = advice(condition=1e3, negative_curvature=0.51, milliseconds=times)
    assert kind_of(mostly) == (GaussNewton, "batch", "NewtonLoss")
    assert kind_of(advice(condition=1e3, negative_curvature=0.5, milliseconds=times)) == BATCH
    assert kind_of(advice(condition=1e3, negative_curvature=0.51)) == BATCH
    own = {"descent": descent(0.2, 0.2, 0.06, 0.0), "negative_curvature": 0.51}
    assert kind_of(advice(**own, milliseconds=times)) == (GaussNewton, "sample", "NewtonLoss")
    assert kind_of(advice(is_coupled=True, negative_curvature=None, milliseconds=times)) == JOINT


def test_a_loss_that_must_be_a_tensor() -> None:
    for changes in ({"times_differentiable": 1}, {"condition": 1e3}):
        found = advice(callable_works=False, **changes)
        assert found.door == "newton_loss"
        assert "as a tensor" in found.reasons[-1]
    assert advice(callable_works=False).door is None


@pytest.mark.parametrize(
    ("median", "damping"),
    [(2.0, 4.0), (0.123, 0.02), (31.0, 1000.0), (0.0, 1.0), (None, 1.0), (1e200, 1.0)],
)
def test_fisher_damping(median: float | None, damping: float) -> None:
    assert fisher_damping(median) == damping
