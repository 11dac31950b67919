"""Rules about the steps: just above a threshold, and just below."""

from __future__ import annotations

from typing import Any

import pytest

from newton_optim import RelativeDamping
from tests.diagnosis.made_up import BATCH, FISHER, PLAIN, SAMPLE, advice, descent, kind_of

LONG: dict[str, Any] = {"longest_over_median": 101.0}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, PLAIN),
        # Uneven gradients.
        ({**LONG, "descent": descent(0.0, 0.2, 0.1, 0.1)}, FISHER),
        ({**LONG, "descent": {}}, FISHER),
        ({**LONG, "descent": descent(0.09, 0.2, 0.1, 0.0)}, SAMPLE),
        ({**LONG, "descent": descent(0.009, 0.2, 0.0, 0.0)}, FISHER),
        ({**LONG, "descent": descent(0.009, 0.2, 0.0, 0.0), "vanishing": None}, PLAIN),
        ({**LONG, "descent": descent(0.011, 0.2, 0.0, 0.0), "vanishing": None}, BATCH),
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
def test_rules(changes: dict[str, Any], expected: Any) -> None:
    found = advice(**changes)
    assert kind_of(found) == expected
    assert found.reasons
    if expected in {BATCH, SAMPLE}:
        assert found.damping == RelativeDamping(0.1)
    assert (found.damping == 4.0) == (expected == FISHER)


def test_reasons_for_uneven_gradients() -> None:
    exploding = advice(**LONG, descent=descent(0.09, 0.2, 0.1, 0.0))
    assert "101 times the median" in exploding.reasons[0]
    assert "each uses its own" in " ".join(exploding.reasons)
    vanishing = advice(vanishing=0.11, descent=descent(0.0, 0.2, 0.1, 0.1))
    assert "11% of the samples have almost no gradient" in vanishing.reasons[0]
    assert "get no further" in vanishing.reasons[0]


def test_an_infinite_ratio_is_put_into_words() -> None:
    found = advice(longest_over_median=float("inf"), descent={})
    assert "Most samples have a gradient of exactly zero" in found.reasons[0]
    assert "inf" not in " ".join(found.reasons)


def test_a_healthy_loss_with_a_few_vanishing_gradients() -> None:
    text = " ".join(advice(vanishing=0.05).reasons)
    assert "5% of the gradients vanish and none explodes" in text
    assert "neither" not in text


def test_a_healthy_loss_says_why() -> None:
    text = " ".join(advice(negative_curvature=0.3).reasons)
    for words in ("neither vanish nor explode", "cosine 0.90", "condition of C is 4", "30%"):
        assert words in text
