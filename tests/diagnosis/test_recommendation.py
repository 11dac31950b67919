"""How a curvature is recommended: which class, which damping, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from newton_optim import EmpiricalFisher, GaussNewton, Hessian, Identity, RelativeDamping
from newton_optim._diagnosis._recommendation import fisher, hessian, plain
from tests.diagnosis.made_up import BATCH, kind_of, measured

PARTS = {"identity": 1.0, "gauss-newton": 1.0}


def test_plain() -> None:
    found = plain("it is fine", "one", "two")
    assert found.verdict == "the plain loss: it is fine"
    assert (type(found.curvature), found.damping, found.entry_point) == (Identity, 0.0, None)
    assert found.reasons == ("one", "two")


def test_fisher() -> None:
    found = fisher(measured(median_gradient=0.5), "why", verdict="try it")
    assert (found.verdict, type(found.curvature), found.damping) == ("try it", EmpiricalFisher, 0.2)
    assert found.reasons[0] == "why"
    assert "damping=0.2 is absolute" in found.reasons[1]
    assert "Clipping" in found.reasons[2]


@pytest.mark.parametrize(
    ("negative", "words"),
    [(0.0, "No Hessian has negative"), (0.3, "30%"), (None, "absolute values")],
)
def test_eigenvalues(negative: float | None, words: str) -> None:
    found = hessian(measured(negative_curvature=negative), "batch", "why")
    assert kind_of(found) == BATCH
    assert isinstance(found.curvature, Hessian)
    assert found.curvature.eigenvalues == "absolute"
    assert found.damping == RelativeDamping(0.1)
    assert words in found.reasons[1]


@pytest.mark.parametrize(
    ("negative", "scope", "milliseconds", "expected"),
    [
        (0.51, "batch", PARTS, GaussNewton),
        (0.51, "sample", PARTS, GaussNewton),
        (0.5, "batch", PARTS, Hessian),
        (0.51, "batch", {"identity": 1.0}, Hessian),
        (0.51, "joint", PARTS, Hessian),
        (None, "batch", PARTS, Hessian),
    ],
)
def test_gauss_newton_is_for_losses_in_parts_that_are_mostly_negative(
    negative: float | None, scope: str, milliseconds: dict[str, float], expected: Any
) -> None:
    m = measured(negative_curvature=negative, milliseconds=milliseconds)
    found = hessian(m, scope)
    assert kind_of(found) == (expected, scope, "NewtonLoss")
    assert (found.verdict == "Gauss-Newton") == (expected is GaussNewton)
    assert ("Gauss-Newton has none" in found.reasons[0]) == (expected is GaussNewton)


def test_a_loss_that_must_be_a_tensor() -> None:
    m = measured(callable_works=False)
    for found in (fisher(m), hessian(m, "batch")):
        assert found.entry_point == "newton_loss"
        assert "pass it as a tensor" in found.reasons[-1]
