"""The identities of the method, as properties over every entry point and every form of a loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import Hessian, Identity
from tests.asserts import assert_close, assert_step, reference_step
from tests.strategies import (
    LOSS,
    Problem,
    arriving,
    dampings,
    given_as,
    map_outputs,
    problems,
    reduced,
    reductions,
    routes,
    seeds,
)

RAW = Hessian(eigenvalues="raw")


# --- MSE collapse -----------------------------------------------------------------------------


@given(problems(kind="quadratic"), routes(), reductions, dampings)
def test_mse_collapses_to_mse(
    problem: Problem, route: tuple[str, str], reduction: str, damping: float
) -> None:
    n, m = problem.y.shape
    mse = Problem(
        problem.outputs, problem.target, np.tile(np.eye(m), (n, 1, 1)), 0.0, problem.dtype
    )
    step = arriving(mse, route, reduction=reduction, damping=damping)
    assert_close(step, (mse.y - mse.target) / (1 + damping), problem.dtype)


# --- Fixpoint ---------------------------------------------------------------------------------


@given(problems(), reductions, st.sampled_from([0.0, 0.1, 2.0]), dampings)
def test_the_newton_loss_of_a_newton_loss_is_that_newton_loss(
    problem: Problem, reduction: str, inner_damping: float, outer_damping: float
) -> None:
    y = map_outputs(lambda part: part.clone().requires_grad_(), problem.outputs)
    inner = newton_optim.newton_loss(
        LOSS, y, *problem.args, damping=inner_damping, reduction=reduction
    )
    z_star = newton_optim.newton_target(inner, y, damping=outer_damping, reduction=reduction)
    step = reference_step(problem.gradient, problem.hessian, damping=inner_damping)
    assert_step(z_star, y, step / (1 + outer_damping), problem.dtype)


@given(problems(dtype=torch.float64), dampings)
def test_modules_of_newton_losses_nest(problem: Problem, damping: float) -> None:
    y = map_outputs(lambda part: part.clone().requires_grad_(), problem.outputs)
    inner = newton_optim.NewtonLoss(LOSS, damping=0.1)
    z_star = newton_optim.newton_target(inner, y, *problem.args, damping=damping)
    step = reference_step(problem.gradient, problem.hessian, damping=0.1)
    assert_step(z_star, y, step / (1 + damping), problem.dtype)


@given(problems(structure=(3,)), reductions)
def test_the_hessian_of_a_newton_loss_is_the_identity(problem: Problem, reduction: str) -> None:
    y = problem.outputs.clone().requires_grad_()
    loss = newton_optim.newton_loss(LOSS(y, *problem.args), y, reduction=reduction)
    (gradient,) = torch.autograd.grad(loss, y, create_graph=True)
    columns = [torch.autograd.grad(g, y, retain_graph=True)[0] for g in gradient.flatten()]
    size = len(columns)
    scale = 1 / len(y) if reduction == "mean" else 1.0
    assert_close(torch.stack(columns).reshape(size, size), scale * np.eye(size), problem.dtype)


# --- Lemma 2 ----------------------------------------------------------------------------------

OPTIMIZERS = [
    optimizer
    for name, optimizer in sorted(vars(torch.optim).items())
    if inspect.isclass(optimizer)
    and issubclass(optimizer, torch.optim.Optimizer)
    and inspect.signature(optimizer.step).parameters["closure"].default is None
    and optimizer not in {torch.optim.Optimizer, torch.optim.SparseAdam}
]
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.5}],
    "Adam": [{"amsgrad": True}, {"weight_decay": 0.1}],
    "AdamW": [{"amsgrad": True}],
    "RMSprop": [{"momentum": 0.9, "centered": True}],
    "Rprop": [{"etas": (0.4, 1.3)}],
    "Muon": [{"nesterov": False}],
}


def small_network(seed: int) -> torch.nn.Sequential:
    """Without biases: Muon takes matrices alone."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(4, 5, bias=False), torch.nn.Tanh(), torch.nn.Linear(5, 3, bias=False)
    ).double()


def test_lemma_2_is_tested_for_the_usual_optimizers() -> None:
    assert {torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop} <= set(OPTIMIZERS)
    assert torch.optim.LBFGS not in OPTIMIZERS


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda cls: cls.__name__)
@given(data=st.data(), seed=seeds, reduction=reductions)
def test_lemma_2(
    optimizer: Callable[..., torch.optim.Optimizer], data: st.DataObject, seed: int, reduction: str
) -> None:
    options = data.draw(st.sampled_from([{}, *VARIANTS.get(optimizer.__name__, [])]))
    if "maximize" in inspect.signature(optimizer).parameters:
        options = {**options, "maximize": data.draw(st.booleans())}
    loss_as_tensor = data.draw(st.booleans())
    bare_net, net = small_network(seed), small_network(seed)
    bare = optimizer(bare_net.parameters(), lr=0.01, **options)
    wrapped = newton_optim.NewtonLossOptimizer(
        optimizer(net.parameters(), lr=0.01, **options), curvature=Identity(), reduction=reduction
    )
    x = torch.randn(6, 4, dtype=torch.float64)

    def loss(y: Tensor) -> Tensor:
        return reduced((y.cos() + y.square()).sum(dim=1), reduction)

    def closure() -> tuple[Any, ...]:
        y = net(x)
        return y, loss(y) if loss_as_tensor else loss

    for _ in range(3):
        bare.zero_grad()
        expected = loss(bare_net(x))
        torch.autograd.backward(expected)
        bare.step()
        assert_close(wrapped.step(closure), expected)
    for got, want in zip(net.parameters(), bare_net.parameters(), strict=True):
        assert_close(got, want)


# --- Lemma 3 ----------------------------------------------------------------------------------


@given(
    seeds,
    st.integers(1, 3),
    st.sampled_from([-1.0, 1.0]),
    st.sampled_from(["scalar", "vector", "callable scalar", "callable vector"]),
)
def test_lemma_3(seed: int, size: int, sign: float, form: str) -> None:
    """With N = m = 1 the Newton step on θ of the Newton loss is that of the loss itself."""
    rng = np.random.default_rng(seed)
    theta0, direction = rng.normal(size=size), rng.normal(size=size)
    slope, bend = rng.normal(), sign * rng.uniform(0.5, 2.0)
    theta = torch.tensor(theta0, requires_grad=True)
    y = ((torch.tensor(direction) * theta).sin().sum() + theta.square().sum()).reshape(1)
    function: Callable[[Tensor], Tensor] = lambda y: slope * y + 0.5 * bend * y.square()  # noqa: E731
    loss, _ = given_as(form, function, y, (), "mean")
    newton = newton_optim.newton_loss(loss, y, curvature=RAW, damping=0.0)
    (gradient,) = torch.autograd.grad(newton, theta, create_graph=True)
    rows = [torch.autograd.grad(g, theta, retain_graph=True)[0] for g in gradient]

    # On paper: ∇(l∘f) = l' ∇f and ∇²(l∘f) = l'' ∇f ∇fᵀ + l' ∇²f; the factor l'' drops out.
    f = np.sin(direction * theta0).sum() + (theta0**2).sum()
    df = direction * np.cos(direction * theta0) + 2 * theta0
    d2f = np.diag(2 - direction**2 * np.sin(direction * theta0))
    dl = slope + bend * f
    assert_close(bend * gradient, dl * df)
    assert_close(bend * torch.stack(rows), bend * np.outer(df, df) + dl * d2f)


# --- Woodbury, Algorithm 1 and Algorithm 2 ----------------------------------------------------
