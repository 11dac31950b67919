"""Costs are there, positive, and only of what can be done. Their size is not tested."""

from __future__ import annotations

from newton_optim import EmpiricalFisher, Hessian, Identity
from newton_optim._diagnosis._cost import milliseconds
from tests.diagnosis.losses import normal, once_differentiable, probe_of


def test_costs() -> None:
    y = normal(0, 4, 3)
    curvatures = {"identity": Identity(), "hessian": Hessian(), "fisher": EmpiricalFisher()}
    found = milliseconds(probe_of(lambda y: y.square().sum(dim=1), y), y, curvatures)
    assert list(found) == list(curvatures)
    assert all(ms > 0.0 for ms in found.values())
    once = milliseconds(probe_of(once_differentiable, y, form="tensor"), y, curvatures)
    assert list(once) == ["identity", "fisher"]
