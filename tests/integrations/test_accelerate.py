"""Accelerate: `NewtonLoss`, accumulation included, and what its optimiser does to closures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from newton_optim import NewtonLossOptimizer, newton_loss
from tests.integrations.training import (
    TRAINER,
    assert_same,
    make_batch,
    make_loader,
    make_net,
    make_sgd,
    train_by_hand,
    wavy,
)

pytestmark = TRAINER


@pytest.fixture(autouse=True)
def _fresh_state() -> Iterator[None]:
    """Accelerate keeps its settings in singletons."""
    yield
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_loss_entry_point(accumulate: int) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulate)
    net = make_net()
    net, optimizer, loader = accelerator.prepare(net, make_sgd(net), make_loader())
    for x, target in loader:
        with accelerator.accumulate(net):
            accelerator.backward(newton_loss(wavy, net(x), target))
            optimizer.step()
            optimizer.zero_grad()
    assert_same(accelerator.unwrap_model(net), train_by_hand(accumulate=accumulate))


def test_its_optimiser_hands_the_closure_on() -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    net = make_net()
    wrapped = NewtonLossOptimizer(make_sgd(net))
    net, optimizer, loader = accelerator.prepare(net, wrapped, make_loader())
    for x, target in loader:
        value = optimizer.step(lambda x=x, target=target: (net(x), wavy, target))
        assert value is None  # It keeps the loss to itself: `diagnostics` has it.
        assert wrapped.diagnostics["loss"].isfinite()
    assert_same(accelerator.unwrap_model(net), train_by_hand())


def test_under_accumulation_it_swallows_the_closure() -> None:
    """Documented: while gradients are not synchronised, its `step` calls nobody."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = make_net()
    wrapped = NewtonLossOptimizer(make_sgd(net))
    net, optimizer, loader = accelerator.prepare(net, wrapped, make_loader())
    calls = 0

    def closure() -> None:
        nonlocal calls
        calls += 1

    for _ in loader:
        with accelerator.accumulate(net):
            optimizer.step(closure)
    assert calls == len(make_loader()) // 2


def test_under_accumulation_backward_takes_the_place_of_the_closure() -> None:
    """`backward(scale=1/k)` of the wrapped optimiser; Accelerate decides when to step."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = make_net()
    wrapped = NewtonLossOptimizer(make_sgd(net))
    net, optimizer, loader = accelerator.prepare(net, wrapped, make_loader())
    for x, target in loader:
        with accelerator.accumulate(net):
            wrapped.backward(net(x), wavy, target, scale=1 / 2)
            optimizer.step()
            optimizer.zero_grad()
    assert_same(accelerator.unwrap_model(net), train_by_hand(accumulate=2))


def test_with_a_scaler_a_closure_comes_too_late() -> None:
    """Documented: the scaler looks for gradients before the closure has made any."""
    from accelerate import Accelerator
    from accelerate.optimizer import AcceleratedOptimizer

    Accelerator(cpu=True)
    net = make_net()
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(torch.ones(()))
    optimizer = AcceleratedOptimizer(NewtonLossOptimizer(make_sgd(net)), scaler=scaler)
    x, target = make_batch()
    with pytest.raises(AssertionError, match="No inf checks"):
        optimizer.step(lambda: (net(x), wavy, target))
    for got, was in zip(net.parameters(), make_net().parameters(), strict=True):
        assert torch.equal(got, was)


def test_a_saved_state_resumes_with_its_damping(tmp_path: Path) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    net = make_net()
    wrapped = NewtonLossOptimizer(make_sgd(net), damping=0.3)
    net, optimizer, loader = accelerator.prepare(net, wrapped, make_loader())
    batches = list(loader)

    def train() -> list[torch.Tensor]:
        for x, target in batches:
            optimizer.step(lambda x=x, target=target: (net(x), wavy, target))
        return [parameter.detach().clone() for parameter in net.parameters()]

    train()
    accelerator.save_state(tmp_path)
    expected = train()
    wrapped.damping = 7.0
    accelerator.load_state(tmp_path)
    assert wrapped.damping == 0.3
    for got, want in zip(train(), expected, strict=True):
        assert torch.equal(got, want)
