from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path
from tests.asserts import assert_close, assert_relatively_close
from tests.paths.algovision_oracle import relaxed_shortest_path
from tests.paths.grid_strategies import uniform
from tests.settings import DEVICE

# Forward mode compiles its own decompositions with torch.jit.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

LOOPS = ("for", "while")
T_CONORMS = ("probabilistic", "hamacher", "yager")
every_variant = pytest.mark.parametrize("t_conorm", T_CONORMS)
both_loops = pytest.mark.parametrize("loop", LOOPS)


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "steepness": draw(st.sampled_from([0.5, 3.0, 10.0, 40.0])),
        "iterations": draw(st.integers(6, 12)),
        "loop": draw(st.sampled_from(LOOPS)),
        "t_conorm": draw(st.sampled_from(T_CONORMS)),
        "hamacher_parameter": draw(st.sampled_from([0.5, 1.0, 5.0])),
    }


seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 6)


def value_and_gradient(function: Any, costs: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    costs = costs.clone().requires_grad_()
    path = function(costs)
    (gradient,) = torch.autograd.grad((weights * path).sum(), costs)
    return path.detach(), gradient


@given(options(), seeds, sides, sides)
def test_value_and_gradient_are_those_of_algovision(
    options: dict[str, Any], seed: int, H: int, W: int
) -> None:
    costs, weights = uniform(seed, 2, 3, H, W)
    ours = value_and_gradient(RelaxedBellmanFord(**options), costs, weights)
    theirs = value_and_gradient(relaxed_shortest_path(**options), costs, weights)
    for got, want in zip(ours, theirs, strict=True):
        assert_close(got, want)


@both_loops
@every_variant
def test_float32_agrees_with_algovision_at_full_size(loop: str, t_conorm: str) -> None:
    options = {"steepness": 10.0, "iterations": 18, "loop": loop, "t_conorm": t_conorm}
    costs, weights = uniform(1, 2, 4, 12, 12, dtype=torch.float32)
    ours = value_and_gradient(RelaxedBellmanFord(**options), costs, weights)
    theirs = value_and_gradient(relaxed_shortest_path(**options), costs, weights)
    for got, want in zip(ours, theirs, strict=True):
        assert_close(got, want, torch.float32)


def unique_path(seed: int, H: int, W: int) -> tuple[Tensor, Tensor]:
    """Costs whose shortest path is a random one by a wide margin, and that path.

    Every step advances along the longer side, and as many as need be along the other one too.
    """
    rng = np.random.default_rng(seed)
    path = np.zeros((H, W), dtype=bool)
    along = np.arange(max(H, W))
    across = np.zeros_like(along)
    across[1 + rng.permutation(len(along) - 1)[: min(H, W) - 1]] = 1
    cells = (along, across.cumsum()) if H >= W else (across.cumsum(), along)
    path[cells] = True
    costs = np.where(path, rng.uniform(0.5, 1.0, (H, W)), rng.uniform(20.0, 30.0, (H, W)))
    return torch.tensor(costs, device=DEVICE), torch.tensor(path, device=DEVICE)


@both_loops
@every_variant
@settings(max_examples=30)
@given(seed=seeds, H=sides, W=sides)
def test_a_steep_relaxation_finds_the_path_of_the_exact_solver(
    loop: str, t_conorm: str, seed: int, H: int, W: int
) -> None:
    costs, path = unique_path(seed, H, W)
    assert torch.equal(grid_shortest_path(costs), path)
    length = max(H, W)
    options = {"steepness": 1e3, "loop": loop, "t_conorm": t_conorm}
    found = RelaxedBellmanFord(**options, iterations=length)(costs)
    assert_close(found, path)
    # The trace goes on from the start, to the cheapest cell around it and back.
    longer = RelaxedBellmanFord(**options, iterations=length + 5)(costs)
    longer[:2, :2], path[:2, :2] = 0.0, False
    assert_close(longer, path)


@both_loops
def test_the_path_may_have_all_the_cells_that_iterations_allow(loop: str) -> None:
    """A snake: as many rounds as cells, and walls between."""
    costs = torch.ones(5, 4, dtype=torch.float64)
    costs[1, :3] = costs[3, 1:] = math.inf
    path = grid_shortest_path(costs)
    length = int(path.sum())
    assert length == 10
    costs = costs.requires_grad_()
    found = RelaxedBellmanFord(steepness=1e3, iterations=length, loop=loop)(costs)
    assert_close(found, path)
    (gradient,) = torch.autograd.grad(found.square().sum(), costs)
    assert gradient.isfinite().all()
    with pytest.raises(ValueError, match="at most iterations = 9 cells, but walls"):
        RelaxedBellmanFord(iterations=length - 1, loop=loop)(costs)


@pytest.mark.parametrize("cell", [(0, 0), (-1, -1)])
def test_a_wall_at_an_end_is_refused(cell: tuple[int, int]) -> None:
    costs = torch.ones(2, 3, 3)
    costs[1][cell] = math.inf
    with pytest.raises(ValueError, match="walls of infinite cost cut it off"):
        RelaxedBellmanFord()(costs)


@both_loops
@every_variant
def test_second_derivatives_are_those_of_finite_differences(loop: str, t_conorm: str) -> None:
    module = RelaxedBellmanFord(steepness=3.0, iterations=5, loop=loop, t_conorm=t_conorm)
    costs, weights = uniform(2, 2, 3, 4)

    def gradient(costs: Tensor) -> Tensor:
        return value_and_gradient(module, costs, weights)[1].flatten()

    loss = lambda c: (weights * module(c)).sum()  # noqa: E731
    h = 1e-5
    steps = h * torch.eye(12, dtype=torch.float64).reshape(12, 3, 4)
    differences = [(gradient(costs + s) - gradient(costs - s)) / (2 * h) for s in steps]
    for hessian in (torch.func.jacrev(torch.func.grad(loss)), torch.func.hessian(loss)):
        H = hessian(costs).reshape(12, 12)
        assert_relatively_close(H, torch.stack(differences), 1e-7)


@pytest.mark.slow
@both_loops
@every_variant
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_second_derivatives_in_float32_are_finite_and_right(
    loop: str, t_conorm: str, scale: float
) -> None:
    """The squared distance to a path, at the size of the maps."""
    module = RelaxedBellmanFord(steepness=10.0 / scale, loop=loop, t_conorm=t_conorm)
    costs = scale * uniform(3, 12, 12)
    target = torch.eye(12, dtype=torch.float64)
    direction = uniform(4, 12, 12)

    def product(dtype: torch.dtype) -> Tensor:
        """Hessian times direction, by double backward."""
        c = costs.to(dtype).requires_grad_()
        loss = (module(c) - target.to(dtype)).square().sum()
        (g,) = torch.autograd.grad(loss, c, create_graph=True)
        return torch.autograd.grad((g * direction.to(dtype)).sum(), c)[0]

    assert_relatively_close(product(torch.float32), product(torch.float64), 1e-3)


def test_costs_of_every_magnitude_give_finite_derivatives() -> None:
    rng = np.random.default_rng(0)
    costs = torch.tensor(10.0 ** rng.uniform(-30, 30, (4, 6, 6)), dtype=torch.float32)
    for loop in LOOPS:
        module = RelaxedBellmanFord(iterations=8, loop=loop)
        path, gradient = value_and_gradient(module, costs, torch.ones_like(costs))
        assert ((path >= 0) & (path <= 1 + 1e-6)).all()
        assert gradient.isfinite().all()


@both_loops
def test_a_sample_does_not_depend_on_its_batch(loop: str) -> None:
    module = RelaxedBellmanFord(iterations=8, loop=loop, steepness=3.0)
    costs = uniform(5, 2, 3, 4, 5) * torch.tensor([1.0, 10.0, 0.1]).reshape(3, 1, 1)
    path = module(costs)
    for i in range(2):
        for j in range(3):
            assert_close(module(costs[i, j]), path[i, j])
    assert_close(torch.vmap(torch.vmap(module))(costs), path)
    costs[1, 1, 2, 2], costs[0, 2, 0, 1] = math.nan, -math.inf
    flawed = module(costs)
    kept = torch.tensor([[True, True, False], [True, False, True]])
    assert_close(flawed[kept], path[kept])
    assert flawed[~kept].isnan().any(-1).any(-1).all()


@both_loops
@pytest.mark.parametrize("shape", [(0, 3, 4), (0, 3, 3, 4), (3, 0, 3, 4)])
def test_an_empty_batch_gives_an_empty_result(loop: str, shape: tuple[int, ...]) -> None:
    costs = torch.zeros(shape, requires_grad=True)
    path = RelaxedBellmanFord(iterations=5, loop=loop)(costs)
    assert (path.shape, path.dtype) == (shape, torch.float32)
    (gradient,) = torch.autograd.grad(path.sum(), costs)
    assert gradient.shape == shape


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    costs = uniform(6, 2, 5, 5, dtype=dtype)
    module = RelaxedBellmanFord()
    assert torch.equal(module(costs), module(costs.float()).to(dtype))


@both_loops
def test_transforms_agree(loop: str) -> None:
    module = RelaxedBellmanFord(iterations=4, loop=loop)
    costs, weights = uniform(7, 2, 3, 3, 4)
    loss = lambda c, w: (w * module(c)).sum()  # noqa: E731
    _, gradient = value_and_gradient(module, costs, weights)
    assert_close(torch.func.grad(loss)(costs, weights), gradient)
    assert_close(torch.vmap(torch.func.grad(loss))(costs, weights), gradient)
    jacobian = torch.func.vmap(torch.func.jacrev(module))(costs)
    assert_close(torch.einsum("nij,nijkl->nkl", weights, jacobian), gradient)
    _, change = torch.func.jvp(module, (costs,), (weights,))
    assert_close(change, torch.einsum("nijkl,nkl->nij", jacobian, weights))


@both_loops
def test_it_compiles_as_one_graph(loop: str) -> None:
    torch.compiler.reset()
    module = RelaxedBellmanFord(iterations=4, loop=loop)
    costs, weights = uniform(8, 2, 2, 3, 4)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    for got, want in zip(
        value_and_gradient(compiled, costs, weights),
        value_and_gradient(module, costs, weights),
        strict=True,
    ):
        assert_close(got, want)


def test_defaults_and_repr() -> None:
    costs = uniform(9, 2, 12, 12)
    explicit = RelaxedBellmanFord(
        steepness=10.0, iterations=18, loop="for", t_conorm="probabilistic"
    )
    assert torch.equal(RelaxedBellmanFord()(costs), explicit(costs))
    assert repr(explicit) == (
        "RelaxedBellmanFord(steepness=10.0, iterations=18, loop='for', t_conorm='probabilistic')"
    )
    hamacher = RelaxedBellmanFord(t_conorm="hamacher")
    assert repr(hamacher).endswith("t_conorm='hamacher', hamacher_parameter=5.0)")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steepness": 0.0}, ValueError, "steepness must be above 0"),
        ({"steepness": "10"}, TypeError, "steepness must be a real number"),
        ({"iterations": 0}, ValueError, "iterations must be at least 1, got 0"),
        ({"iterations": 2.0}, TypeError, "iterations must be an integer"),
        ({"loop": "until"}, ValueError, "loop must be one of 'for', 'while', got 'until'"),
        ({"t_conorm": "goedel"}, ValueError, "t_conorm must be one of 'probabilistic', 'hamacher'"),
        ({"t_conorm": None}, TypeError, "t_conorm must be one of"),
        ({"hamacher_parameter": 0}, ValueError, "hamacher_parameter must be above 0"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RelaxedBellmanFord(**options)


@pytest.mark.parametrize(
    ("costs", "error", "message"),
    [
        ([[1.0]], TypeError, "costs must be a tensor, got list"),
        (torch.ones(2, 2, dtype=torch.int64), TypeError, "costs must be a floating-point tensor"),
        (torch.ones(2, 2, dtype=torch.complex64), TypeError, "costs must be a floating-point"),
        (torch.ones(4), ValueError, r"costs must have shape \(\.\.\., H, W\)"),
        (torch.ones(3, 0, 2), ValueError, r"H and W of at least 1, got shape \(3, 0, 2\)"),
        (
            torch.ones(2, 3, 6),
            ValueError,
            r"at least max\(H, W\) = 6 for costs of shape \(2, 3, 6\)",
        ),
    ],
)
def test_bad_costs(costs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RelaxedBellmanFord(iterations=5)(costs)
