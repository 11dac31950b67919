"""Costs are there, positive, and only of what can be done. Their size is not tested."""

from __future__ import annotations

import pytest
import torch

from newton_optim import ComposedLoss
from newton_optim._diagnosis import _cost
from newton_optim._diagnosis._cost import cost, curvatures_for
from tests.diagnosis.losses import normal, once_differentiable, probe_of


def test_costs() -> None:
    y = normal(0, 4, 3)
    curvatures = curvatures_for(hessian=True, joint=True)
    found = cost(probe_of(lambda y: y.square().sum(dim=1), y), curvatures).milliseconds
    assert list(found) == ["identity", "fisher", "hessian", "joint hessian"]
    assert all(ms > 0.0 for ms in found.values())
    once = cost(probe_of(once_differentiable, y, as_tensor=True), curvatures).milliseconds
    assert list(once) == ["identity", "fisher"]


def test_gauss_newton_is_timed_for_a_loss_in_two_parts() -> None:
    loss = ComposedLoss(torch.sin, lambda u: u.square().sum(dim=1))
    curvatures = curvatures_for(hessian=False, joint=False)
    found = cost(probe_of(loss, normal(0, 4, 3)), curvatures).milliseconds
    assert list(found) == ["identity", "fisher", "gauss-newton"]


@pytest.mark.parametrize(("limit", "evaluations"), [(0.0, 1), (1e9, 4)])
def test_what_takes_long_is_timed_once(
    limit: float, evaluations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def counting(y: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return y.square().sum(dim=1)

    monkeypatch.setattr(_cost, "_LONG_MS", limit)
    identity = {"identity": curvatures_for(hessian=False, joint=False)["identity"]}
    cost(probe_of(counting, normal(0, 4, 3)), identity)
    assert calls == evaluations
