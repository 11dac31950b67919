"""Which choice got furthest, where simpler ones are preferred."""

from __future__ import annotations

import pytest

from newton_optim._diagnosis._progress import furthest, progress
from tests.diagnosis.made_up import descent, measured


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (descent(0.1, 0.0, 0.1, 0.1), "fisher"),
        (descent(0.1, 0.1, 0.049, 0.0), "hessian"),
        (descent(0.12, 0.1, 0.051, 0.0), "hessian per sample"),
        (descent(0.009, 0.1, 0.0, 0.0), "gradient"),
        (descent(0.011, 0.1, 0.0, 0.0), "hessian"),
        ({}, "gradient"),
    ],
)
def test_furthest(left: dict[str, float], expected: str) -> None:
    assert furthest(measured(descent=left)) == expected


def test_progress() -> None:
    m = measured(descent=descent(0.345, 0.2, 0.1, 0.0))
    (text,) = progress(m, "fisher")
    assert "the gradient leaves 34.5% of" in text
    assert text.endswith("the fisher 20.0%.")
    assert progress(measured(descent={}), "fisher") == ()
