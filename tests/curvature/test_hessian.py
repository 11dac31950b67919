"""The Hessian as curvature, on its own and through the entry points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import Hessian, Identity, LossDerivatives, RelativeDamping, newton_target
from tests.asserts import as_float64, assert_close, assert_step, damped_solve, reference_step
from tests.strategies import (
    LOSS,
    Problem,
    arriving,
    dampings,
    given_as,
    problems,
    reductions,
    rotations,
    routes,
    seeds,
    treatments,
)


def derivatives(n: int = 4, m: int = 3) -> LossDerivatives:
    H = torch.randn(n, m, m, dtype=torch.float64)
    return LossDerivatives(torch.zeros(n), torch.randn(n, m, dtype=torch.float64), (H + H.mT) / 2)


def test_a_curvature_may_be_called_on_its_own() -> None:
    given = derivatives()
    assert given.hessian is not None
    C = as_float64(given.hessian).mean(0)
    w, Q = np.linalg.eigh(C)
    lam = 0.1 * np.abs(w).mean()
    expected = as_float64(given.gradient) @ (Q / (np.abs(w) + lam)) @ Q.T
    np.testing.assert_allclose(as_float64(Hessian().newton_step(given)), expected, rtol=1e-9)


def test_a_closed_form_joint_hessian_is_block_diagonal() -> None:
    given = derivatives()
    joint = Hessian(scope="joint", eigenvalues="raw").newton_step(given, 0.7)
    single = Hessian(scope="sample", eigenvalues="raw").newton_step(given, 0.7)
    torch.testing.assert_close(joint, single)


def test_the_hessian_is_computed_once_and_only_when_asked_for() -> None:
    calls: list[int] = []

    def hessian() -> torch.Tensor:
        calls.append(1)
        return torch.eye(3).expand(4, 3, 3)

    given = LossDerivatives(torch.zeros(4), torch.ones(4, 3), hessian)
    Identity().newton_step(given)
    assert not calls
    Hessian().newton_step(given)
    Hessian(scope="sample").newton_step(given)
    assert len(calls) == 1


def test_without_a_hessian_there_is_no_step() -> None:
    given = LossDerivatives(torch.zeros(4), torch.ones(4, 3))
    assert given.hessian is None
    with pytest.raises(ValueError, match="derivatives must hold Hessians, got None"):
        Hessian().newton_step(given)
    with pytest.raises(ValueError, match="derivatives must hold the joint Hessian, got None"):
        Hessian(scope="joint").newton_step(given)


@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", "clamp"])
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_a_relative_damping_does_not_know_the_scale_of_the_loss(
    eigenvalues: str, scale: float
) -> None:
    given = derivatives()
    assert given.hessian is not None
    scaled = LossDerivatives(given.value, given.gradient * scale, given.hessian * scale)
    curvature = Hessian(eigenvalues=eigenvalues)
    torch.testing.assert_close(
        curvature.newton_step(scaled, RelativeDamping(0.3)),
        curvature.newton_step(given, RelativeDamping(0.3)),
    )


def test_raw_may_go_uphill_where_absolute_does_not() -> None:
    """The default is not the paper's, and this is why."""
    given = LossDerivatives(torch.zeros(1), torch.tensor([[1.0]]), torch.tensor([[[-2.0]]]))
    raw = Hessian(eigenvalues="raw").newton_step(given, 0.1)
    absolute = Hessian().newton_step(given, 0.1)
    assert raw < 0 < absolute


def test_chunks_are_what_vmap_sees() -> None:
    """A loss of many outputs, a few columns at a time."""
    y = torch.randn(2, 6, dtype=torch.float64)
    loss = lambda y: (y.prod(-1) + y.pow(4).sum(-1)).cos()  # noqa: E731
    whole = newton_target(loss, y, curvature=Hessian())
    for size in (1, 4, 7):
        torch.testing.assert_close(
            newton_target(loss, y, curvature=Hessian(chunk_size=size)), whole
        )


@pytest.mark.parametrize("eigenvalues", ["absolute", "clamp"])
def test_a_small_damping_still_damps(eigenvalues: str) -> None:
    """λ far below the rounding of the largest eigenvalue is no reason to fall back."""
    H = torch.diag(torch.tensor([1e10, 0.0])).expand(2, 2, 2)
    given = LossDerivatives(torch.zeros(2), torch.tensor([[1e10, 1.0], [0.0, 3.0]]), H)
    step = Hessian(eigenvalues=eigenvalues).newton_step(given, 0.5)
    torch.testing.assert_close(step, torch.tensor([[1.0, 2.0], [0.0, 6.0]]))


# --- Against the dense reference --------------------------------------------------------------

scopes = st.sampled_from(["batch", "sample", "joint"])


@given(problems(kind="indefinite"), routes(), scopes, treatments, st.booleans(), reductions)
def test_hessian_against_the_dense_reference(
    problem: Problem,
    route: tuple[str, str],
    scope: str,
    eigenvalues: str,
    relative: bool,
    reduction: str,
) -> None:
    step = arriving(
        problem,
        route,
        curvature=Hessian(scope=scope, eigenvalues=eigenvalues),
        damping=RelativeDamping(0.1) if relative else 0.1,
        reduction=reduction,
    )
    expected = reference_step(
        problem.gradient,
        problem.hessian,
        scope=scope,
        eigenvalues=eigenvalues,
        damping=0.1,
        relative=relative,
    )
    assert_close(step, expected, problem.dtype)


