"""The Newton step and its target: structure, precision, small steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import Hessian
from tests.asserts import assert_close, assert_relatively_close, assert_same_structure, damped_solve
from tests.settings import DEVICE
from tests.strategies import (
    Problem,
    dtypes,
    flatten,
    map_outputs,
    problems,
    reduced,
    reductions,
    seeds,
    to_array,
)


@given(problems(kind="quadratic"), dtypes)
def test_mse_target_is_the_target(problem: Problem, dtype: torch.dtype) -> None:
    y = map_outputs(lambda part: part.to(dtype).requires_grad_(), problem.outputs)
    t = torch.tensor(problem.target, dtype=dtype)
    loss = 0.5 * (flatten(y) - t).square().sum(dim=1)
    z_star = newton_optim.newton_target(loss, y, damping=0.0)
    assert_same_structure(z_star, y)
    assert_close(to_array(z_star), problem.target, dtype)
    assert not flatten(z_star).requires_grad


# --- Half precision ---------------------------------------------------------------------------

halves = st.sampled_from([torch.float16, torch.bfloat16])


@given(seeds, halves, reductions, st.sampled_from(["hessian", "fisher", "identity"]))
def test_half_precision_outputs(
    seed: int, dtype: torch.dtype, reduction: str, curvature: str
) -> None:
    """The step is float32's, rounded to the outputs' dtype."""
    rng = np.random.default_rng(seed)
    y = torch.tensor(rng.uniform(-1, 1, size=(4, 3))).to(dtype)

    def loss(y: Tensor) -> Tensor:
        return y.float().cosh().sum(dim=1)

    exact = y.double() - newton_optim.newton_target(loss, y.float(), curvature=curvature)
    leaf = y.clone().requires_grad_()
    for given_loss in [loss, loss(leaf), reduced(loss(leaf), reduction)]:
        leaf.grad = None
        newton_optim.newton_loss(
            given_loss, leaf, curvature=curvature, reduction=reduction
        ).backward()
        assert leaf.grad is not None
        assert leaf.grad.dtype == dtype
        scale = len(y) if reduction == "mean" else 1
        assert_close(leaf.grad.double() * scale, exact, dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize("curvature", ["hessian", Hessian(eigenvalues="raw"), "fisher"])
def test_under_autocast_curvature_and_solve_are_in_float32(
    dtype: torch.dtype, form: str, curvature: Any
) -> None:
    """Ill-conditioned: with one product in half precision the first digit would be wrong."""
    y = torch.randn(8, 3, requires_grad=True)
    stiffness = torch.tensor([1.0, 30.0, 1000.0])

    def loss(y: Tensor) -> Tensor:  # Elementwise: what autocast leaves alone.
        return (0.5 * stiffness * y.square()).sum(dim=1)

    expected = newton_optim.newton_target(loss, y, curvature=curvature, damping=1.0)
    with torch.autocast(DEVICE.type, dtype=dtype):
        z_star = newton_optim.newton_target(
            loss(y) if form == "tensor" else loss, y, curvature=curvature, damping=1.0
        )
        leaf = y.detach().clone().requires_grad_()
        newton = newton_optim.newton_loss(loss, leaf, curvature=curvature, damping=1.0)
    newton.backward()
    assert_close(z_star, expected, torch.float32)
    assert_relatively_close(y - len(y) * leaf.grad, expected, 1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_network_under_autocast(dtype: torch.dtype) -> None:
    net = torch.nn.Linear(5, 3)
    x = torch.randn(8, 5)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD(net.parameters(), lr=1.0), damping=0.0, reduction="sum"
    )

    def closure() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        with torch.autocast(DEVICE.type, dtype=dtype):
            return net(x), lambda y: 0.5 * y.float().square().sum(dim=1)

    with torch.no_grad():
        y = closure()[0]
    optimizer.step(closure)
    assert net.bias.grad is not None
    assert_close(net.bias.grad, y.double().sum(dim=0), dtype)


# --- Small steps ------------------------------------------------------------------------------


@given(seeds, reductions, st.sampled_from(["hessian", "fisher", "identity"]), st.booleans())
def test_small_steps_from_large_outputs(
    seed: int, reduction: str, curvature: str, through_step: bool
) -> None:
    """At |y| = 10 a step of 1e-6 in float32 is right to 1e-5 in the network's gradient."""
    rng = np.random.default_rng(seed)
    slope = 1e-6 * rng.normal(size=(5, 3))
    x = rng.normal(size=(5, 4))
    weight = torch.zeros(4, 3, requires_grad=True)
    inputs = torch.tensor(x, dtype=torch.float32)
    gradient = torch.tensor(slope, dtype=torch.float32)

    class Tilted:
        """Gradient as given, Hessian 2 I."""

        def __call__(self, y: Tensor) -> Tensor:
            return (gradient * y).sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            H = (2 * torch.eye(3)).expand(5, 3, 3)
            return newton_optim.LossDerivatives(self(y), gradient, H)

    y = inputs @ weight + 10.0
    options: dict[str, Any] = {"curvature": curvature, "reduction": reduction}
    if through_step:
        base = torch.optim.SGD([weight], lr=0.0)
        newton_optim.NewtonLossOptimizer(base, **options).step(lambda: (y, Tilted()))
    else:
        newton_optim.newton_loss(Tilted(), y, **options).backward()
    g = to_array(gradient)
    step = {"hessian": g / 2.2, "fisher": damped_solve(g.T @ g / 5, g, damping=1.0), "identity": g}
    expected = to_array(inputs).T @ step[curvature] / (5 if reduction == "mean" else 1)
    assert_relatively_close(weight.grad, expected, 1e-5)
