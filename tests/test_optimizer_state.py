"""`NewtonLossOptimizer` shares what is the base's: groups, state, checkpoints, copies."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import newton_optim
from newton_optim import NewtonLossOptimizer
from tests.asserts import assert_close, assert_same_parameters
from tests.training import MAKERS, fill_gradients, makers, network, train

# --- Live views -------------------------------------------------------------------------------


def assert_shares(optimizer: NewtonLossOptimizer, base: torch.optim.Optimizer) -> None:
    """The wrapper's state is the base's, not a copy of it."""
    assert optimizer.param_groups is base.param_groups
    assert optimizer.state is base.state
    assert optimizer.defaults is base.defaults


@makers
def test_param_groups_state_and_defaults_are_live(maker: Any) -> None:
    net = network()
    base = maker(net[0].parameters())
    optimizer = NewtonLossOptimizer(base)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert_shares(optimizer, base)
    optimizer.add_param_group({"params": list(net[2].parameters()), "lr": 0.5})
    assert_shares(optimizer, base)
    assert [len(group["params"]) for group in base.param_groups] == [2, 2]
    train(net, optimizer)
    assert_shares(optimizer, base)
    optimizer.load_state_dict(state_dict=optimizer.state_dict())
    assert_shares(optimizer, base)
    base.load_state_dict(base.state_dict())
    assert_shares(optimizer, base)
    optimizer.param_groups[0]["lr"] = 0.25
    assert base.param_groups[0]["lr"] == 0.25


def test_groups_added_to_the_base_are_seen_and_trained() -> None:
    net = network()
    base = MAKERS["SGD"](net[0].parameters())
    optimizer = NewtonLossOptimizer(base)
    base.add_param_group({"params": list(net[2].parameters())})
    assert_shares(optimizer, base)
    before = net[2].weight.detach().clone()
    train(net, optimizer)
    assert not torch.equal(before, net[2].weight)


def test_a_group_that_is_added_gets_the_damping_and_leaves_that_of_others() -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net[0].parameters()), damping=0.5)
    optimizer.param_groups[0]["damping"] = 0.25
    optimizer.add_param_group({"params": [net[2].weight]})
    optimizer.param_groups[1]["damping"] = 4.0
    optimizer.add_param_group({"params": [net[2].bias]})
    assert [group["damping"] for group in optimizer.param_groups] == [0.25, 4.0, 0.25]


def test_the_views_have_setters() -> None:
    net = network()
    base = MAKERS["SGD"](net.parameters())
    optimizer = NewtonLossOptimizer(base)
    groups, state, defaults = list(base.param_groups), copy.copy(base.state), dict(base.defaults)
    optimizer.param_groups = groups
    optimizer.state = state
    optimizer.defaults = defaults
    assert base.param_groups is groups
    assert base.state is state
    assert base.defaults is defaults
    assert_shares(optimizer, base)


def test_every_group_keeps_its_own_rate() -> None:
    weights = [torch.ones(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    groups = [{"params": [weights[0]]}, {"params": [weights[1]], "lr": 0.5}]
    optimizer = NewtonLossOptimizer(torch.optim.SGD(groups, lr=0.1), damping=0.0, reduction="sum")
    optimizer.step(lambda: (tuple(w * 1 for w in weights), square_of_both))
    assert_close(weights[0], np.full((2, 3), 0.9))
    assert_close(weights[1], np.full((2, 3), 0.5))


def square_of_both(outputs: tuple[Tensor, Tensor]) -> Tensor:
    """A loss of two outputs."""
    first, second = outputs
    return first.square().sum(dim=1) + second.square().sum(dim=1)


@pytest.mark.parametrize("options", [{}, {"set_to_none": True}, {"set_to_none": False}])
def test_zero_grad(options: dict[str, bool]) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    fill_gradients(net, 0)
    optimizer.zero_grad(**options)
    for parameter in net.parameters():
        if options.get("set_to_none", True):
            assert parameter.grad is None
        else:
            assert parameter.grad is not None
            assert not parameter.grad.any()


def test_repr_and_named_parameters() -> None:
    net = network()
    base = torch.optim.SGD(net.named_parameters(), lr=0.1)
    optimizer = NewtonLossOptimizer(base)
    assert "NewtonLossOptimizer" in repr(optimizer)
    assert optimizer.param_groups[0]["param_names"] == [name for name, _ in net.named_parameters()]
    assert optimizer.state_dict()["param_groups"][0]["param_names"]
    train(net, optimizer)


def test_unknown_attributes_are_not_forwarded() -> None:
    base = torch.optim.Adam([torch.zeros(2, requires_grad=True)], fused=True)
    assert base._step_supports_amp_scaling
    base.of_the_base_alone = 1
    optimizer = newton_optim.NewtonLossOptimizer(base)
    for name in ["_step_supports_amp_scaling", "of_the_base_alone", "nonsense"]:
        assert not hasattr(optimizer, name)


# --- Checkpoints ------------------------------------------------------------------------------


def saved_and_loaded(state: Any) -> Any:
    """Through a file, with nothing but plain data allowed."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@makers
@pytest.mark.parametrize("damping", [None, 0.3, newton_optim.RelativeDamping(0.2)])
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_training_resumes_bit_for_bit(maker: Any, damping: Any, curvature: str) -> None:
    net = network()
    options: dict[str, Any] = {"damping": damping, "curvature": curvature}
    optimizer = NewtonLossOptimizer(maker(net.parameters()), **options)
    train(net, optimizer)
    state, weights = saved_and_loaded(optimizer.state_dict()), copy.deepcopy(net.state_dict())
    train(net, optimizer)
    resumed = network(9)
    resumed.load_state_dict(weights)
    other = NewtonLossOptimizer(maker(resumed.parameters()), **options)
    other.load_state_dict(state_dict=state)
    train(resumed, other)
    assert_same_parameters(resumed, net)


