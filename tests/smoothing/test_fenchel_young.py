from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from newton_optim import Hessian, newton_loss, newton_target
from newton_optim.smoothing import FenchelYoungLoss
from tests.asserts import as_float64, assert_close
from tests.settings import DEVICE
from tests.smoothing.smoothing_strategies import best, diagonal_blocks, loss, parts, worst
from tests.strategies import Array, seeds

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

NAN = float("nan")


def ranks(theta: Tensor) -> Tensor:
    """The vertex of the permutahedron: the rank of every entry; integers."""
    return theta.flatten(1).argsort(dim=1).argsort(dim=1).reshape(theta.shape)


class Case(NamedTuple):
    """A solver with its options, scores, a solution, and the noise."""

    solver: Any
    options: dict[str, Any]
    theta: Tensor
    target: Tensor
    noise: Tensor

    @property
    def loss(self) -> FenchelYoungLoss:
        return FenchelYoungLoss(self.solver, **self.options)


@st.composite
def cases(draw: st.DrawFn, *, dtype: torch.dtype = torch.float64) -> Case:
    """Up to 3 samples of up to 4 numbers, 2 to 6 noise samples."""
    rng = np.random.default_rng(draw(seeds))
    solver, maximize = draw(st.sampled_from([(best, True), (worst, False), (ranks, True)]))
    S, sigma = draw(st.integers(2, 6)), draw(st.sampled_from([0.05, 0.5, 3.0]))
    shape = (draw(st.integers(1, 3)), *draw(st.sampled_from([(1,), (3,), (2, 2)])))
    theta, other, noise = (
        torch.tensor(rng.normal(size=size), dtype=dtype, device=DEVICE)
        for size in (shape, shape, (S, *shape))
    )
    options = {"sigma": sigma, "num_samples": S, "maximize": maximize}
    return Case(solver, options, theta, solver(other), noise)


def by_hand(case: Case) -> tuple[Array, Array, Array]:
    """Value, Eq. 17 and the covariance, sample by sample."""
    sigma, S = case.options["sigma"], case.options["num_samples"]
    sign = 1.0 if case.options["maximize"] else -1.0
    results = []
    for i in range(len(case.theta)):
        theta, true = as_float64(case.theta[i]).ravel(), as_float64(case.target[i]).ravel()
        perturbed = case.theta[i] + sigma * case.noise[:, i]
        w = as_float64(case.solver(perturbed)).reshape(S, -1)
        value = np.mean([w[s] @ as_float64(perturbed[s]).ravel() for s in range(S)]) - theta @ true
        mean = w.mean(axis=0)
        J = np.zeros((theta.size, theta.size))
        for s in range(S):
            J += np.outer(w[s] - mean, as_float64(case.noise[s, i]).ravel()) / (sigma * (S - 1))
        results.append((sign * value, sign * (mean - true), sign * (J + J.T) / 2))
    value, gradient, H = (np.stack(part) for part in zip(*results, strict=True))
    return value, gradient, H


