"""The identities of the method, as properties over every door and every form of a loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import EmpiricalFisher, Hessian, Identity, RelativeDamping
from tests.asserts import (
    assert_close,
    assert_same_structure,
    assert_step,
    damped_solve,
    outer_products,
    reference_step,
)
from tests.strategies import (
    Array,
    Problem,
    WavyLoss,
    WavyLossWithDerivatives,
    arriving_gradient,
    dtypes,
    flatten,
    given_as,
    injected_gradient,
    map_outputs,
    problems,
    reduced,
    reductions,
    rotations,
    routes,
    seeds,
    to_array,
)

LOSS = WavyLoss()
RAW = Hessian(eigenvalues="raw")
dampings = st.sampled_from([0.0, 0.5, 3.0])
positive_dampings = st.sampled_from([0.1, 1.0, 7.0])


def arriving(problem: Problem, route: tuple[str, str], **options: Any) -> Array:
    """The gradient that reaches the network, brought to the per-sample scale."""
    step = arriving_gradient(*route, problem.outputs, LOSS, problem.args, **options)
    return step * len(step) if options.get("reduction", "mean") == "mean" else step


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


@given(problems(kind="quadratic"), dtypes)
def test_mse_target_is_the_target(problem: Problem, dtype: torch.dtype) -> None:
    y = map_outputs(lambda part: part.to(dtype).requires_grad_(), problem.outputs)
    t = torch.tensor(problem.target, dtype=dtype)
    loss = 0.5 * (flatten(y) - t).square().sum(dim=1)
    z_star = newton_optim.newton_target(loss, y, damping=0.0)
    assert_same_structure(z_star, y)
    assert_close(to_array(z_star), problem.target, dtype)
    assert not flatten(z_star).requires_grad


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
def test_fisher_through_every_door(
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


# --- Dense references: scopes, eigenvalues, dampings ------------------------------------------

scopes = st.sampled_from(["batch", "sample", "joint"])
treatments = st.sampled_from(["raw", "absolute", "clamp"])


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


@given(problems(), routes(), st.sampled_from(["batch", "sample"]), st.booleans(), reductions)
def test_fisher_against_the_dense_reference(
    problem: Problem, route: tuple[str, str], scope: str, relative: bool, reduction: str
) -> None:
    step = arriving(
        problem,
        route,
        curvature=EmpiricalFisher(scope=scope),
        damping=RelativeDamping(0.5) if relative else 0.5,
        reduction=reduction,
    )
    expected = reference_step(
        problem.gradient,
        outer_products(problem.gradient),
        scope=scope,
        eigenvalues="absolute",  # positive semi-definite: the mean eigenvalue is the trace over m
        damping=0.5,
        relative=relative,
    )
    assert_close(step, expected, problem.dtype)


@given(problems(dtype=torch.float64), routes(), dampings)
def test_identity_divides_by_one_plus_damping(
    problem: Problem, route: tuple[str, str], damping: float
) -> None:
    step = arriving(problem, route, curvature=Identity(), damping=damping)
    assert_close(step, problem.gradient / (1 + damping))


@given(problems(kind="indefinite"), routes())
def test_default_dampings_and_presets(problem: Problem, route: tuple[str, str]) -> None:
    g, H, F = problem.gradient, problem.hessian, outer_products(problem.gradient)
    hessian = reference_step(g, H, eigenvalues="absolute", damping=0.1, relative=True)
    assert_close(arriving(problem, route), hessian, problem.dtype)
    assert_close(arriving(problem, route, curvature="hessian"), hessian, problem.dtype)
    assert_close(arriving(problem, route, curvature=Hessian()), hessian, problem.dtype)
    fisher = reference_step(g, F, damping=1.0)
    assert_close(arriving(problem, route, curvature="fisher"), fisher, problem.dtype)
    assert_close(arriving(problem, route, curvature=EmpiricalFisher()), fisher, problem.dtype)
    assert_close(arriving(problem, route, curvature="identity"), g, problem.dtype)
    injected = injected_gradient(problem.outputs, lambda y: LOSS(y, *problem.args))
    assert_close(len(g) * injected, fisher, problem.dtype)


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


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
@pytest.mark.parametrize("form", ["vector", "callable vector"])
def test_chunks_do_not_change_the_step(chunk_size: int, form: str) -> None:
    y = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    loss, _ = given_as(form, lambda y: y.cosh().sum(dim=1), y, (), "mean")
    chunked = newton_optim.newton_target(loss, y, curvature=Hessian(chunk_size=chunk_size))
    whole = newton_optim.newton_target(loss, y, curvature=Hessian())
    assert_close(chunked, whole)


# --- newton_loss, NewtonLoss and the forms of a loss ------------------------------------------


@given(problems(), routes(), reductions)
def test_the_value_is_the_original_loss(
    problem: Problem, route: tuple[str, str], reduction: str
) -> None:
    y = map_outputs(lambda part: part.clone().requires_grad_(), problem.outputs)
    _, form = route
    loss, args = given_as(form, LOSS, y, problem.args, reduction)
    value = newton_optim.newton_loss(loss, y, *args, reduction=reduction)
    assert value.shape == ()
    expected = problem.value.mean() if reduction == "mean" else problem.value.sum()
    assert_close(value, expected, problem.dtype)
    base = torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    loss, args = given_as(form, LOSS, y, problem.args, reduction)
    stepped = newton_optim.NewtonLossOptimizer(base, reduction=reduction).step(
        lambda: (y, loss, *args)
    )
    assert stepped.shape == ()
    assert not stepped.requires_grad
    assert_close(stepped, expected, problem.dtype)


@given(problems(structure=(3,)), st.sampled_from([0.5, 4.0, -2.0]), st.booleans())
def test_grad_output_multiplies_the_gradient(
    problem: Problem, factor: float, as_module: bool
) -> None:
    def backward(factor: float) -> Tensor:
        y = problem.outputs.clone().requires_grad_()
        if as_module:
            loss = newton_optim.NewtonLoss(LOSS)(y, *problem.args)
        else:
            loss = newton_optim.newton_loss(LOSS(y, *problem.args), y)
        (factor * loss).backward()
        assert y.grad is not None
        return y.grad

    assert_close(backward(factor), factor * backward(1.0), problem.dtype)


@pytest.mark.parametrize("form", ["scalar", "vector", "callable scalar", "callable vector"])
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_the_value_is_detached_from_what_else_the_loss_was_made_from(
    form: str, curvature: str
) -> None:
    """`l.detach()`: a weight of the loss gets no gradient, through whichever form."""
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def function(y: Tensor, weight: Tensor) -> Tensor:
        return weight * y.cosh().sum(dim=1)

    loss, args = given_as(form, function, y, (weight,), "mean")
    newton_optim.newton_loss(loss, y, *args, curvature=curvature).backward()
    assert y.grad is not None
    assert weight.grad is None


def test_a_newton_loss_adds_to_other_terms() -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    total = newton_optim.newton_loss((0.5 * (y - 1).square()).sum(dim=1), y, damping=0.0)
    (total + y.sum()).backward()
    assert_close(y.grad, (as_array(y) - 1) / 4 + 1)


def as_array(y: Tensor) -> Array:
    array: Array = y.detach().cpu().numpy()
    return array


def test_shared_arguments_are_not_split_over_the_samples() -> None:
    """A matrix (m, m) and a vector (m,) with m = N belong to the whole batch."""
    y = torch.randn(3, 3, dtype=torch.float64)
    A = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 3.0]], dtype=torch.float64)
    b = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)

    def loss(y: Tensor, A: Tensor, b: Tensor) -> Tensor:
        return 0.5 * torch.einsum("ni,ij,nj->n", y, A, y) + y @ b

    z_star = newton_optim.newton_target(loss, y, A, b, damping=0.0)
    expected = -np.linalg.solve(as_array(A), as_array(b))
    assert_close(z_star, np.tile(expected, (3, 1)))


def test_a_loss_may_use_the_batch_size() -> None:
    y = torch.randn(5, 2, dtype=torch.float64)
    z_star = newton_optim.newton_target(lambda y: y.square().sum() / len(y), y, damping=0.0)
    assert_close(z_star, np.zeros((5, 2)))


@pytest.mark.parametrize("door", ["newton_target", "newton_loss", "NewtonLoss", "step", "backward"])
def test_every_door_uses_the_derivatives_of_a_loss(door: str) -> None:
    problem_args = torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3), 0.3
    y = torch.randn(2, 3, requires_grad=True)
    loss = WavyLossWithDerivatives()
    base = torch.optim.SGD([y], lr=1.0)
    if door == "NewtonLoss":
        newton_optim.NewtonLoss(loss)(y, *problem_args)
    elif door in {"step", "backward"}:
        optimizer = newton_optim.NewtonLossOptimizer(base)
        if door == "step":
            optimizer.step(lambda: (y, loss, *problem_args))
        else:
            optimizer.backward(y, loss, *problem_args)
    else:
        getattr(newton_optim, door)(loss, y, *problem_args)
    assert loss.asked == 1


def test_a_partial_of_a_loss_keeps_its_derivatives() -> None:
    y, target = torch.randn(2, 3), torch.zeros(2, 3)
    matrix = torch.eye(3).expand(2, 3, 3)
    loss = WavyLossWithDerivatives()
    bound = partial(partial(loss, wave=0.3), matrix=matrix)
    z_star = newton_optim.newton_target(bound, y, target)
    assert loss.asked == 1
    assert torch.equal(z_star, newton_optim.newton_target(loss, y, target, matrix, 0.3))


@pytest.mark.parametrize("hessian", ["tensor", "callable", "none"])
def test_derivatives_may_leave_the_hessian_out(hessian: str) -> None:
    class Quartic:
        def __call__(self, y: Tensor) -> Tensor:
            return y.pow(4).sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            H = torch.diag_embed(12 * y.square())
            given_hessian = {"tensor": H, "callable": lambda: H, "none": None}[hessian]
            return newton_optim.LossDerivatives(self(y), 4 * y.pow(3), given_hessian)

    y = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
    z_star = newton_optim.newton_target(Quartic(), y, damping=0.0)
    C = np.diag((12 * as_array(y) ** 2).mean(axis=0))
    assert_step(z_star, y, damped_solve(C, 4 * as_array(y) ** 3, damping=0.0), torch.float64)
    z_star = newton_optim.newton_target(Quartic(), y, curvature="fisher")
    g = 4 * as_array(y) ** 3
    assert_step(z_star, y, damped_solve(g.T @ g / 2, g, damping=1.0), torch.float64)


def test_the_fisher_never_asks_for_the_hessian() -> None:
    class NoHessian:
        def __call__(self, y: Tensor) -> Tensor:
            return y.square().sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            def fail() -> Tensor:
                raise AssertionError("asked for the Hessian")

            return newton_optim.LossDerivatives(self(y), 2 * y, fail)

    for curvature in ["fisher", "identity"]:
        newton_optim.newton_target(NoHessian(), torch.randn(3, 2), curvature=curvature)


class HalfStep:
    """A user's own curvature."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def newton_step(self, derivatives: newton_optim.LossDerivatives, damping: Any) -> Tensor:
        self.seen.append((derivatives, damping))
        return 0.5 * derivatives.gradient


@given(problems(dtype=torch.float64), routes(), reductions)
def test_a_users_own_curvature(problem: Problem, route: tuple[str, str], reduction: str) -> None:
    curvature = HalfStep()
    step = arriving(problem, route, curvature=curvature, damping=0.25, reduction=reduction)
    assert_close(step, 0.5 * problem.gradient)
    ((derivatives, damping),) = curvature.seen
    assert float(damping) == 0.25
    assert_close(derivatives.gradient, problem.gradient)
    assert_close(derivatives.hessian, problem.hessian)
    assert derivatives.value.shape == (len(step),)
    assert_close(derivatives.value.mean(), problem.value.mean())  # A scalar hides the samples'.


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
    if eigenvalues != "raw" and values.max() > 0:
        ratio = optimizer.diagnostics["damping_over_largest_eigenvalue"]
        assert_close(ratio, lam / values.max())
