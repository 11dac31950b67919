"""PyTorch's own optimisers as bases, in all their implementations."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from newton_optim import NewtonLossOptimizer, newton_loss
from tests.integrations.training import (
    assert_same,
    closure_of,
    make_batch,
    make_loader,
    make_net,
    make_sgd,
    train_by_hand,
    wavy,
)
from tests.settings import DEVICE

Maker = Callable[[nn.Module], Optimizer]
KINDS: dict[str, Callable[..., Optimizer]] = {
    "SGD": partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "Adam": partial(torch.optim.Adam, lr=0.01),
    "AdamW": partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
}
IMPLEMENTATIONS = {
    "loop": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
EXACT = 1e-11  # of float64

kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
implementations = pytest.mark.parametrize(
    "implementation", IMPLEMENTATIONS.values(), ids=list(IMPLEMENTATIONS)
)


def two_groups(kind: Callable[..., Optimizer], net: nn.Sequential, **options: Any) -> Optimizer:
    first, last = ({"params": list(net[i].parameters())} for i in (0, 2))
    return kind([first, last | {"lr": 0.03}], **options)


def train(net: nn.Module, optimizer: Optimizer, steps: int = 3) -> None:
    """Through the optimiser where it is ours, else through the loss."""
    closure = closure_of(net)
    for _ in range(steps):
        if isinstance(optimizer, NewtonLossOptimizer):
            optimizer.step(closure)
        else:
            y, loss, target = closure()
            optimizer.zero_grad()
            newton_loss(loss, y, target).backward()
            optimizer.step()


def through_a_file(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("start", ["bare", "wrapped"])
@implementations
@kinds
def test_a_checkpoint_continues_in_the_other(kind: Any, implementation: Any, start: str) -> None:
    """Momenta, step counts and rates of two groups go from bare to wrapped and back."""
    reference, net, resumed = (make_net().double() for _ in range(3))
    make = partial(two_groups, kind, **implementation)
    train(reference, make(reference), 6)
    first: Optimizer = make(net)
    other: Optimizer = make(resumed)
    if start == "wrapped":
        first = NewtonLossOptimizer(first)
    else:
        other = NewtonLossOptimizer(other)
    train(net, first)
    resumed.load_state_dict(net.state_dict())
    other.load_state_dict(through_a_file(first.state_dict()))
    train(resumed, other)
    assert_same(resumed, reference, EXACT)


@implementations
@kinds
def test_the_closure_reaches_nobody_but_the_wrapper(kind: Any, implementation: Any) -> None:
    """Any base calls a closure that it is given: this one is called once a step, by the wrapper."""
    net = make_net()
    optimizer = NewtonLossOptimizer(two_groups(kind, net, **implementation))
    calls = 0

    def closure() -> Any:
        nonlocal calls
        calls += 1
        return closure_of(net)()

    for step in range(1, 4):
        optimizer.step(closure)
        assert calls == step


@implementations
@kinds
def test_maximize(kind: Any, implementation: Any) -> None:
    """The base goes up where it would go down, on the gradients of the bare optimiser."""
    net, bare_net = make_net().double(), make_net().double()
    options = {**implementation, "maximize": True}
    bare = two_groups(kind, bare_net, **options)
    optimizer = NewtonLossOptimizer(two_groups(kind, net, **options), curvature="identity")
    values: list[float] = []
    for _ in range(4):
        values.append(float(optimizer.step(closure_of(net))))
        y, loss, target = closure_of(bare_net)()
        bare.zero_grad()
        loss(y, target).mean().backward()
        bare.step()
    assert values == sorted(values)
    assert_same(net, bare_net, EXACT)


def test_maximize_with_curvature_reaches_the_maximum() -> None:
    """`|H|` of a concave quadratic: one step of the ascent is at its top."""
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    top = torch.randn(4, 3, dtype=torch.float64)
    base = torch.optim.SGD([parameter], lr=1.0, maximize=True)
    optimizer = NewtonLossOptimizer(base, damping=0.0, reduction="sum")
    optimizer.step(lambda: (parameter * 1, lambda y: -2.0 * (y - top).square().sum(1)))
    torch.testing.assert_close(parameter.detach(), top)


@pytest.mark.skipif(DEVICE.type != "cpu", reason="the reference loop runs on the CPU")
def test_a_hook_of_the_base_sees_the_newton_gradients() -> None:
    """Clipping in a pre-hook of the base equals clipping written out."""
    net = make_net()
    base = make_sgd(net)

    def clip(*_: Any) -> None:
        nn.utils.clip_grad_norm_(net.parameters(), 0.05)

    base.register_step_pre_hook(clip)
    optimizer = NewtonLossOptimizer(base)
    for x, target in make_loader():
        optimizer.step(lambda x=x, target=target: (net(x), wavy, target))
    assert_same(net, train_by_hand(clip=0.05))


def test_a_step_under_no_grad_equals_one_outside() -> None:
    nets = make_net(), make_net()
    closures = [closure_of(net) for net in nets]
    with torch.no_grad():
        NewtonLossOptimizer(make_sgd(nets[0])).step(closures[0])
    NewtonLossOptimizer(make_sgd(nets[1])).step(closures[1])
    assert_same(*nets, tolerance=0.0)
    assert not make_batch()[0].requires_grad
