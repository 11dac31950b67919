"""Custom curvatures: what they may ask for, what they are handed, and what is checked of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import Hessian, LossDerivatives, RelativeDamping, newton_target
from newton_optim.curvature import SupportsNewtonStep, damped_step, resolve_damping
from tests.asserts import as_float64, assert_close, assert_step, damped_solve
from tests.strategies import (
    LOSS,
    Problem,
    arriving,
    problems,
    reductions,
    routes,
    seeds,
    symmetric,
    to_array,
    treatments,
)


class HalfStep:
    """A custom curvature that names nothing but its step."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        self.seen.append((derivatives, damping))
        return 0.5 * derivatives.gradient


class Diagonal:
    """The diagonal of the mean Hessian, by hand: with :func:`resolve_damping`."""

    needs = "hessian"
    default_damping = RelativeDamping(0.3)

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        assert derivatives.hessian is not None
        c = derivatives.hessian.diagonal(dim1=1, dim2=2).mean(0).abs()
        return derivatives.gradient / (c + resolve_damping(damping, c.mean()))


class MeanHessian:
    """The library's own default, by :func:`damped_step`."""

    default_damping = RelativeDamping(0.1)

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        assert derivatives.hessian is not None
        return damped_step(derivatives.hessian.mean(0), derivatives.gradient, damping)


@given(problems(dtype=torch.float64), routes(), reductions)
def test_what_it_is_handed(problem: Problem, route: tuple[str, str], reduction: str) -> None:
    curvature = HalfStep()
    step = arriving(problem, route, curvature=curvature, damping=0.25, reduction=reduction)
    assert_close(step, 0.5 * problem.gradient)
    ((derivatives, damping),) = curvature.seen
    assert float(damping) == 0.25
    assert_close(derivatives.gradient, problem.gradient)
    assert_close(derivatives.hessian, problem.hessian)
    assert derivatives.value.shape == (len(step),)
    assert_close(derivatives.value.mean(), problem.value.mean())  # A scalar hides the samples'.


def test_without_a_default_it_is_handed_no_damping() -> None:
    curvature = HalfStep()
    newton_target(lambda y: y.square().sum(1), torch.ones(2, 3), curvature=curvature)
    assert curvature.seen[0][1] == 0.0


@given(problems(dtype=torch.float64), st.sampled_from([None, 0.5, RelativeDamping(2.0)]))
def test_dampings_of_both_kinds(problem: Problem, damping: Any) -> None:
    z_star = newton_target(
        LOSS, problem.outputs, *problem.args, curvature=Diagonal(), damping=damping
    )
    c = np.abs(np.einsum("njj->nj", problem.hessian).mean(0))
    lam = {None: 0.3 * c.mean(), 0.5: 0.5}.get(damping, 2.0 * c.mean())
    assert_step(z_star, problem.outputs, problem.gradient / (c + lam), torch.float64)


@given(problems(kind="indefinite"), st.sampled_from([None, 0.5, RelativeDamping(2.0)]))
def test_the_default_curvature_can_be_written_by_hand(problem: Problem, damping: Any) -> None:
    given_args = (LOSS, problem.outputs, *problem.args)
    custom = newton_target(*given_args, curvature=MeanHessian(), damping=damping)
    default = newton_target(*given_args, damping=damping)
    assert_close(to_array(custom), to_array(default), problem.dtype)


def test_a_subclass_of_the_librarys_may_have_a_step_of_its_own() -> None:
    class Halved(Hessian):
        def newton_step(self, derivatives: LossDerivatives, damping: Any = None) -> Tensor:
            return 0.5 * super().newton_step(derivatives, damping)

    y = torch.randn(4, 3, dtype=torch.float64)
    coupled = lambda y: (y - y.mean(0)).pow(4).mean() + y.square().mean()  # noqa: E731
    for options in ({}, {"scope": "joint"}, {"scope": "sample", "chunk_size": 2}):
        full = y - newton_target(coupled, y, curvature=Hessian(**options))
        half = y - newton_target(coupled, y, curvature=Halved(**options))
        assert_close(half, 0.5 * full)
    with pytest.raises(ValueError, match="loss couples samples"):
        newton_target(coupled, y, curvature=Halved(check_independence=True))


def test_one_that_needs_the_gradient_takes_losses_without_a_hessian() -> None:
    class Sign:
        needs = "gradient"

        def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
            assert derivatives.hessian is None
            return derivatives.gradient.sign()

    y = torch.randn(4, 3)
    assert torch.equal(newton_target(lambda y: 3 * y.sum(), y, curvature=Sign()), y - 1)
    with pytest.raises(ValueError, match="linear in the outputs"):
        newton_target(lambda y: 3 * y.sum(), y, curvature=HalfStep())


