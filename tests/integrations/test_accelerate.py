"""Accelerate: the loss door, accumulation included, and what its optimiser does to closures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from newton_optim import NewtonLossOptimizer, newton_loss
from tests.integrations.training import (
    RATE,
    assert_same,
    make_loader,
    make_net,
    train_by_hand,
    wavy,
)
from tests.settings import DEVICE

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Accelerate's own
    pytest.mark.skipif(DEVICE.type != "cpu", reason="the reference loop runs on the CPU"),
]


@pytest.fixture(autouse=True)
def _fresh_state() -> Iterator[None]:
    """Accelerate keeps its settings in singletons."""
    yield
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_loss_door(accumulate: int) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulate)
    net = make_net()
    net, optimizer, loader = accelerator.prepare(
        net, torch.optim.SGD(net.parameters(), lr=RATE), make_loader()
    )
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
    wrapped = NewtonLossOptimizer(torch.optim.SGD(net.parameters(), lr=RATE))
    net, optimizer, loader = accelerator.prepare(net, wrapped, make_loader())
    for x, target in loader:
        optimizer.step(lambda x=x, target=target: (net(x), wavy, target))
    assert_same(accelerator.unwrap_model(net), train_by_hand())


def test_under_accumulation_it_swallows_the_closure() -> None:
    """Documented: while gradients are not synchronised, its `step` calls nobody."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = make_net()
    wrapped = NewtonLossOptimizer(torch.optim.SGD(net.parameters(), lr=RATE))
    net, optimizer, loader = accelerator.prepare(net, wrapped, make_loader())
    calls = 0

    def closure() -> None:
        nonlocal calls
        calls += 1

    for _ in loader:
        with accelerator.accumulate(net):
            optimizer.step(closure)
    assert calls == len(make_loader()) // 2
