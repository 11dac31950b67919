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
from newton_optim import Hessian, Identity, RelativeDamping
from tests.asserts import assert_close, assert_step, damped_solve, outer_products, reference_step
from tests.strategies import (
    LOSS,
    Problem,
    arriving,
    arriving_gradient,
    dampings,
    dtypes,
    given_as,
    injected_gradient,
    map_outputs,
    positive_dampings,
    problems,
    reduced,
    reductions,
    rotations,
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
