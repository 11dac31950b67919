"""No sentence of a diagnosis contradicts its own rows, for all losses of the suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from newton_optim import Diagnosis, diagnose
from tests.diagnosis.contradictions import contradictions
from tests.diagnosis.losses import (
    kinked_cliffs,
    normal,
    once_differentiable,
    plateau,
    squared_distance,
    stiff,
    waves,
)
from tests.testing.losses import LOSSES, T, Y
from tests.testing.practice.pairs import PAIRS

SHORT = {
    "squared distance": (squared_distance, normal(0, 16, 5), normal(1, 16, 5)),
    "stiff": (stiff, normal(0, 16, 5), normal(1, 16, 5)),
    "waves": (waves, normal(0, 16, 5)),
    "plateau": (plateau, 5.0 * normal(0, 16, 1)),
    "cliffs": (kinked_cliffs, normal(0, 16, 3)),
    "once differentiable": (once_differentiable, normal(0, 16, 3)),
}


def pair(name: str, which: str) -> tuple[Any, ...]:
    return getattr(PAIRS[name], which), *PAIRS[name].batch(torch.Generator().manual_seed(0))


CASES: dict[str, tuple[Any, ...]] = {
    **SHORT,
    **{name: (loss, Y, T) for name, loss in LOSSES.items()},
    **{f"{name}, {which}": pair(name, which) for name in PAIRS for which in ("right", "broken")},
}


@pytest.mark.parametrize("name", CASES)
def test_no_sentence_contradicts_a_row(name: str) -> None:
    loss, outputs, *args = CASES[name]
    d = diagnose(loss, outputs, *args)
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
