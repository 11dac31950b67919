"""What `NewtonLossOptimizer.diagnostics` tells of the last step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

import newton_optim
from newton_optim import Hessian, NewtonLossOptimizer, RelativeDamping
from tests.asserts import assert_close, damped_solve
from tests.strategies import LOSS, Problem, map_outputs, problems, treatments
from tests.training import MAKERS, closure_of, inputs, losses, network

KEYS = {
    "loss",
    "damping",
    "gradient_norm",
    "step_norm",
    "nonfinite_samples",
    "fallbacks",
    "total_nonfinite_samples",
    "total_fallbacks",
}
EIGENVALUES = {"eigenvalue_min", "eigenvalue_max", "damping_over_largest_eigenvalue"}


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("entry_point", ["step", "backward"])
def test_diagnostics_are_tensors(curvature: str, entry_point: str) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()), curvature=curvature)
    expected = losses(net(inputs())).mean()
    if entry_point == "step":
        optimizer.step(closure_of(net))
    else:
        optimizer.backward(*closure_of(net)())
    diagnostics = optimizer.diagnostics
    assert set(diagnostics) >= KEYS | (EIGENVALUES if curvature == "hessian" else set())
    for value in diagnostics.values():
        assert isinstance(value, Tensor)
        assert value.shape == ()
        assert not value.requires_grad
        assert value.isfinite()
    assert_close(diagnostics["loss"], expected)
    assert diagnostics["gradient_norm"] > 0
    assert diagnostics["step_norm"] > 0


@given(problems(kind="indefinite", dtype=torch.float64), treatments)
def test_diagnostics_of_damping_and_eigenvalues(problem: Problem, eigenvalues: str) -> None:
    leaf = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    y = map_outputs(lambda part: part + 0 * leaf, problem.outputs)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD([leaf]),
        curvature=Hessian(eigenvalues=eigenvalues),
        damping=RelativeDamping(0.1),
    )
    optimizer.step(lambda: (y, LOSS, *problem.args))
    C = problem.hessian.mean(axis=0)
    values = np.linalg.eigvalsh(C)
    if eigenvalues == "raw":
        lam = 0.1 * np.linalg.norm(C) / np.sqrt(len(C))
    else:
        values = np.abs(values) if eigenvalues == "absolute" else np.maximum(values, 0)
        lam = 0.1 * values.mean()
    assert_close(optimizer.diagnostics["damping"], lam)
    gradient_norm = np.sqrt(np.square(problem.gradient).sum(axis=1).mean())
    assert_close(optimizer.diagnostics["gradient_norm"], gradient_norm)
    options: dict[str, Any] = {"eigenvalues": eigenvalues, "damping": 0.1, "relative": True}
    step = damped_solve(C, problem.gradient, **options)
    assert_close(optimizer.diagnostics["step_norm"], np.sqrt(np.square(step).sum(axis=1).mean()))
    if eigenvalues != "raw" and values.max() > 0:
        ratio = optimizer.diagnostics["damping_over_largest_eigenvalue"]
        assert_close(ratio, lam / values.max())


def test_diagnostics_tell_of_a_damping_that_drowns_the_curvature() -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=0.0), damping=1000.0
    )
    optimizer.step(lambda: (parameter * 1, lambda y: (0.25 * y.square()).sum(dim=1)))
    diagnostics = optimizer.diagnostics
    assert diagnostics["damping"] == 1000.0
    assert_close(diagnostics["eigenvalue_max"], 0.5)
    assert_close(diagnostics["eigenvalue_min"], 0.5)
    assert_close(diagnostics["damping_over_largest_eigenvalue"], 2000.0)
    assert_close(parameter.grad, 0.5 * parameter / 1000.5 / 4)
