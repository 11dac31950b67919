"""The objectives: gradients against sums over the samples written out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.shortest_path.config import LOSSES, RELAXED, PathConfig
from benchmarks.shortest_path.losses import (
    LEAST_COST,
    draw_noise,
    l1,
    path_objective,
    solve,
    squared_l2,
)
from benchmarks.shortest_path.strength import with_loss
from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path
from tests.asserts import outer_products, reference_step
from tests.settings import DEVICE
from tests.strategies import Array, to_array

MAPS, SAMPLES, SIGMA = 3, 5, 0.1


def config(loss: str, **changes: Any) -> PathConfig:
    return replace(with_loss(PathConfig(), loss, SAMPLES), **changes)


def batch() -> tuple[Tensor, Tensor]:
    """Costs, and the paths of other costs."""
    costs, others = torch.rand(2, MAPS, 12, 12, dtype=torch.float64) + 0.5
    return costs, grid_shortest_path(others).to(costs)


def noise() -> Tensor:
    drawn = draw_noise(config("fenchel-young"), MAPS, torch.Generator("cpu").manual_seed(4))
    assert drawn is not None
    return drawn.to(DEVICE, torch.float64)


def gradient(one: PathConfig, costs: Tensor, paths: Tensor) -> Array:
    """What arrives at the costs, on the scale of a map's own loss, `(N, 144)`."""
    leaf = costs.clone().requires_grad_()
    drawn = noise() if one.samples is not None else None
    path_objective(one)(leaf, paths, drawn).backward()
    assert leaf.grad is not None
    return MAPS * to_array(leaf.grad)


def by_hand(loss: str, costs: Tensor, paths: Tensor) -> Array:
    """The estimators of Eq. 15 and 17, sample by sample."""
    total = torch.zeros_like(costs)
    if loss == "smoothed-algorithm":
        values = [solve(costs + SIGMA * one) for one in noise()]
        mean = torch.stack(values).mean(0)
        for one, value in zip(noise(), values, strict=True):
            residual = (2 * (mean - paths) * (value - solve(costs))).sum((1, 2))
            total += residual[:, None, None] * one / SIGMA
        return to_array(total / SAMPLES)
    for one in noise():
        found = solve(costs + SIGMA * one)
        if loss == "fenchel-young":
            total += paths - found
        else:
            excess = l1(found, paths) - l1(solve(costs), paths)
            total += excess[:, None, None] * one / SIGMA
    return to_array(total / SAMPLES)


@pytest.mark.parametrize("loss", ["fenchel-young", "smoothed-loss", "smoothed-algorithm"])
def test_sampled_losses_are_the_papers_estimators(loss: str) -> None:
    costs, paths = batch()
    found = gradient(config(loss), costs, paths)
    np.testing.assert_allclose(found, by_hand(loss, costs, paths), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", RELAXED)
def test_relaxed_losses_are_distances_of_the_relaxed_path(loss: str) -> None:
    costs, paths = batch()
    leaf = costs.clone().requires_grad_()
    loop, outer = loss.split("-")
    difference = RelaxedBellmanFord(steepness=10.0, loop=loop)(leaf) - paths
    (difference.abs() if outer == "l1" else difference**2).sum().backward()
    assert leaf.grad is not None
    found = gradient(config(loss), costs, paths)
    np.testing.assert_allclose(found, to_array(leaf.grad), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_fisher_is_that_of_the_maps(loss: str) -> None:
    costs, paths = batch()
    plain = gradient(config(loss), costs, paths)
    found = gradient(config(loss, curvature="fisher", damping=0.5), costs, paths)
    expected = reference_step(plain, outer_products(plain), damping=0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_the_hessian_of_fenchel_young_is_the_covariance_with_the_noise() -> None:
    costs, paths = batch()
    plain = gradient(config("fenchel-young"), costs, paths)
    solutions = torch.stack([solve(costs + SIGMA * one) for one in noise()]).flatten(2)
    excess, drawn = to_double(solutions - solutions.mean(0)), to_double(noise().flatten(2))
    # Of a minimum: the sign is the other one.
    half = -np.einsum("sni,snj->nij", excess, drawn) / (SIGMA * (SAMPLES - 1))
    hessian = (half + half.swapaxes(1, 2)) / 2
    one = config("fenchel-young", curvature="hessian", eigenvalues="absolute", damping=2.0)
    expected = reference_step(plain, hessian, eigenvalues="absolute", damping=2.0)
    np.testing.assert_allclose(gradient(one, costs, paths), expected, rtol=1e-6, atol=1e-8)


def test_gauss_newton_is_the_jacobian_of_the_relaxed_path() -> None:
    costs, paths = batch()
    algorithm = RelaxedBellmanFord(steepness=10.0)
    J = torch.stack(
        [torch.autograd.functional.jacobian(algorithm, one).reshape(144, 144) for one in costs]
    )
    plain = gradient(config("for-l2"), costs, paths)
    one = config("for-l2", curvature="gauss-newton", damping=3.0)
    expected = reference_step(plain, 2 * to_double(J.mT @ J), damping=3.0)
    np.testing.assert_allclose(gradient(one, costs, paths), expected, rtol=1e-6, atol=1e-8)


def to_double(tensor: Tensor) -> Array:
    array: Array = tensor.detach().cpu().double().numpy()
    return array


def test_costs_that_no_solver_takes_are_raised() -> None:
    costs = torch.full((2, 12, 12), 1.0)
    diagonal = torch.arange(12)
    costs[0, diagonal, diagonal] = -3.0
    costs[1, diagonal, diagonal] = torch.nan
    found = solve(costs)
    assert found.dtype == costs.dtype
    assert torch.equal(found, torch.eye(12).expand(2, -1, -1))
    # A cost below the least one counts as the least one: a detour over one more tile is no gain.
    costs[0, 4, 5] = costs[0, 5, 6] = -9.0
    costs[0, 5, 5] = LEAST_COST
    assert torch.equal(solve(costs)[0], torch.eye(12))


def test_distances_of_two_paths_count_their_differences() -> None:
    first, second = torch.zeros(2, 12, 12), torch.zeros(2, 12, 12)
    second[0, 3, 4] = second[0, 4, 4] = second[1, 0, 0] = 1.0
    assert l1(first, second).tolist() == squared_l2(first, second).tolist() == [2.0, 1.0]
    assert l1(first, second / 2).tolist() == [1.0, 0.5]
    assert squared_l2(first, second / 2).tolist() == [0.5, 0.25]


def test_only_sampled_losses_draw_noise() -> None:
    generator = torch.Generator("cpu")
    assert draw_noise(config("for-l1"), 4, generator) is None
    drawn = draw_noise(config("smoothed-loss"), 4, generator)
    assert drawn is not None
    assert drawn.shape == (SAMPLES, 4, 12, 12)
    assert abs(drawn.std().item() - 1) < 0.1