def all_derivatives(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    return parts(case.loss.derivatives(case.theta, case.target, case.noise))


@given(cases())
def test_derivatives_are_equation_17_and_the_covariance(case: Case) -> None:
    for found, expected in zip(all_derivatives(case), by_hand(case), strict=True):
        assert_close(found, expected)


@settings(max_examples=30)
@given(cases(dtype=torch.float32))
def test_derivatives_in_float32(case: Case) -> None:
    for found, expected in zip(all_derivatives(case), by_hand(case), strict=True):
        assert found.dtype == torch.float32
        assert_close(found, expected, torch.float32)


SECOND = {
    "jacfwd(jacrev)": hessian,
    "jacrev(grad)": lambda f: jacrev(grad(f)),
    "jacrev(jacfwd)": lambda f: jacrev(jacfwd(f)),
    "jacfwd(jacfwd)": lambda f: jacfwd(jacfwd(f)),
    "autograd": lambda f: partial(torch.autograd.functional.hessian, f),
}


@settings(max_examples=40)
@given(cases(), st.sampled_from(sorted(SECOND)), st.sampled_from(["mean", "sum"]))
def test_autograd_and_torch_func_give_the_same(case: Case, way: str, reduction: str) -> None:
    value, gradient, H = all_derivatives(case)
    module = FenchelYoungLoss(case.solver, **case.options, reduction=reduction)
    scale = len(case.theta) if reduction == "mean" else 1

    def total(theta: Tensor) -> Tensor:
        return module(theta, case.target, case.noise) * scale

    assert_close(total(case.theta), value.sum())
    assert_close(grad(total)(case.theta).reshape(gradient.shape), gradient)
    assert_close(jacfwd(total)(case.theta).reshape(gradient.shape), gradient)
    assert_close(diagonal_blocks(SECOND[way](total)(case.theta)), H)


@settings(max_examples=30)
@given(cases())
def test_vmap_over_samples_gives_the_same(case: Case) -> None:
    def single(theta: Tensor, target: Tensor, noise: Tensor) -> Tensor:
        return case.loss(theta[None], target[None], noise_samples=noise[:, None])

    value, gradient, H = all_derivatives(case)
    inputs, dims = (case.theta, case.target, case.noise), (0, 0, 1)
    assert_close(vmap(single, dims)(*inputs), value)
    assert_close(vmap(grad(single), dims)(*inputs).reshape(gradient.shape), gradient)
    assert_close(vmap(hessian(single), dims)(*inputs).reshape(H.shape), H)


@settings(max_examples=30)
@given(cases())
def test_every_form_of_the_loss_gives_the_same_newton_step(case: Case) -> None:
    options = {"curvature": Hessian(scope="sample"), "damping": 1.0}  # Well conditioned.
    theta = case.theta.clone().requires_grad_()
    closed = newton_target(case.loss, theta, case.target, case.noise, **options)
    tensor = case.loss(theta, case.target, case.noise)
    assert_close(newton_target(tensor, theta, **options), closed)
    through = lambda theta: case.loss(theta, case.target, case.noise)  # noqa: E731
    assert_close(newton_target(through, theta, **options), closed)


@settings(max_examples=30)
@given(cases())
def test_minimising_is_maximising_of_the_negative(case: Case) -> None:
    """`min ⟨θ, w⟩ = -max ⟨-θ, w⟩`."""
    other = Case(
        lambda theta: case.solver(-theta),
        {**case.options, "maximize": not case.options["maximize"]},
        -case.theta,
        case.target,
        -case.noise,
    )
    found, expected = all_derivatives(other), all_derivatives(case)
    assert_close(found[0], expected[0])
    assert_close(found[1], -expected[1])
    assert_close(found[2], expected[2])


def test_the_gradient_by_the_target_is_minus_theta() -> None:
    theta, noise = torch.randn(3, 2), torch.randn(4, 3, 2)
    target = torch.rand(3, 2, requires_grad=True)
    loss(reduction="sum")(theta, target, noise).backward()
    torch.testing.assert_close(target.grad, -theta)


# --- How the solver is called -----------------------------------------------------------------


def test_reductions() -> None:
    theta, target, noise = torch.randn(3, 2), torch.eye(2)[[0, 1, 0]], torch.randn(4, 3, 2)
    each, mean, total = (loss(reduction=r)(theta, target, noise) for r in ("none", "mean", "sum"))
    assert each.shape == (3,)
    torch.testing.assert_close(mean, each.mean())
    torch.testing.assert_close(total, each.sum())


def test_the_minimum_is_where_the_mean_solution_is_the_target() -> None:
    theta, noise = torch.randn(3, 2), torch.randn(4, 3, 2)
    mean = best((theta + 0.5 * noise).flatten(0, 1)).float().reshape(4, 3, 2).mean(0)
    assert not loss().derivatives(theta, mean, noise).gradient.any()


def test_one_sample_has_a_gradient_and_no_hessian() -> None:
    single = loss(num_samples=1)
    theta, target, noise = torch.randn(3, 2), torch.eye(2)[[0, 1, 0]], torch.randn(1, 3, 2)
    refused = pytest.raises(ValueError, match="num_samples must be at least 2 for the second")
    expected = best(theta + 0.5 * noise[0]).float() - target
    found = single.derivatives(theta, target, noise)
    torch.testing.assert_close(found.gradient, expected)
    torch.testing.assert_close(grad(single)(theta, target, noise) * 3, expected)
    leaf = theta.clone().requires_grad_()
    newton_loss(single, leaf, target, noise, curvature="fisher").backward()
    newton_loss(single(leaf, target, noise), leaf, curvature="fisher").backward()
    with refused:
        _ = found.hessian
    for second in SECOND.values():
        with refused:
            second(lambda theta: single(theta, target, noise))(theta)
    with refused:
        newton_loss(single, leaf, target)
    with refused:
        newton_loss(single(leaf, target), leaf)


def test_a_sample_that_is_not_finite_is_alone() -> None:
    def solver(theta: Tensor) -> Tensor:
        return torch.where(theta > 50.0, NAN, best(theta))

    theta, target, noise = torch.randn(3, 2), torch.eye(2)[[0, 1, 0]], torch.randn(4, 3, 2)
    module = loss(solver, reduction="none")
    good = parts(module.derivatives(theta, target, noise))
    noise[2, 1] = 200.0
    bad = parts(module.derivatives(theta, target, noise))
    g = grad(lambda theta: module(theta, target, noise).sum())(theta)
    for found, expected in zip((*bad, g), (*good, good[1]), strict=True):
        assert torch.equal(found[[0, 2]], expected[[0, 2]])
        assert found[1].isnan().all()
