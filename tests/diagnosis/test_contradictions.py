"""No sentence of a diagnosis contradicts its own rows, for all losses of the suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from newton_optim import Diagnosis, diagnose
from tests.diagnosis.contradictions import contradictions
from tests.diagnosis.losses import normal
from tests.diagnosis.suite import SUITE


@pytest.mark.parametrize("name", SUITE)
def test_no_sentence_contradicts_a_row(name: str) -> None:
    loss, outputs, args, reduction = SUITE[name]
    d = diagnose(loss, outputs, *args, reduction=reduction)
    assert contradictions(d) == [], d
    opening = str(d).splitlines()[1]
    assert opening.startswith(("Train with ", "Change the loss ", "Fix the loss: ")), d


@pytest.fixture(scope="module")
def healthy() -> Diagnosis:
    return diagnose(lambda y: (y.square() + 0.5 * y.sin()).sum(1), normal(0, 16, 2))


def test_a_healthy_loss_is_said_to_be_so(healthy: Diagnosis) -> None:
    assert contradictions(healthy) == []
    assert "right in float32" in str(healthy)


@pytest.mark.parametrize("change", [{"nonfinite": 0.5}, {"is_coupled": True}, {"vanishing": 0.5}])
def test_a_contradiction_is_seen(healthy: Diagnosis, change: dict[str, Any]) -> None:
    assert contradictions(replace(healthy, **change))
