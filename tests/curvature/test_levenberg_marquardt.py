"""The promise of Levenberg-Marquardt: never uphill, and between gradient and Newton step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    LevenbergMarquardt,
    RelativeDamping,
    SquaredLoss,
    newton_target,
)
from newton_optim.paths import RelaxedBellmanFord
from newton_optim.sorting import RankingLoss, SoftSort, SortingNetwork
from tests.asserts import assert_close
from tests.settings import DEVICE
from tests.strategies import seeds

dampings = st.sampled_from([1e-6, 1e-2, 1.0, RelativeDamping(1e-3), RelativeDamping(1.0), None])


def model(y: Tensor) -> Tensor:
    """Two decays: `y_0 e^(-y_1 t) + y_2 e^(-y_3 t)`, of which long steps explode."""
    t = torch.linspace(0.0, 2.0, 9, dtype=y.dtype, device=y.device)
    return y[:, :1] * torch.exp(-y[:, 1:2] * t) + y[:, 2:3] * torch.exp(-y[:, 3:] * t)


def per_sample(y: Tensor, x: Tensor) -> Tensor:
    return 0.5 * (model(y) - x).square().sum(-1)


def decays(seed: int, n: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(2, n, 4, generator=generator, dtype=torch.float64, device="cpu").to(DEVICE)
    return draw[0], model(draw[1].abs())


def paths_loss(costs: Tensor, truth: Tensor) -> Tensor:
    found = RelaxedBellmanFord(iterations=4)(costs.reshape(-1, 3, 3).exp())
    return (found.flatten(1) - truth).square().sum(-1)


def sorts() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores, labels = torch.randn(2, 6, 5, generator=generator, dtype=torch.float64, device="cpu")
    return scores.to(DEVICE), labels.to(DEVICE)


def ends_downhill(
    loss: Callable[..., Tensor],
    curvature: LevenbergMarquardt,
    y: Tensor,
    *args: Any,
    **options: Any,
) -> None:
    """Each sample is not above where it started, or moved along its gradient."""
    leaf = y.clone().requires_grad_()
    before = loss(leaf, *args)
    (g,) = torch.autograd.grad(before.sum(), leaf)
    s = y - newton_target(loss, y, *args, curvature=curvature, **options)
    after = loss(y - s, *args)
    cosine = torch.nn.functional.cosine_similarity(s, g, dim=-1)
    assert bool(((after <= before.detach() * (1 + 1e-12) + 1e-14) | (cosine > 1 - 1e-9)).all())


@given(
    seeds,
    dampings,
    st.sampled_from([(1.0,), (0.1, 1.0, 10.0), (1e-4, 1e4)]),
    st.sampled_from([None, 0.1, 1.0]),
    st.integers(1, 4),
    st.sampled_from(
        [
            GaussNewton(max_step=None),
            GaussNewton(max_step=None, scope="batch"),
            Hessian(),
            EmpiricalFisher(),
        ]
    ),
)
def test_a_step_never_goes_uphill(
    seed: int, damping: Any, factors: Any, max_step: float | None, steps: int, base: Any
) -> None:
    y, x = decays(seed)
    loss = ComposedLoss(model, SquaredLoss(reduction="none"))
    curvature = LevenbergMarquardt(base, factors=factors, max_step=max_step, steps=steps)
    ends_downhill(loss, curvature, y, x, damping=damping)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("base", ["hessian", "fisher", Hessian(scope="sample")], ids=str)
def test_sorts_and_paths_do_not_go_uphill(base: Any, steps: int) -> None:
    scores, labels = sorts()
    curvature = LevenbergMarquardt(base, steps=steps)
    for operator in (SoftSort(), SortingNetwork(5, steepness=2.0)):
        ends_downhill(RankingLoss(operator, reduction="none"), curvature, scores, labels)
    costs = torch.cat([scores, labels], dim=1)[:, :9]
    truth = torch.eye(3, dtype=costs.dtype, device=costs.device).flatten()
    ends_downhill(paths_loss, curvature, costs, truth)


@given(seeds, st.sampled_from([None, 0.3]))
def test_it_takes_the_best_of_the_candidates(seed: int, max_step: float | None) -> None:
    y, x = decays(seed)
    loss, factors = ComposedLoss(model, SquaredLoss()), (0.01, 1.0, 100.0)
    steps = [
        y
        - newton_target(
            loss, y, x, curvature=GaussNewton(max_step=None), damping=RelativeDamping(c)
        )
        for c in factors
    ]
    if max_step is not None:
        steps = [s * (max_step / s.norm(dim=-1, keepdim=True)).clamp(max=1.0) for s in steps]
    values = torch.stack([per_sample(y - s, x) for s in steps]).nan_to_num(torch.inf)
    curvature = LevenbergMarquardt(factors=factors, max_step=max_step)
    z_star = newton_target(loss, y, x, curvature=curvature, damping=RelativeDamping(1.0))
    lowest = values.amin(0)
    found = lowest <= per_sample(y, x)
    assert_close(per_sample(z_star, x)[found], lowest[found])


@given(seeds)
def test_its_limits_are_the_newton_step_and_the_gradient(seed: int) -> None:
    """Near the minimum, where both go downhill."""
    y, x = decays(seed)
    z = y.abs() + 0.5
    x = model(z) + 1e-3 * (x - model(z)).clamp(-1, 1)
    loss = ComposedLoss(model, SquaredLoss())
    curvature = LevenbergMarquardt(factors=(1.0,), max_step=None)
    (g,) = torch.autograd.grad(per_sample(leaf := z.clone().requires_grad_(), x).sum(), leaf)
    short = z - newton_target(loss, z, x, curvature=curvature, damping=1e6)
    torch.testing.assert_close(1e6 * short, g, rtol=1e-4, atol=1e-7)
    newton = newton_target(loss, z, x, curvature=GaussNewton(max_step=None), damping=1e-9)
    downhill = per_sample(newton, x) < per_sample(z, x)
    found = newton_target(loss, z, x, curvature=curvature, damping=1e-9)
    assert torch.equal(found[downhill], newton[downhill])


@given(seeds, st.integers(2, 4))
def test_several_steps_are_one_after_the_other(seed: int, steps: int) -> None:
    y, x = decays(seed)
    loss = ComposedLoss(model, SquaredLoss())
    curvature = LevenbergMarquardt(GaussNewton(max_step=None), steps=steps)
    z, moving = y, torch.ones(len(y), dtype=torch.bool, device=y.device)
    single = LevenbergMarquardt(GaussNewton(max_step=None))
    damping = RelativeDamping(0.5)
    for i in range(steps):
        following = newton_target(loss, z, x, curvature=single, damping=damping)
        downhill = per_sample(following, x) <= per_sample(z, x)
        if i == 0:
            z, moving = following, downhill
        else:
            moving = moving & downhill
            z = torch.where(moving[:, None], following, z)
    assert_close(newton_target(loss, y, x, curvature=curvature, damping=damping), z)


@given(seeds, st.sampled_from([0.05, 1.0]), st.integers(1, 3))
def test_no_step_is_longer_than_its_bound(seed: int, max_step: float, steps: int) -> None:
    y, x = decays(seed)
    curvature = LevenbergMarquardt(max_step=max_step, steps=steps)
    s = y - newton_target(ComposedLoss(model, SquaredLoss()), y, x, curvature=curvature)
    assert float(s.norm(dim=-1).max()) <= steps * max_step * (1 + 1e-9)


def test_a_loss_that_is_one_number_has_one_choice_for_the_batch() -> None:
    y, x = decays(0)
    curvature = LevenbergMarquardt("hessian", factors=(0.1, 1.0, 10.0), max_step=None)
    z_star = newton_target(lambda y: per_sample(y, x).mean(), y, curvature=curvature)
    candidates = [
        newton_target(per_sample, y, x, curvature="hessian", damping=RelativeDamping(c))
        for c in (0.1, 1.0, 10.0)
    ]
    best = min(candidates, key=lambda z: float(per_sample(z, x).mean()))
    assert_close(z_star, best)


def test_a_loss_that_states_its_derivatives_has_one_for_each_sample() -> None:
    """Whatever its reduction."""
    scores, labels = sorts()
    targets = [
        newton_target(
            RankingLoss(SoftSort(), reduction=reduction),
            scores,
            labels,
            curvature=LevenbergMarquardt("hessian"),
            reduction="sum" if reduction == "sum" else "mean",
        )
        for reduction in ("none", "mean", "sum")
    ]
    assert torch.equal(targets[0], targets[1])
    assert torch.equal(targets[0], targets[2])


def test_seeds_are_trained_together() -> None:
    y, x = decays(1)
    batches = torch.stack([y, 0.5 * y])
    loss, curvature = ComposedLoss(model, SquaredLoss()), LevenbergMarquardt(steps=2)
    single = lambda y: newton_target(loss, y, x, curvature=curvature)  # noqa: E731
    assert_close(torch.vmap(single)(batches), torch.stack([single(y) for y in batches]))
