from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from newton_optim import Hessian, newton_loss, newton_target
from newton_optim.smoothing import StochasticSmoothing
from tests.asserts import assert_close
from tests.smoothing.smoothing_strategies import (
    CONTROL_VARIATES,
    NOISES,
    Case,
    cases,
    diagonal_blocks,
    estimators,
    excesses,
    parts,
    rough_box,
    sign,
    smoothed,
)

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

NAN = float("nan")
HESSIANS = {
    "jacfwd(jacrev)": hessian,
    "jacrev(grad)": lambda f: jacrev(grad(f)),
    "jacrev(jacrev)": lambda f: jacrev(jacrev(f)),
    "jacrev(jacfwd)": lambda f: jacrev(jacfwd(f)),
    "jacfwd(jacfwd)": lambda f: jacfwd(jacfwd(f)),
    "autograd": lambda f: partial(torch.autograd.functional.hessian, f),
}


def all_derivatives(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    return parts(case.smoothed.derivatives(case.y, case.t, noise_samples=case.noise))


# --- Eq. 15 and 16 ----------------------------------------------------------------------------


@given(cases())
def test_derivatives_are_the_estimators_of_the_paper(case: Case) -> None:
    for found, expected in zip(all_derivatives(case), estimators(case), strict=True):
        assert_close(found, expected)


@settings(max_examples=30)
@given(cases(dtype=torch.float32))
def test_derivatives_in_float32(case: Case) -> None:
    """In units of the function: terms of its size over σ, or σ², may cancel to nothing."""
    pairs = zip(all_derivatives(case), all_derivatives_in_64(case), strict=True)
    for order, (found, expected) in enumerate(pairs):
        assert found.dtype == torch.float32
        unit = case.options["sigma"] ** order
        assert_close(unit * found, unit * expected, torch.float32)


def all_derivatives_in_64(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    """With the values of float32, and all that is made of them in float64."""

    def narrow(x: Tensor, t: Tensor) -> Tensor:
        return rough_box(x.float(), t.float())

    wide = StochasticSmoothing(narrow, **case.options)
    y, t, noise = case.y.double(), case.t.double(), case.noise.double()
    return parts(wide.derivatives(y, t, noise_samples=noise))


@settings(max_examples=40)
@given(cases(), st.sampled_from(sorted(HESSIANS)))
def test_autograd_and_torch_func_give_the_same(case: Case, way: str) -> None:
    value, gradient, H = all_derivatives(case)

    def total(y: Tensor) -> Tensor:
        return case.smoothed(y, case.t, noise_samples=case.noise).sum()

    assert torch.equal(case.smoothed(case.y, case.t, noise_samples=case.noise), value)
    assert_close(grad(total)(case.y).reshape(gradient.shape), gradient)
    assert_close(jacfwd(total)(case.y).reshape(gradient.shape), gradient)
    assert_close(diagonal_blocks(HESSIANS[way](total)(case.y)), H)


@settings(max_examples=30)
@given(cases())
def test_vmap_over_samples_gives_the_same(case: Case) -> None:
    calls = []

    def box(x: Tensor, t: Tensor) -> Tensor:
        calls.append(len(x))
        return rough_box(x, t)

    def single(y: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        module = StochasticSmoothing(box, **case.options)
        return module(y[None], t[None], noise_samples=noise[:, None])[0]

    _, gradient, H = all_derivatives(case)
    inputs, dims = (case.y, case.t, case.noise), (0, 0, 1)
    assert_close(vmap(grad(single), dims)(*inputs).reshape(gradient.shape), gradient)
    assert_close(vmap(hessian(single), dims)(*inputs).reshape(H.shape), H)
    S = case.options["num_samples"] + (case.options["control_variate"] is True)
    assert calls == [S * len(case.y)] * 2


@settings(max_examples=20)
@given(cases(noises=("gaussian",)))
def test_third_derivatives_go_on(case: Case) -> None:
    """`(f - b) (ε_i ε_j ε_k - δ_ij ε_k - δ_ik ε_j - δ_jk ε_i) / σ³`, for a single sample."""
    y, t, noise = case.y[:1], case.t[:1], case.noise[:, :1]
    module, S = case.smoothed, case.options["num_samples"]
    found = jacrev(jacfwd(grad(lambda y: module(y, t, noise_samples=noise)[0])))(y)
    centred = torch.tensor(excesses(case, 0), dtype=y.dtype)
    e, m = noise.reshape(S, -1), y.numel()
    eye = torch.eye(m, dtype=e.dtype)
    third = torch.einsum("si,sj,sk->sijk", e, e, e)
    for pair, rest in (("ij", "k"), ("ik", "j"), ("jk", "i")):
        third -= torch.einsum(f"{pair},s{rest}->sijk", eye, e)
    expected = torch.einsum("s,sijk->ijk", centred, third) / S / case.options["sigma"] ** 3
    assert_close(found.reshape(m, m, m), expected)


@settings(max_examples=20)
@given(cases(), st.sampled_from([(2,), (2, 3)]))
def test_a_vector_valued_function_is_smoothed_entry_by_entry(
    case: Case, out: tuple[int, ...]
) -> None:
    factors = torch.arange(1.0, math.prod(out) + 1.0, dtype=torch.float64).reshape(out)

    def box(x: Tensor, t: Tensor) -> Tensor:
        return rough_box(x, t).reshape(-1, *[1] * len(out)).to(factors) * factors

    module = StochasticSmoothing(box, **case.options)
    value = module(case.y, case.t, noise_samples=case.noise)
    J = jacrev(lambda y: module(y, case.t, noise_samples=case.noise).sum(0))(case.y)
    scalar_value, scalar_gradient, _ = all_derivatives(case)
    assert_close(value, scalar_value.reshape(-1, *[1] * len(out)) * factors)
    expected = torch.einsum("a,ni->ani", factors.flatten(), scalar_gradient)
    assert_close(J.reshape(expected.shape), expected)


def test_no_sample_depends_on_another() -> None:
    module, y, noise = smoothed(), torch.randn(5, 3), torch.randn(4, 5, 3)
    together = parts(module.derivatives(y, noise_samples=noise))
    for i in range(5):
        alone = parts(module.derivatives(y[i : i + 1], noise_samples=noise[:, i : i + 1]))
        for found, expected in zip(together, alone, strict=True):
            torch.testing.assert_close(found[i], expected[0])


@pytest.mark.parametrize("noise", NOISES)
def test_sigma_is_in_units_of_y(noise: str) -> None:
    y, e = torch.randn(2, 3, dtype=torch.float64), torch.randn(4, 2, 3, dtype=torch.float64)
    one = smoothed(sigma=0.5, noise=noise).derivatives(y, noise_samples=e)
    other = smoothed(sigma=5.0, noise=noise).derivatives(10 * y, noise_samples=e)
    assert_close(other.gradient, one.gradient / 10)
    assert_close(other.hessian, one.hessian / 100)


@pytest.mark.parametrize("control_variate", CONTROL_VARIATES)
def test_permuting_coordinates_permutes_derivatives(control_variate: Any) -> None:
    y, e, p = torch.randn(2, 3), torch.randn(4, 2, 3), torch.tensor([2, 0, 1])
    module = smoothed(lambda x: x.amax(-1).floor(), control_variate=control_variate)
    value, gradient, H = parts(module.derivatives(y, noise_samples=e))
    permuted = parts(module.derivatives(y[:, p], noise_samples=e[..., p]))
    for found, expected in zip(permuted, (value, gradient[:, p], H[:, p][:, :, p]), strict=True):
        torch.testing.assert_close(found, expected)


# --- How the function is called ---------------------------------------------------------------


def test_a_sample_that_is_not_finite_is_alone() -> None:
    for control_variate in CONTROL_VARIATES:
        module = smoothed(
            lambda x: torch.where(x[:, 0] > 50.0, NAN, sign(x)), control_variate=control_variate
        )
        y, noise = torch.randn(3, 2), torch.randn(4, 3, 2)
        good = parts(module.derivatives(y, noise_samples=noise))
        noise[2, 1, 0] = 200.0
        bad = parts(module.derivatives(y, noise_samples=noise))
        g = grad(lambda y: module(y, noise_samples=noise).sum())(y)  # noqa: B023
        for found, expected in zip((*bad, g), (*good, good[1]), strict=True):
            assert torch.equal(found[[0, 2]], expected[[0, 2]])
            assert found[1].isnan().all()


# --- As a part of PyTorch and of a Newton loss ------------------------------------------------


@settings(max_examples=20)
@given(cases())
def test_every_form_of_the_loss_gives_the_same_newton_step(case: Case) -> None:
    bound = partial(case.smoothed, noise_samples=case.noise)
    y = case.y.clone().requires_grad_()
    tensor = bound(y, case.t)
    options = {"curvature": Hessian(scope="sample"), "damping": 1.0}  # Well conditioned.
    closed = newton_target(bound, y, case.t, **options)
    assert_close(newton_target(tensor, y, **options), closed)
    assert_close(newton_target(lambda y: bound(y, case.t), y, **options), closed)
    fisher = newton_target(tensor, y, curvature="fisher")
    assert_close(newton_target(bound, y, case.t, curvature="fisher"), fisher)


def test_smoothing_of_the_algorithm_under_a_loss() -> None:
    module, target = smoothed(lambda x: x > x.mean(-1, keepdim=True)), torch.rand(3, 4)
    y = torch.randn(3, 4, requires_grad=True)
    newton_loss(lambda y: (module(y) - target).square().sum(-1), y).backward()
    assert y.grad is not None
    assert y.grad.isfinite().all()
    assert y.grad.any()
    with pytest.raises(ValueError, match=r"function must return shape \(B,\) .*got shape \(B, 4\)"):
        newton_loss(module, y)