@makers
@pytest.mark.parametrize("to_bare", [True, False])
def test_checkpoints_move_between_bare_and_wrapped(maker: Any, to_bare: bool) -> None:
    """The momentum of one continues in the other, with identical trajectories."""
    first, second, reference = network(), network(), network()
    bare, wrapped = maker(first.parameters()), NewtonLossOptimizer(maker(second.parameters()))
    source, target = (wrapped, bare) if to_bare else (bare, wrapped)
    source_net, target_net = (second, first) if to_bare else (first, second)
    uninterrupted = maker(reference.parameters())
    for seed in range(3):
        for net, optimizer in [(source_net, source), (reference, uninterrupted)]:
            fill_gradients(net, seed)
            optimizer.step()
    target_net.load_state_dict(source_net.state_dict())
    target.load_state_dict(saved_and_loaded(source.state_dict()))
    for seed in range(3, 6):
        for net, optimizer in [(target_net, target), (reference, uninterrupted)]:
            fill_gradients(net, seed)
            optimizer.step()
    assert_same_parameters(target_net, reference)


@pytest.mark.parametrize(
    ("damping", "number", "kind"),
    [
        (0.3, 0.3, "absolute"),
        (newton_optim.RelativeDamping(0.2), 0.2, "relative"),
        (newton_optim.RelativeDamping(0.2, shared=True), 0.2, "shared"),
        (newton_optim.RelativeDamping(0.2, max_step=0.01), 0.2, "relative"),
        (None, 0.1, "relative"),
    ],
)
def test_the_damping_of_a_checkpoint_wins(damping: Any, number: float, kind: str) -> None:
    net, other_net = network(), network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()), damping=damping)
    train(net, optimizer)
    group = optimizer.state_dict()["param_groups"][0]
    assert (group["damping"], group["damping_kind"]) == (number, kind)
    assert type(group["damping"]) is float
    other = NewtonLossOptimizer(MAKERS["SGD"](other_net.parameters()), damping=77.0)
    other_net.load_state_dict(net.state_dict())
    other.load_state_dict(saved_and_loaded(optimizer.state_dict()))
    assert other.param_groups[0]["damping"] == number
    assert other.param_groups[0]["damping_kind"] == kind
    assert other.damping == optimizer.damping
    train(net, optimizer)
    train(other_net, other)
    assert_same_parameters(other_net, net)


@pytest.mark.parametrize("damping", [-1.0, float("nan"), "large"])
@pytest.mark.parametrize("kind", ["absolute", "relative", "shared"])
def test_a_checkpoint_with_a_bad_damping_loads_nothing(damping: Any, kind: str) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()), damping=0.7)
    before = optimizer.state_dict()
    bad = copy.deepcopy(before)
    bad["param_groups"][0].update(lr=9.0, damping=damping, damping_kind=kind)
    with pytest.raises((TypeError, ValueError), match="must be"):
        optimizer.load_state_dict(bad)
    assert optimizer.state_dict() == before


def test_a_bare_checkpoint_leaves_the_damping_of_the_constructor() -> None:
    net, bare_net = network(), network()
    bare = MAKERS["SGD"](bare_net.parameters())
    fill_gradients(bare_net, 0)
    bare.step()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()), damping=0.7)
    optimizer.load_state_dict(bare.state_dict())
    train(net, optimizer, 1)
    assert optimizer.diagnostics["damping"] == pytest.approx(0.7)
    assert optimizer.param_groups[0]["damping"] == 0.7
    assert optimizer.state_dict()["param_groups"][0]["damping_kind"] == "absolute"


def test_the_damping_in_the_groups_is_live() -> None:
    """What a user or a scheduler writes there is what the next step uses."""
    parameter = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    base = torch.optim.SGD([parameter], lr=0.0)
    optimizer = NewtonLossOptimizer(base, damping=1.0, reduction="sum")
    for damping in [1.0, 3.0]:
        optimizer.param_groups[0]["damping"] = damping
        optimizer.step(lambda: (parameter * 1, lambda y: 0.5 * y.square().sum(dim=1)))
        assert_close(parameter.grad, torch.ones(2, 3) / (1 + damping))


def test_no_damping_is_the_default_of_the_curvature() -> None:
    class Own:
        def newton_step(self, derivatives: newton_optim.LossDerivatives, damping: Any) -> Tensor:
            return derivatives.gradient

    for curvature, default in [("fisher", 1.0), (Own(), 0.0)]:
        base = torch.optim.SGD([torch.ones(2, requires_grad=True)])
        optimizer = NewtonLossOptimizer(base, curvature=curvature, damping=0.5)
        optimizer.damping = None
        assert optimizer.damping == default


# --- Copies -----------------------------------------------------------------------------------


@makers
def test_a_deepcopy_is_independent_and_continues(maker: Any) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(maker(net.parameters()), damping=0.3)
    train(net, optimizer)
    net_copy, optimizer_copy = copy.deepcopy((net, optimizer))
    train(net_copy, optimizer_copy)
    assert not torch.equal(net[0].weight, net_copy[0].weight)
    train(net, optimizer)
    assert_same_parameters(net, net_copy)


@makers
def test_pickle(maker: Any) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(maker(net.parameters()), damping=0.3)
    train(net, optimizer)
    net_copy, optimizer_copy = pickle.loads(pickle.dumps((net, optimizer)))
    train(net, optimizer)
    train(net_copy, optimizer_copy)
    assert_same_parameters(net, net_copy)
