"""`NewtonLossOptimizer`: its step, its backward, and bases that need a closure."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import newton_optim
from newton_optim import EmpiricalFisher, Hessian, Identity, NewtonLossOptimizer, RelativeDamping
from tests.asserts import assert_close, assert_same_parameters
from tests.settings import DEVICE
from tests.training import MAKERS, closure_of, fill_gradients, inputs, losses, makers, network

# --- step(closure) ----------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["scalar", "vector", "callable"])
def test_step_returns_the_original_loss_detached(reduction: str, form: str) -> None:
    net, x = network(), inputs()
    expected = getattr(losses(net(x)), reduction)()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()), reduction=reduction)

    def closure() -> tuple[Tensor, Any]:
        y = net(x)
        values = losses(y)
        return y, {"scalar": getattr(values, reduction)(), "vector": values}.get(form, losses)

    value = optimizer.step(closure)
    assert isinstance(value, Tensor)
    assert value.shape == ()
    assert not value.requires_grad
    assert_close(value, expected)


@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_nothing_keeps_the_graph_of_a_loss_with_parameters(form: str, curvature: str) -> None:
    """The loss that is returned and the diagnostics are detached from its own parameters too."""
    parameter = torch.ones(3, 2, requires_grad=True)
    weight = torch.tensor(2.0, requires_grad=True)
    base = torch.optim.SGD([parameter, weight], lr=0.1)
    optimizer = NewtonLossOptimizer(base, curvature=curvature)

    def loss(y: Tensor) -> Tensor:
        return weight * y.cosh().sum(dim=1)

    def closure() -> tuple[Tensor, Any]:
        y = parameter * 1
        return y, loss(y) if form == "tensor" else loss

    value = optimizer.step(closure)
    assert value is not None
    assert not value.requires_grad
    assert not optimizer.backward(*closure()).requires_grad
    assert not [name for name, kept in optimizer.diagnostics.items() if kept.requires_grad]


@pytest.mark.parametrize("outer", [torch.no_grad, torch.enable_grad])
def test_the_closure_is_called_once_with_gradients_enabled(outer: Any) -> None:
    net = network()
    calls = []
    closure = closure_of(net)

    def recording() -> tuple[Any, ...]:
        calls.append(torch.is_grad_enabled())
        return closure()

    before = copy.deepcopy(net)
    with outer():
        NewtonLossOptimizer(MAKERS["SGD"](net.parameters())).step(recording)
    assert calls == [True]
    assert not torch.equal(net[0].weight, before[0].weight)


def test_arguments_of_the_loss_follow_it_in_the_closure() -> None:
    parameter = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    target = torch.randn(3, 2, dtype=torch.float64)
    optimizer = NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0), damping=0.0, reduction="sum"
    )
    optimizer.step(
        lambda: (parameter * 1, lambda y, t, w: w * (y - t).square().sum(dim=1), target, 5.0)
    )
    assert_close(parameter, target)


def test_step_replaces_the_gradients_that_were_there() -> None:
    net, clean = network(), network()
    fill_gradients(net, 5)
    for model in [net, clean]:
        NewtonLossOptimizer(MAKERS["SGD"](model.parameters())).step(closure_of(model))
    assert_same_parameters(net, clean)


def test_the_closure_still_sees_the_gradients() -> None:
    """They are zeroed once the closure has returned."""
    net = network()
    fill_gradients(net, 5)
    seen = []

    def closure() -> tuple[Any, ...]:
        gradient = net[0].weight.grad
        seen.append(gradient is not None and bool(gradient.any()))
        return closure_of(net)()

    NewtonLossOptimizer(MAKERS["SGD"](net.parameters())).step(closure)
    assert seen == [True]


@pytest.mark.parametrize("give_closure", [False, True])
@makers
def test_plain_steps_use_the_gradients_that_are_there(maker: Any, give_closure: bool) -> None:
    """`step()`, and `step(closure)` with a closure that returns `None`."""
    net, bare_net = network(), network()
    optimizer, bare = NewtonLossOptimizer(maker(net.parameters())), maker(bare_net.parameters())
    for seed in range(3):
        fill_gradients(bare_net, seed)
        bare.step()
        if give_closure:
            optimizer.step(lambda seed=seed: fill_gradients(net, seed))
        else:
            fill_gradients(net, seed)
            optimizer.step()
    assert_same_parameters(net, bare_net)


def test_plain_steps_alone_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """What no refusal can see: a trainer that calls `step()` and never makes a Newton step."""
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    optimizer.step(lambda: None)  # On purpose.
    assert not caplog.records
    fill_gradients(net, 0)
    optimizer.step()
    optimizer.step()
    (record,) = caplog.records
    assert record.name == "newton_optim"
    assert record.levelname == "WARNING"
    assert "wrap the loss in NewtonLoss" in record.getMessage()


def test_plain_steps_after_a_newton_gradient_are_not_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    optimizer.backward(*closure_of(net)())
    optimizer.step()
    assert not caplog.records


@pytest.mark.skipif(DEVICE.type != "cuda", reason="only a device can be waited for")
@pytest.mark.parametrize(
    ("curvature", "damping"),
    [
        (Hessian(eigenvalues="raw"), 0.1),
        (Hessian(eigenvalues="raw"), RelativeDamping(0.1)),
        (Hessian(eigenvalues="raw", scope="sample"), 0.1),
        ("fisher", None),
        (EmpiricalFisher(scope="sample"), 1.0),
        (Identity(), 0.0),
    ],
)
def test_a_step_does_not_wait_for_the_device(curvature: Any, damping: Any) -> None:
    net = torch.nn.Linear(4, 3)
    x = torch.randn(8, 4)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD(net.parameters(), lr=0.1), curvature=curvature, damping=damping
    )

    def step() -> None:
        y = net(x)
        optimizer.step(lambda: (y, y.cosh().sum(dim=1)))

    step()
    try:
        torch.cuda.set_sync_debug_mode("error")
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


# --- Closures that return something else ------------------------------------------------------

WRONG_RESULTS: dict[str, Callable[[Tensor], Any]] = {
    "a lone tensor": lambda y: losses(y).mean(),
    "a float": lambda y: 3.0,
    "a string": lambda y: "loss",
    "nothing in a tuple": lambda y: (),
    "outputs alone in a tuple": lambda y: (y,),
    "a dict": lambda y: {"outputs": y, "loss": losses(y)},
    "a loss of None": lambda y: (y, None),
    "a float as loss": lambda y: (y, 3.0),
    "a string as loss": lambda y: (y, "mse"),
    "None as outputs": lambda y: (None, losses),
    "a loss and then outputs": lambda y: (losses, y),
    "a bool": lambda y: True,
    "a generator": lambda y: (part for part in (y, losses)),
}
