"""The order of the rules, and the warning about wider outputs."""

from __future__ import annotations

import dataclasses

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._rounding import Rounding
from newton_optim._diagnosis._rules import RULES, recommend
from tests.diagnosis.made_up import FISHER, PLAIN, SOUND, advice, descent, kind_of, measured

WIDE = {**SOUND, "spread": 3.0}


def test_the_first_rule_that_applies_decides() -> None:
    """All is wrong; what is fixed moves the decision to a later rule."""
    bad = measured(
        problem="ValueError: bad",
        times_differentiable=2,
        median_gradient=None,
        roundings=(Rounding(**{**SOUND, "share_nonfinite": 1.0}),),
        solved_by_one_gradient_step=True,
        is_coupled=True,
        hessian_error=1.0,
        vanishing=1.0,
        descent=descent(0.0, 0.2, 0.1, 0.1),
    )
    fixes = (
        ({"problem": None}, "the loss fails"),
        ({"median_gradient": 2.0}, "no finite gradient"),
        ({"roundings": ()}, "explodes only in float32"),
        ({"solved_by_one_gradient_step": False}, "one gradient step"),
        ({"is_coupled": False}, "Hessian"),
        ({"hessian_error": 0.0}, "Fisher"),
        ({"vanishing": 0.0}, "no curvature helps"),
        ({}, "it needs no rescue"),
    )
    for fix, verdict in fixes:
        assert verdict in recommend(bad).verdict
        bad = dataclasses.replace(bad, **fix)


def test_the_last_rule_always_applies() -> None:
    nothing = Measurements(name="loss", num_samples=1, num_outputs=1)
    assert RULES[-1](nothing) is not None


def test_misleading_gradients_on_wider_outputs_are_a_warning() -> None:
    misled = advice(roundings=(Rounding(**SOUND), Rounding(**{**WIDE, "cosine": 0.8})))
    assert kind_of(misled) == PLAIN
    assert misled.reasons[-1].startswith("Warning: on outputs 3 times as wide")
    assert "0.80" in misled.reasons[-1]


def test_there_is_no_warning_beside_an_explosion() -> None:
    worse = Rounding(**{**WIDE, "cosine": 0.8, "longest_float32_over_float64": 11.0})
    found = advice(roundings=(Rounding(**SOUND), worse))
    assert kind_of(found) == FISHER
    assert not any("Warning" in reason for reason in found.reasons)
