"""Rules about the Hessian: just above a threshold, and just below."""

from __future__ import annotations

from typing import Any

import pytest

from newton_optim import RelativeDamping
from tests.diagnosis.made_up import (
    BATCH,
    FISHER,
    JOINT,
    PLAIN,
    advice,
    descent,
    kind_of,
)


@pytest.mark.parametrize(
    ("changes", "expected", "words"),
    [
        # Coupled samples.
        ({"is_coupled": True}, JOINT, "That matrix has 24 rows"),
        ({"is_coupled": True, "num_samples": 1024, "num_outputs": 2}, JOINT, "has 2048 rows"),
        ({"is_coupled": True, "num_samples": 1024, "num_outputs": 3}, FISHER, "too large"),
        ({"is_coupled": True, "times_differentiable": 1}, FISHER, "differentiable only once"),
        # No Hessian to use.
        ({"times_differentiable": 1}, FISHER, "differentiable only once"),
        ({"hessian_agreement": 0.49}, FISHER, "two draws have the cosine 0.49"),
        ({"hessian_agreement": 0.51, "descent": {}}, BATCH, "directions"),
        ({"hessian_agreement": 0.51, "descent": {}, "newton_cosine": 0.96}, PLAIN, "0.96"),
        ({"hessian_agreement": float("nan")}, FISHER, "noise"),
        ({"negative_curvature": None}, FISHER, "too large"),
        ({"hessian_error": 0.11}, FISHER, "off by 0.11"),
        ({"hessian_error": 0.09}, PLAIN, "vanish"),
        ({"hessian_error": float("nan")}, FISHER, "off by nan"),
        # No curvature.
        ({"condition": None, "descent": descent(0.1, 0.09, 0.1, 0.1)}, PLAIN, "piecewise linear"),
        ({"condition": None, "descent": descent(0.1, 0.0, 0.1, 0.1)}, FISHER, "piecewise linear"),
        ({"condition": None, "descent": {}}, PLAIN, "piecewise linear"),
    ],
)
def test_rules(changes: dict[str, Any], expected: Any, words: str) -> None:
    found = advice(**changes)
    assert kind_of(found) == expected
    assert words in " ".join(found.reasons)
    if expected in {BATCH, JOINT}:
        assert found.damping == RelativeDamping(0.1)
    assert (found.damping == 4.0) == (expected == FISHER)
