"""Learning-rate schedulers on the wrapper and on its base."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from newton_optim import NewtonLossOptimizer
from tests.integrations.training import assert_same, closure_of, make_net, make_sgd

STEPS = 6
SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "Step": lambda optimizer: lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5),
    "Cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, STEPS),
    "OneCycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=STEPS + 1),
    "Plateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, patience=1),
    "Sequential": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 3), lr_scheduler.ExponentialLR(optimizer, 0.5)],
        milestones=[3],
    ),
}


def schedule(scheduler: Any) -> None:
    """One step; a plateau wants to be told that nothing got better."""
    on_plateau = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
    scheduler.step(*[1.0] * on_plateau)


@pytest.mark.parametrize("on", ["wrapper", "base"])
@pytest.mark.parametrize("make", SCHEDULERS.values(), ids=list(SCHEDULERS))
def test_the_trajectory_is_that_of_the_bare_optimiser(make: Callable[[Any], Any], on: str) -> None:
    """Rates and momenta take effect in the steps; without curvature the steps are the bare ones."""
    net, bare_net = make_net().double(), make_net().double()
    bare, base = make_sgd(bare_net), make_sgd(net)
    optimizer = NewtonLossOptimizer(base, curvature="identity")
    bare_scheduler, scheduler = make(bare), make(optimizer if on == "wrapper" else base)
    rates = []
    for _ in range(STEPS):
        optimizer.step(closure_of(net))
        y, loss, target = closure_of(bare_net)()
        bare.zero_grad()
        loss(y, target).mean().backward()
        bare.step()
        schedule(scheduler)
        schedule(bare_scheduler)
        rates.append(optimizer.param_groups[0]["lr"])
    assert len(set(rates)) > 1
    assert rates[-1] == bare.param_groups[0]["lr"]
    assert_same(net, bare_net, 1e-11)


@pytest.mark.parametrize("on", ["wrapper", "base"])
def test_a_scheduler_resumes_with_the_optimiser(on: str) -> None:
    """State dicts of both, taken in the middle, continue as if never interrupted."""

    def make(net: torch.nn.Module) -> tuple[NewtonLossOptimizer, Any]:
        optimizer = NewtonLossOptimizer(make_sgd(net))
        return optimizer, SCHEDULERS["Cosine"](optimizer if on == "wrapper" else optimizer.base)

    def train(net: torch.nn.Module, optimizer: NewtonLossOptimizer, scheduler: Any) -> None:
        for _ in range(STEPS // 2):
            optimizer.step(closure_of(net))
            scheduler.step()

    net, resumed = make_net(), make_net()
    optimizer, scheduler = make(net)
    train(net, optimizer, scheduler)
    other, other_scheduler = make(resumed)
    resumed.load_state_dict(net.state_dict())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # or they share momenta
    other_scheduler.load_state_dict(scheduler.state_dict())
    for parts in [(net, optimizer, scheduler), (resumed, other, other_scheduler)]:
        train(*parts)
    assert_same(resumed, net, tolerance=0.0)