@given(problems(kind="definite", dtype=torch.float64), dampings)
def test_absolute_is_raw_on_definite_matrices(problem: Problem, damping: float) -> None:
    expected = reference_step(problem.gradient, problem.hessian, damping=damping)
    for eigenvalues in ["raw", "absolute", "clamp"]:
        curvature = Hessian(eigenvalues=eigenvalues)
        z_star = newton_optim.newton_target(
            LOSS, problem.outputs, *problem.args, curvature=curvature, damping=damping
        )
        assert_step(z_star, problem.outputs, expected, torch.float64)


@given(seeds, st.integers(1, 4), st.integers(1, 3), treatments, st.booleans(), reductions)
def test_joint_scope_sees_coupled_samples(
    seed: int, n: int, m: int, eigenvalues: str, relative: bool, reduction: str
) -> None:
    """A quadratic over the whole batch: C is its full Hessian on the per-sample scale."""
    rng = np.random.default_rng(seed)
    size = n * m
    signs = rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.5, 2.0, size=size)
    Q = rotations(rng, 1, size)[0]
    full = (Q * signs) @ Q.T
    slope = rng.normal(size=size)
    y = torch.tensor(rng.normal(size=(n, m)))
    C, b = torch.tensor(full), torch.tensor(slope)

    def loss(y: Tensor) -> Tensor:
        v = y.flatten()
        total = 0.5 * v @ C @ v + b @ v
        return total / len(y) if reduction == "mean" else total

    g = (full @ y.flatten().cpu().numpy() + slope)[None]
    expected = damped_solve(full, g, eigenvalues=eigenvalues, damping=0.1, relative=relative)
    curvature = Hessian(scope="joint", eigenvalues=eigenvalues)
    damping: Any = RelativeDamping(0.1) if relative else 0.1
    leaf = y.clone().requires_grad_()
    for given_loss in [loss, loss(leaf)]:
        z_star = newton_optim.newton_target(
            given_loss, leaf, curvature=curvature, damping=damping, reduction=reduction
        )
        assert_step(z_star, y, expected.reshape(n, m), torch.float64)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
@pytest.mark.parametrize("form", ["vector", "callable vector"])
def test_chunks_do_not_change_the_step(chunk_size: int, form: str) -> None:
    y = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    loss, _ = given_as(form, lambda y: y.cosh().sum(dim=1), y, (), "mean")
    chunked = newton_optim.newton_target(loss, y, curvature=Hessian(chunk_size=chunk_size))
    whole = newton_optim.newton_target(loss, y, curvature=Hessian())
    assert_close(chunked, whole)


# --- Singular samples and coupled ones --------------------------------------------------------


def test_one_singular_sample_falls_back_alone() -> None:
    y = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    weights = torch.tensor([[2.0, 4.0], [0.0, 2.0]], dtype=torch.float64)
    slope = torch.tensor([[1.0, 1.0], [5.0, 6.0]], dtype=torch.float64)
    parameter = y.clone().requires_grad_()
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0),
        curvature=Hessian(scope="sample", eigenvalues="raw"),
        damping=0.0,
        reduction="sum",
    )
    optimizer.step(
        lambda: (parameter * 1, lambda y: (0.5 * weights * y.square() + slope * y).sum(dim=1))
    )
    gradient = weights * y + slope
    expected = torch.stack([gradient[0] / weights[0], gradient[1]])
    assert_close(parameter.grad, expected)
    assert optimizer.diagnostics["fallbacks"] == 1


@pytest.mark.parametrize("scope", ["batch", "sample"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_check_independence_finds_coupled_samples(scope: str, form: str) -> None:
    y = torch.randn(4, 3, requires_grad=True)

    def coupled(y: Tensor) -> Tensor:
        return (y - y.mean(dim=0)).pow(4).mean()

    curvature = Hessian(scope=scope, check_independence=True)
    loss = coupled(y) if form == "tensor" else coupled
    with pytest.raises(ValueError, match="joint"):
        newton_optim.newton_target(loss, y, curvature=curvature)
    joint = Hessian(scope="joint", check_independence=True)
    loss = coupled(y) if form == "tensor" else coupled
    assert newton_optim.newton_target(loss, y, curvature=joint).isfinite().all()


@pytest.mark.parametrize("scope", ["batch", "sample"])
@pytest.mark.parametrize("form", ["scalar", "vector", "callable"])
def test_check_independence_lets_independent_samples_pass(scope: str, form: str) -> None:
    y = torch.randn(4, 3, requires_grad=True)

    def loss(y: Tensor) -> Tensor:
        return (y @ torch.ones(3, 3)).cosh().sum(dim=1)

    losses = {"scalar": loss(y).mean(), "vector": loss(y), "callable": loss}
    checked = newton_optim.newton_target(
        losses[form], y, curvature=Hessian(scope=scope, check_independence=True)
    )
    plain = newton_optim.newton_target(loss, y, curvature=Hessian(scope=scope))
    assert_close(checked, plain, torch.float32)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_check_independence_does_not_know_the_scale_of_the_loss(scale: float) -> None:
    y = torch.randn(4, 3)
    curvature = Hessian(check_independence=True)
    independent = lambda y: scale * (y @ torch.ones(3, 3)).cosh().sum(dim=1)  # noqa: E731
    assert newton_optim.newton_target(independent, y, curvature=curvature).isfinite().all()
    coupled = lambda y: scale * (y - y.mean(dim=0)).pow(4).mean()  # noqa: E731
    with pytest.raises(ValueError, match="joint"):
        newton_optim.newton_target(coupled, y, curvature=curvature)
