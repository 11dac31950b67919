"""Identities of the method over batches and their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import Hessian, Identity, RelativeDamping
from tests.asserts import assert_close, assert_step, damped_solve, outer_products, reference_step
from tests.strategies import (
    LOSS,
    Problem,
    arriving,
    arriving_gradient,
    dtypes,
    injected_gradient,
    positive_dampings,
    problems,
    reductions,
    rotations,
    routes,
    seeds,
)
from tests.test_identities import RAW


@given(seeds, st.integers(1, 9), st.integers(1, 9), dtypes, positive_dampings)
def test_woodbury(seed: int, n: int, m: int, dtype: torch.dtype, damping: float) -> None:
    """N < m and N ≥ m alike equal the dense m×m form."""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(n, m))
    y = torch.tensor(rng.normal(size=(n, m)), dtype=dtype, requires_grad=True)
    loss = (torch.tensor(g, dtype=dtype) * y).sum(dim=1)
    z_star = newton_optim.newton_target(loss, y, curvature="fisher", damping=damping)
    assert_step(z_star, y, damped_solve(g.T @ g / n, g, damping=damping), dtype)


@given(seeds, st.integers(2, 6), st.sampled_from([1e-3, 1e-6]))
def test_woodbury_with_little_damping(seed: int, n: int, damping: float) -> None:
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(n, n + 3))
    y = torch.zeros(n, n + 3, dtype=torch.float64, requires_grad=True)
    loss = (torch.tensor(g) * y).sum(dim=1)
    z_star = newton_optim.newton_target(loss, y, curvature="fisher", damping=damping)
    # In the span of the gradients: g_i = Σ_k c_k u_k with the singular vectors u_k.
    left, values, right = np.linalg.svd(g, full_matrices=False)
    step = (left * (values / (values**2 / n + damping))) @ right
    np.testing.assert_allclose(-z_star.numpy(force=True), step, rtol=1e-5, atol=1e-7)


@given(problems(), routes(), reductions, positive_dampings)
def test_fisher_through_every_entry_point(
    problem: Problem, route: tuple[str, str], reduction: str, damping: float
) -> None:
    options = {"reduction": reduction, "damping": damping}
    step = arriving(problem, route, curvature="fisher", **options)
    fisher = outer_products(problem.gradient)
    assert_close(step, reference_step(problem.gradient, fisher, damping=damping), problem.dtype)
    injected = injected_gradient(problem.outputs, lambda y: LOSS(y, *problem.args), **options)
    scale = len(step) if reduction == "mean" else 1
    assert_close(scale * injected, step, problem.dtype)


@given(problems(structure=(4,)), positive_dampings)
def test_algorithm_2_as_printed(problem: Problem, damping: float) -> None:
    """`fisher = g.T @ g * N` with the gradients of a mean loss is Definition 2."""
    y = problem.outputs.double()
    g = problem.gradient / len(y)
    printed = np.linalg.solve(g.T @ g * len(y) + damping * np.eye(4), g.T).T
    for route in [("newton_loss", "scalar"), ("step", "callable vector")]:
        arrived = arriving_gradient(
            *route, problem.outputs, LOSS, problem.args, curvature="fisher", damping=damping
        )
        assert_close(arrived, printed, problem.dtype)
    inject = newton_optim.InjectFisher(damping=damping)
    leaf = problem.outputs.clone().requires_grad_()
    injected = inject(leaf)
    assert torch.equal(injected, leaf)
    LOSS(injected, *problem.args).mean().backward()
    assert_close(leaf.grad, printed, problem.dtype)


# --- Limits -----------------------------------------------------------------------------------


@given(
    problems(dtype=torch.float64), routes(), st.sampled_from(["hessian", "fisher", RAW]), reductions
)
def test_much_damping_is_the_gradient(
    problem: Problem, route: tuple[str, str], curvature: Any, reduction: str
) -> None:
    """For C ⪰ 0, `‖λ s - g‖ ≤ ‖C‖ ‖g‖ / λ`."""
    step = arriving(problem, route, curvature=curvature, damping=1e6, reduction=reduction)
    g = problem.gradient
    C = outer_products(g).mean(axis=0) if curvature == "fisher" else problem.hessian.mean(axis=0)
    bound = np.linalg.norm(C) * np.linalg.norm(g) / 1e6
    assert np.linalg.norm(1e6 * step - g) <= bound + 1e-6


@given(problems(kind="quadratic", max_samples=1), routes(), reductions)
def test_one_step_reaches_the_minimum_of_a_quadratic(
    problem: Problem, route: tuple[str, str], reduction: str
) -> None:
    step = arriving(problem, route, damping=0.0, reduction=reduction)
    assert_close(problem.y - step, problem.target, problem.dtype)


# --- Equivariance and scale -------------------------------------------------------------------

curvatures = st.sampled_from(["hessian", "fisher", RAW, Hessian(scope="sample"), Identity()])


@given(problems(), routes(), curvatures, reductions, st.data())
def test_permuting_and_repeating_samples(
    problem: Problem, route: tuple[str, str], curvature: Any, reduction: str, data: st.DataObject
) -> None:
    n = len(problem.y)
    order = np.array(data.draw(st.permutations(range(n))))
    options = {"curvature": curvature, "reduction": reduction}
    step = arriving(problem, route, **options)
    permuted = arriving(problem.taken(order), route, **options)
    assert_close(permuted, step[order], problem.dtype)
    twice = arriving(problem.taken(np.tile(order, 2)), route, **options)
    assert_close(twice, step[np.tile(order, 2)], problem.dtype)


@given(seeds, st.integers(1, 4), curvatures, st.booleans())
def test_turning_the_coordinates(seed: int, n: int, curvature: Any, permutation: bool) -> None:
    """`l(y Q)` at `y` has the step of `l` at `y Q`, turned back."""
    rng = np.random.default_rng(seed)
    turn = np.eye(3)[rng.permutation(3)] if permutation else rotations(rng, 1, 3)[0]
    Q = torch.tensor(turn)
    y = torch.tensor(rng.normal(size=(n, 3)), requires_grad=True)
    weights = torch.tensor(rng.normal(size=(3, 3)) / 4)  # a spread of gradients that rounding bears

    def loss(z: Tensor) -> Tensor:
        return (z @ weights).cosh().sum(dim=1)

    turned = newton_optim.newton_target(lambda y: loss(y @ Q), y, curvature=curvature)
    plain = newton_optim.newton_target(loss, y @ Q, curvature=curvature)
    assert_close(turned @ Q, plain)


@given(problems(dtype=torch.float64), routes(), st.sampled_from([0.01, 30.0]), reductions)
def test_scaling_the_loss(
    problem: Problem, route: tuple[str, str], scale: float, reduction: str
) -> None:
    scaled = Problem(
        problem.outputs,
        problem.target,
        problem.matrix * scale,
        problem.wave * scale,
        problem.dtype,
    )
    for curvature, damping, factor in [
        (RAW, 0.0, 1.0),
        ("hessian", 0.0, 1.0),
        ("hessian", None, 1.0),
        ("hessian", RelativeDamping(0.7), 1.0),
        (RAW, RelativeDamping(0.7), 1.0),
        ("fisher", RelativeDamping(0.7), 1 / scale),
        ("identity", None, scale),
    ]:
        options: dict[str, Any] = {
            "curvature": curvature,
            "damping": damping,
            "reduction": reduction,
        }
        step = arriving(problem, route, **options)
        assert_close(arriving(scaled, route, **options), factor * step)
