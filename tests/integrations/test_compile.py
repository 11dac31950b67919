"""`torch.compile` and `torch.func` around a training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from newton_optim import NewtonLossOptimizer, inject_fisher, newton_loss, newton_target
from newton_optim.sorting import RankingLoss, SoftSort
from tests.integrations.training import (
    assert_same,
    make_batch,
    make_net,
    make_sgd,
    wavy,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # Dynamo's own, of its graph breaks
BACKEND = "aot_eager"  # All of the tracing, and no compiler of C++.
Loss = Callable[[Tensor, Tensor], Tensor]

ranking = RankingLoss(SoftSort(temperature=1.0))
losses = pytest.mark.parametrize("loss", [ranking, wavy], ids=["derivatives", "callable"])


@pytest.fixture(autouse=True)
def _fresh_dynamo() -> None:
    torch.compiler.reset()


def compiled(function: Any, **options: Any) -> Any:
    return torch.compile(function, **{"backend": BACKEND, "fullgraph": True, **options})


def gradient(net: nn.Module) -> Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters()])


def assert_same_gradients(call: Callable[[nn.Module], Callable[..., Tensor]], make: Any) -> None:
    """Those of `call(net)` compiled by `make`, and as it is."""
    nets = make_net(), make_net()
    for net, function in zip(nets, [make(call(nets[0])), call(nets[1])], strict=True):
        function(*make_batch()).backward()
        assert gradient(net).any()
    torch.testing.assert_close(*map(gradient, nets))


# --- torch.compile ----------------------------------------------------------------------------


@losses
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_network_and_newton_loss_are_one_graph(loss: Loss, curvature: str) -> None:
    """The loss as a callable: `fullgraph=True`, with the closed form or without."""
    assert_same_gradients(
        lambda net: lambda x, t: newton_loss(loss, net(x), t, curvature=curvature), compiled
    )


@pytest.mark.slow
def test_the_same_through_inductor() -> None:
    assert_same_gradients(
        lambda net: lambda x, t: newton_loss(ranking, net(x), t),
        lambda function: compiled(function, backend="inductor"),
    )


def test_network_and_layer_are_one_graph() -> None:
    assert_same_gradients(lambda net: lambda x, t: wavy(inject_fisher(net(x)), t).mean(), compiled)


def tensor_entry_point(net: nn.Module) -> Callable[..., Tensor]:
    def step(x: Tensor, target: Tensor) -> Tensor:
        y = net(x)
        return newton_loss(wavy(y, target), y)

    return step


def test_the_tensor_entry_point_is_not_one_graph() -> None:
    """It walks the graph of the loss, which Dynamo does not have while it traces."""
    with pytest.raises(torch._dynamo.exc.Unsupported):
        compiled(tensor_entry_point(make_net()))(*make_batch())


def test_the_tensor_entry_point_with_graph_breaks_is_refused_where_autograd_is_traced() -> None:
    """A compiled piece is one node to autograd: the loss was not computed from that `y`.

    It never trains on a wrong gradient.
    """
    step = compiled(tensor_entry_point(make_net()), fullgraph=False)
    with pytest.raises(ValueError, match="loss was not computed from outputs"):
        step(*make_batch())


def train_compiled(how: str) -> nn.Module:
    net = make_net()
    optimizer = NewtonLossOptimizer(make_sgd(net))
    x, target = make_batch()
    module = compiled(net) if how == "model" else net
    step = compiled(optimizer.step, fullgraph=False) if how == "step" else optimizer.step
    for _ in range(3):
        step(lambda: (module(x), ranking, target))
    return net


@pytest.mark.parametrize("how", ["model", "step"])
def test_the_optimiser_with_a_compiled_model_or_step(how: str) -> None:
    """The model is one graph; `step` has breaks (at `zero_grad`, which Dynamo does not trace)."""
    assert_same(train_compiled(how), train_compiled("eager"), tolerance=1e-5)


# --- torch.func -------------------------------------------------------------------------------


def test_the_target_is_a_constant_to_torch_func() -> None:
    """z* is detached: no derivative of it, forward or backward, reaches outputs or arguments."""
    y, target = make_batch()[1].split(16)
    z_star = newton_target(wavy, y, target)
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        for argument in (0, 1):
            found = jacobian(lambda y, t: newton_target(wavy, y, t), argnums=argument)(y, target)
            assert not found.any()
    value, tangent = torch.func.jvp(lambda y: newton_target(wavy, y, target), (y,), (y,))
    torch.testing.assert_close(value, z_star)
    assert not tangent.any()


def test_the_distance_to_the_target_under_grad_gives_the_step() -> None:
    """The paper's Algorithm 1 with `torch.func`: ∇ ½‖z* - y‖² = y - z*."""
    y, target = make_batch()[1].double().split(16)
    found = torch.func.grad(lambda y: 0.5 * (newton_target(wavy, y, target) - y).square().sum())(y)
    torch.testing.assert_close(found, y - newton_target(wavy, y, target))


@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_stacked_networks_under_vmap(curvature: str) -> None:
    """`functional_call` under `vmap(grad(...))`: every network has its own curvature."""
    x, target = make_batch()
    nets = [make_net(), make_net()]
    with torch.no_grad():
        nets[1][0].weight.mul_(2)

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        y = torch.func.functional_call(nets[0], parameters, (x,))
        return newton_loss(wavy, y, target, curvature=curvature)

    stacked, _ = torch.func.stack_module_state(nets)
    found = torch.vmap(torch.func.grad(loss))({k: p.detach() for k, p in stacked.items()})
    for i, net in enumerate(nets):
        newton_loss(wavy, net(x), target, curvature=curvature).backward()
        for name, parameter in net.named_parameters():
            torch.testing.assert_close(found[name][i], parameter.grad)
