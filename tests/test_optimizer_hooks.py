"""Hooks fire once a step, and learning rate schedulers work."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from newton_optim import NewtonLossOptimizer
from tests.training import MAKERS, closure_of, fill_gradients, network, train

# --- Hooks ------------------------------------------------------------------------------------


def plain_step(net: torch.nn.Module, optimizer: NewtonLossOptimizer) -> None:
    """A step without a closure."""
    fill_gradients(net, 0)
    optimizer.step()


@pytest.mark.parametrize("step", [train, plain_step])
def test_instance_hooks_fire_once_a_step(step: Any) -> None:
    net = network()
    base = MAKERS["SGD"](net.parameters())
    optimizer = NewtonLossOptimizer(base)
    fired = []
    for owner, name in [(optimizer, "wrapper"), (base, "base")]:
        owner.register_step_pre_hook(lambda *_, name=name: fired.append(f"{name} pre"))
        owner.register_step_post_hook(lambda *_, name=name: fired.append(f"{name} post"))
    steps = 3 if step is train else 1
    step(net, optimizer)
    assert sorted(fired) == sorted(steps * ["wrapper pre", "base pre", "base post", "wrapper post"])
    assert fired.index("wrapper pre") < fired.index("wrapper post")


@pytest.mark.parametrize("step", [train, plain_step])
def test_global_hooks_fire_once_a_step_for_the_base(step: Any) -> None:
    net = network()
    base = MAKERS["SGD"](net.parameters())
    optimizer = NewtonLossOptimizer(base)
    fired: list[Any] = []
    handles = [
        register_optimizer_step_pre_hook(lambda optimizer, *_: fired.append(optimizer)),
        register_optimizer_step_post_hook(lambda optimizer, *_: fired.append(optimizer)),
    ]
    try:
        step(net, optimizer)
    finally:
        for handle in handles:
            handle.remove()
    assert len(fired) == (6 if step is train else 2)
    assert all(owner is base for owner in fired)


def test_hooks_survive_a_deepcopy_of_their_optimizer() -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    net_copy, optimizer_copy = copy.deepcopy((net, optimizer))
    fired = []
    optimizer_copy.register_step_post_hook(lambda *_: fired.append(1))
    train(net_copy, optimizer_copy, 2)
    assert len(fired) == 2


def test_state_dict_hooks_fire_once() -> None:
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](network().parameters()))
    fired = []
    optimizer.register_state_dict_pre_hook(lambda *_: fired.append("save pre"))
    optimizer.register_state_dict_post_hook(lambda *_: fired.append("save post"))
    optimizer.register_load_state_dict_pre_hook(lambda *_: fired.append("load pre"))
    optimizer.register_load_state_dict_post_hook(lambda *_: fired.append("load post"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert fired == ["save pre", "save post", "load pre", "load post"]


# --- Schedulers -------------------------------------------------------------------------------

SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5),
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=5),
    "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    "Cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 5),
    "Cyclic": lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, step_size_up=2),
    "Sequential": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.ConstantLR(optimizer, 0.1, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)],
        milestones=[2],
    ),
}


@pytest.mark.parametrize("on", ["wrapper", "base"])
@pytest.mark.parametrize("scheduler", SCHEDULERS.values(), ids=list(SCHEDULERS))
def test_schedulers_work_on_either(scheduler: Callable[[Any], Any], on: str) -> None:
    """The rates are those of the bare optimiser, and no scheduler warns of a missing step."""
    net, bare_net = network(), network()
    base, bare = MAKERS["SGD"](net.parameters()), MAKERS["SGD"](bare_net.parameters())
    optimizer = NewtonLossOptimizer(base)
    schedule, bare_schedule = scheduler(optimizer if on == "wrapper" else base), scheduler(bare)
    for seed in range(4):
        optimizer.step(closure_of(net, seed))
        bare.step()
        schedule.step()
        bare_schedule.step()
        for name in ["lr", "momentum"]:
            assert base.param_groups[0][name] == bare.param_groups[0][name]
            assert optimizer.param_groups[0][name] == bare.param_groups[0][name]


def test_reduce_on_plateau() -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.1)
    for _ in range(3):
        train(net, optimizer, 1)
        scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.001)


def test_a_scheduler_goes_on_after_a_checkpoint() -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    train(net, optimizer, 1)
    scheduler.step()
    optimizer.load_state_dict(optimizer.state_dict())
    train(net, optimizer, 1)
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.025)
