"""The Gauss-Newton matrix against NumPy, written out with the closed forms of its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    GaussNewton,
    Hessian,
    NewtonLoss,
    NewtonLossOptimizer,
    RelativeDamping,
    newton_target,
)
from tests.asserts import assert_close, reference_step
from tests.settings import DEVICE
from tests.strategies import positive_dampings, reduced, reductions, seeds


class Case:
    """`u = tanh(W y)` and the loss `Σ_k a_k (u_k - t_k)^4`, with its derivatives by hand."""

    def __init__(self, seed: int, n: int = 5, m: int = 3, k: int = 4) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.W, self.y, self.t = (
            torch.randn(*shape, generator=generator, dtype=torch.float64, device="cpu").to(DEVICE)
            for shape in ((k, m), (n, m), (n, k))
        )

    def inner(self, y: Tensor) -> Tensor:
        return torch.tanh(y @ self.W.mT)

    def outer(self, u: Tensor, t: Tensor) -> Tensor:
        return (u - t).pow(4).sum(-1)

    def gradient_and_matrices(self) -> tuple[Any, Any]:
        W, y, t = (tensor.cpu().numpy() for tensor in (self.W, self.y, self.t))
        u = np.tanh(y @ W.T)
        J = (1 - u**2)[:, :, None] * W
        gradient = np.einsum("nkm,nk->nm", J, 4 * (u - t) ** 3)
        return gradient, np.einsum("nki,nk,nkj->nij", J, 12 * (u - t) ** 2, J)


@given(
    seeds,
    st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 5)),
    reductions,
    st.sampled_from(["batch", "sample"]),
    st.sampled_from([None, 1, 2, 100]),
    positive_dampings,
    st.booleans(),
)
def test_the_step_is_that_of_the_closed_form(
    seed: int,
    sizes: tuple[int, int, int],
    reduction: str,
    scope: str,
    chunk_size: int | None,
    damping: float,
    relative: bool,
) -> None:
    case = Case(seed, *sizes)
    gradient, matrices = case.gradient_and_matrices()
    loss = ComposedLoss(case.inner, lambda u, t: reduced(case.outer(u, t), reduction))
    z_star = newton_target(
        loss,
        case.y,
        case.t,
        curvature=GaussNewton(max_step=None, scope=scope, chunk_size=chunk_size),
        damping=RelativeDamping(damping) if relative else damping,
        reduction=reduction,
    )
    step = reference_step(
        gradient,
        matrices,
        scope=scope,
        eigenvalues="absolute",
        damping=damping,
        relative=relative,
    )
    assert_close(case.y - z_star, step)


@given(seeds)
def test_with_a_linear_inner_part_it_is_the_hessian(seed: int) -> None:
    case = Case(seed)
    loss = ComposedLoss(lambda y: y @ case.W.mT, case.outer)
    targets = [
        newton_target(loss, case.y, case.t, curvature=curvature, damping=0.5)
        for curvature in (GaussNewton(max_step=None, scope="batch"), Hessian())
    ]
    assert_close(*targets)


@given(seeds)
def test_all_entry_points_that_take_a_callable_agree(seed: int) -> None:
    case = Case(seed)
    loss, curvature = ComposedLoss(case.inner, case.outer), GaussNewton(max_step=None)
    expected = (case.y - newton_target(loss, case.y, case.t, curvature=curvature)) / len(case.y)
    y = case.y.clone().requires_grad_()
    NewtonLoss(loss, curvature=curvature)(y, case.t).backward()
    assert_close(y.grad, expected)
    optimizer = NewtonLossOptimizer(torch.optim.SGD([y], lr=0.5), curvature=curvature)
    value = optimizer.step(lambda: (y, loss, case.t))
    assert_close(y, case.y - 0.5 * expected)
    assert_close(value, case.outer(case.inner(case.y), case.t).mean())


def test_structures_go_in_and_out() -> None:
    """Two outputs, and an inner part that gives a dictionary of tensors with events."""
    case = Case(0)

    def inner(outputs: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        u = case.inner(torch.cat([outputs[0][:, None], outputs[1]], dim=1))
        return {"square": u[:, :4].reshape(-1, 2, 2), "none": 0.0 * u[:, :1]}

    def outer(result: dict[str, Tensor], t: Tensor) -> Tensor:
        return case.outer(result["square"].flatten(1), t) + result["none"].sum(-1)

    z_star = newton_target(
        ComposedLoss(inner, outer),
        (case.y[:, 0], case.y[:, 1:]),
        case.t,
        curvature=GaussNewton(max_step=None),
    )
    plain = ComposedLoss(case.inner, case.outer)
    expected = newton_target(plain, case.y, case.t, curvature=GaussNewton(max_step=None))
    assert_close(torch.cat([z_star[0][:, None], z_star[1]], dim=1), expected)


def test_the_inner_part_runs_once_and_needs_no_second_derivative() -> None:
    """A backward that leaves autograd is enough, as is a random algorithm: one draw serves all."""
    case, calls = Case(1), []

    class Tanh(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Tensor) -> Tensor:
            return torch.tanh(x)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
            ctx.save_for_backward(output)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (u,) = ctx.saved_tensors
            return grad * (1 - u * u)

    def inner(y: Tensor) -> Tensor:
        calls.append(1)
        return Tanh.apply(y @ case.W.mT)

    z_star = newton_target(
        ComposedLoss(inner, case.outer),
        case.y,
        case.t,
        curvature=GaussNewton(max_step=None, scope="batch"),
        damping=0.5,
    )
    assert len(calls) == 1
    gradient, matrices = case.gradient_and_matrices()
    assert_close(case.y - z_star, reference_step(gradient, matrices, damping=0.5))


def test_samples_that_are_not_finite_are_left_out() -> None:
    case = Case(2)
    y = case.y.clone()
    y[1] = torch.nan
    loss = ComposedLoss(case.inner, case.outer)
    z_star = newton_target(
        loss, y, case.t, curvature=GaussNewton(max_step=None, scope="batch"), damping=0.5
    )
    gradient, matrices = case.gradient_and_matrices()
    gradient[1], matrices[1] = 0.0, 0.0
    kept = torch.arange(5) != 1
    step = reference_step(gradient, matrices, damping=0.5)
    assert_close((y - z_star)[kept], step[kept.numpy()])
    assert z_star[1].isnan().all()


def test_a_piecewise_linear_outer_part_gives_the_plain_gradient() -> None:
    case = Case(3)
    loss = ComposedLoss(case.inner, lambda u, t: (u - t).abs().sum(-1))
    y = case.y.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(y, case.t).sum(), y)
    assert_close(y - newton_target(loss, y, case.t, curvature=GaussNewton(max_step=None)), gradient)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"scope": "joint"}, ValueError, "scope must be one of 'batch', 'sample', got 'joint'"),
        ({"scope": 1}, TypeError, "scope must be one of"),
        ({"max_step": 0.0}, ValueError, "max_step must be above 0"),
        ({"max_step": "1"}, TypeError, "max_step must be a real number"),
        ({"chunk_size": 0}, ValueError, "chunk_size must be at least 1, got 0"),
        ({"chunk_size": 1.5}, TypeError, "chunk_size must be an integer"),
        ({"process_group": "world"}, TypeError, "process_group must be a"),
    ],
)
def test_bad_options(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GaussNewton(**options)


def test_a_loss_without_parts_is_refused() -> None:
    case = Case(4)
    y = case.y.clone().requires_grad_()
    for loss in (lambda y: y.square().sum(-1), y.square().sum(-1)):
        with pytest.raises(ValueError, match="loss must be a ComposedLoss or a ResidualLoss"):
            newton_target(loss, y, curvature=GaussNewton(max_step=None))


def test_an_outer_part_without_second_derivative_is_refused() -> None:
    case = Case(4)
    with pytest.raises(ValueError, match=r'is linear in the outputs.*curvature="fisher"'):
        newton_target(
            ComposedLoss(case.inner, lambda u: u.sum(-1)),
            case.y,
            curvature=GaussNewton(max_step=None),
        )


@given(seeds, st.sampled_from(["batch", "sample"]), st.sampled_from([0.01, 0.1, 10.0]))
def test_a_step_is_shortened_to_its_bound(seed: int, scope: str, max_step: float) -> None:
    case = Case(seed)
    loss = ComposedLoss(case.inner, case.outer)
    found, whole = (
        case.y
        - newton_target(loss, case.y, case.t, curvature=GaussNewton(scope=scope, max_step=bound))
        for bound in (max_step, None)
    )
    length = whole.norm(dim=-1, keepdim=True)
    assert_close(found, whole * (max_step / length).clamp(max=1.0))
    default = newton_target(loss, case.y, case.t, curvature=GaussNewton(scope=scope))
    assert float((case.y - default).norm(dim=-1).max()) <= 0.1 * (1 + 1e-6)