@pytest.mark.parametrize(
    ("attributes", "error", "message"),
    [
        ({"needs": "jacobian"}, ValueError, "curvature.needs must be one of 'gradient', 'hessian'"),
        ({"needs": None}, TypeError, "curvature.needs must be one of"),
        ({"default_damping": -1.0}, ValueError, "damping must be at least 0"),
        ({"default_damping": "large"}, TypeError, "damping must be a real number"),
    ],
)
def test_bad_attributes(attributes: Any, error: type[Exception], message: str) -> None:
    curvature = type("Custom", (HalfStep,), attributes)()
    with pytest.raises(error, match=message):
        newton_optim.NewtonLoss(torch.nn.MSELoss(), curvature=curvature)


def test_steps_that_are_not_finite_are_plain_and_counted() -> None:
    class Broken:
        def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
            step = derivatives.gradient.clone()
            step[1] = torch.nan
            return 2 * step

    y = torch.ones(3, 2, requires_grad=True)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD([y], lr=1.0), curvature=Broken(), reduction="sum"
    )
    optimizer.step(lambda: (y * 1, lambda y: y.square().sum(1)))
    assert y.tolist() == [[-3.0, -3.0], [-1.0, -1.0], [-3.0, -3.0]]
    assert optimizer.diagnostics["fallbacks"] == 1


def test_the_protocol_is_seen_at_run_time() -> None:
    assert isinstance(HalfStep(), SupportsNewtonStep)
    assert isinstance(Hessian(), SupportsNewtonStep)
    assert not isinstance(object(), SupportsNewtonStep)


def test_settings_show_the_custom_curvature() -> None:
    class Named(HalfStep):
        def __repr__(self) -> str:
            return "Named()"

    assert "curvature=Named()" in repr(newton_optim.NewtonLoss(LOSS, curvature=Named()))


# --- damped_step -----------------------------------------------------------------------------


@given(seeds, treatments, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.5]))
def test_damped_step_against_the_dense_reference(
    seed: int, eigenvalues: str, relative: bool, own: bool, damping: float
) -> None:
    rng = np.random.default_rng(seed)
    signs = 1.0 if damping == 0.0 else rng.choice([-1.0, 1.0], size=(4, 3))
    C = symmetric(rng, rng.uniform(0.6, 2.0, size=(4, 3)) * signs)
    g = rng.normal(size=(4, 3))
    options: Any = {"eigenvalues": eigenvalues, "damping": damping, "relative": relative}
    if own:
        expected = np.stack(
            [damped_solve(c, row[None], **options)[0] for c, row in zip(C, g, strict=True)]
        )
    else:
        expected = damped_solve(C[0], g, **options)
    step = damped_step(
        torch.tensor(C if own else C[0]),
        torch.tensor(g),
        RelativeDamping(damping) if relative else damping,
        eigenvalues=eigenvalues,
    )
    np.testing.assert_allclose(as_float64(step), expected, rtol=1e-7, atol=1e-9)


def test_a_singular_matrix_gives_the_gradient() -> None:
    g = torch.randn(4, 3)
    assert torch.equal(damped_step(torch.zeros(3, 3), g, RelativeDamping(0.1)), g)


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        (([[1.0]], torch.ones(2, 1), 1.0), {}, TypeError, "matrix must be a tensor"),
        ((torch.eye(2), 3.0, 1.0), {}, TypeError, "gradient must be a tensor"),
        ((torch.eye(2), torch.ones(4, 3), 1.0), {}, ValueError, r"got \(2, 2\) for \(4, 3\)"),
        ((torch.eye(3), torch.ones(3), 1.0), {}, ValueError, r"got \(3, 3\) for \(3,\)"),
        ((torch.ones(2, 3, 3), torch.ones(4, 3), 1.0), {}, ValueError, "matrix must have shape"),
        ((torch.eye(3), torch.ones(4, 3).double(), 1.0), {}, TypeError, "dtype of gradient"),
        ((torch.eye(3), torch.ones(4, 3), None), {}, TypeError, "damping must be"),
        ((torch.eye(3), torch.ones(4, 3), -1.0), {}, ValueError, "damping must be at least 0"),
        ((torch.eye(3), torch.ones(4, 3), 1.0), {"eigenvalues": "abs"}, ValueError, "eigenvalues"),
    ],
)
def test_bad_arguments_of_damped_step(
    args: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        damped_step(*args, **options)
