"""The losses of the library that ``test_correct_losses.py`` does not cover pass the kit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import ComposedLoss, testing
from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path
from newton_optim.smoothing import FenchelYoungLoss, StochasticSmoothing
from newton_optim.sorting import RankingLoss, SortingNetwork
from newton_optim.testing import strategies
from tests.testing.losses import M, labels, mean_squared_error
from tests.testing.test_correct_losses import PROPERTIES, everywhere

# Light tails are checked on nearby outputs: far out, float32 clamps what float64 does not, and the
# Hessian is the small difference of large parts, which loses its digits.
LIGHT = [("odd_even", "logistic"), ("odd_even", "gaussian"), ("bitonic", "logistic_phi")]
HEAVY = [("bitonic", "cauchy"), ("odd_even", "reciprocal"), ("odd_even", "optimal")]
NEARBY = strategies.outputs(m=M, samples=2, scale=0.25)
COSTS = strategies.outputs(m=(2, 3), samples=2)
NOISE = torch.randn(16, 1, M, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
# The gradient of a black box is an estimate, not the difference quotient of its value.
ESTIMATED = {testing.assert_twice_differentiable, testing.assert_two_newton_steps_are_one}


def check_network(check: Any, network: str, distribution: str, y: Tensor) -> None:
    """Check a ranking loss on outputs of as many wires as the network takes."""
    n = 4 if network == "bitonic" else M
    loss = RankingLoss(SortingNetwork(n, network=network, distribution=distribution, steepness=5.0))
    check(loss, F.pad(y, (0, n - M)), F.pad(labels(0, len(y)), (0, n - M)))


@pytest.mark.parametrize(
    "check", [*PROPERTIES, testing.assert_derivatives_match], ids=lambda f: f.__name__
)
@settings(max_examples=10)
@given(y=everywhere, near=NEARBY, light=st.sampled_from(LIGHT), heavy=st.sampled_from(HEAVY))
def test_sorting_networks(check: Any, y: Tensor, near: Tensor, light: Any, heavy: Any) -> None:
    check_network(check, *light, near)
    check_network(check, *heavy, y)


def fenchel_young(y: Tensor, t: Tensor) -> Tensor:
    """Of the largest coordinate, with the same noise for every sample."""
    solver = FenchelYoungLoss(one_hot, sigma=0.5, num_samples=len(NOISE), reduction="none")
    return solver(y, one_hot(t), noise_samples=noise_for(y))


def smoothed(y: Tensor, t: Tensor) -> Tensor:
    """Whether the largest coordinate is the right one, with the same noise for every sample."""
    smoothing = StochasticSmoothing(misses, sigma=0.5, num_samples=len(NOISE))
    return smoothing(y, t, noise_samples=noise_for(y))


def misses(y: Tensor, t: Tensor) -> Tensor:
    return (y.argmax(-1) != t.argmax(-1)).to(y)


def one_hot(y: Tensor) -> Tensor:
    return F.one_hot(y.argmax(-1), M).to(y)


def noise_for(y: Tensor) -> Tensor:
    return NOISE.to(y).expand(-1, len(y), -1)


@pytest.mark.parametrize("loss", [fenchel_young, smoothed])
@pytest.mark.parametrize("check", [f for f in PROPERTIES if f not in ESTIMATED])
@settings(max_examples=5)
@given(y=everywhere)
def test_black_boxes(loss: Any, check: Any, y: Tensor) -> None:
    check(loss, y, labels(0, len(y)))


def relaxed_path(costs: Tensor) -> Tensor:
    return RelaxedBellmanFord(steepness=2.0, iterations=4)(costs.square()).flatten(1)


def true_paths(costs: Tensor, seed: int) -> Tensor:
    """The shortest paths of random grids, flat."""
    generator = torch.Generator().manual_seed(seed)
    true = torch.rand(len(costs), 2, 3, generator=generator, device="cpu")
    return grid_shortest_path(true).flatten(1).to(costs)


PATH_LOSS = ComposedLoss(relaxed_path, mean_squared_error)


@pytest.mark.parametrize("check", PROPERTIES, ids=lambda f: f.__name__)
@settings(max_examples=5)
@given(costs=COSTS, seed=st.integers(0, 1000))
def test_paths(check: Any, costs: Tensor, seed: int) -> None:
    check(PATH_LOSS, costs, true_paths(costs, seed))
