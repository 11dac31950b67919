"""`NewtonLossOptimizer` is what PyTorch's own tools take for a `torch.optim.Optimizer`."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import lr_scheduler
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

import newton_optim
from newton_optim import NewtonLossOptimizer
from tests.asserts import assert_close, assert_same_parameters

MAKERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    "RMSprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01, momentum=0.5),
}
makers = pytest.mark.parametrize("maker", MAKERS.values(), ids=list(MAKERS))


def network(seed: int = 0) -> torch.nn.Sequential:
    """A network of two groups of parameters."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    ).double()


def inputs(seed: int = 1) -> Tensor:
    """A batch."""
    torch.manual_seed(seed)
    return torch.randn(6, 4, dtype=torch.float64)


def losses(y: Tensor) -> Tensor:
    """Per-sample losses, not convex."""
    return (y.square() + y.cos()).sum(dim=1)


def closure_of(net: torch.nn.Module, seed: int = 1) -> Callable[[], tuple[Any, ...]]:
    """A closure that works with either form."""
    x = inputs(seed)
    return lambda: (net(x), losses)


def train(net: torch.nn.Module, optimizer: NewtonLossOptimizer, steps: int = 3) -> None:
    """A few steps on a few batches."""
    for step in range(steps):
        optimizer.step(closure_of(net, step))


def fill_gradients(net: torch.nn.Module, seed: int) -> None:
    """Gradients that a trainer left."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        parameter.grad = torch.randn_like(parameter)


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


@pytest.mark.parametrize("result", WRONG_RESULTS.values(), ids=list(WRONG_RESULTS))
def test_a_closure_that_returns_anything_else(result: Callable[[Tensor], Any]) -> None:
    net = network()
    fill_gradients(net, 3)
    before = copy.deepcopy(net)
    gradients = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    base = MAKERS["Adam"](net.parameters())
    with pytest.raises(TypeError, match=r"closure|outputs|loss"):
        NewtonLossOptimizer(base).step(lambda: result(net(inputs())))
    assert_same_parameters(net, before)
    for got, want in zip(net.parameters(), gradients, strict=True):
        assert_close(got.grad, want)
    assert not base.state


@pytest.mark.parametrize("result", ["lone tensor", "float"])
def test_the_error_names_the_contract(result: str) -> None:
    net = network()

    def trainers_closure() -> Any:
        loss = losses(net(inputs())).mean()
        torch.autograd.backward(loss)
        return loss if result == "lone tensor" else loss.item()

    with pytest.raises(TypeError, match=r"closure.*\(outputs, loss"):
        NewtonLossOptimizer(MAKERS["SGD"](net.parameters())).step(trainers_closure)


@pytest.mark.parametrize("closure", [3, "closure", (1, 2)])
def test_a_closure_must_be_callable(closure: Any) -> None:
    with pytest.raises(TypeError, match="closure"):
        NewtonLossOptimizer(MAKERS["SGD"](network().parameters())).step(closure)


def test_a_closure_that_calls_backward_itself() -> None:
    net = network()

    def closure() -> tuple[Tensor, Tensor]:
        y = net(inputs())
        loss = losses(y).mean()
        torch.autograd.backward(loss)
        return y, loss

    with pytest.raises((TypeError, ValueError)) as refusal:
        NewtonLossOptimizer(MAKERS["SGD"](net.parameters())).step(closure)
    assert isinstance(refusal.value.__cause__, RuntimeError)


# --- backward ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_backward_accumulates_without_stepping(reduction: str, form: str) -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    before = parameter.detach().clone()
    optimizer = NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0), damping=1.0, reduction=reduction
    )
    unit = before / 2 / (4 if reduction == "mean" else 1)
    for scale, total in [(None, 1.0), (0.25, 1.25), (8.0, 9.25)]:
        y = parameter * 1
        loss: Any = lambda y: 0.5 * y.square().sum(dim=1)  # noqa: E731
        loss = loss(y) if form == "tensor" else loss
        optimizer.backward(y, loss, **({} if scale is None else {"scale": scale}))
        assert_close(parameter.grad, total * unit)
        assert torch.equal(parameter, before)
    optimizer.step()
    assert_close(parameter, before - 9.25 * unit)


def test_backward_takes_the_arguments_of_the_loss() -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    target = torch.randn(4, 3, dtype=torch.float64)
    optimizer = NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0), damping=0.0, reduction="sum"
    )
    optimizer.backward(parameter * 1, lambda y, t: (y - t).square().sum(dim=1), target, scale=2.0)
    assert_close(parameter.grad, 2 * (parameter - target))


# --- Bases that need a closure ----------------------------------------------------------------


class SpyingLBFGS(torch.optim.LBFGS):
    """L-BFGS that keeps the closures which it was given."""

    def step(self, closure: Any) -> Any:
        self.closures = [*getattr(self, "closures", []), closure]
        return super().step(closure)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_minimises_the_distance_to_a_fixed_target(
    reduction: str, form: str, line_search: str | None
) -> None:
    options: dict[str, Any] = {"lr": 0.5, "max_iter": 4, "line_search_fn": line_search}
    net, reference_net = network(), network()
    x = inputs()
    base = SpyingLBFGS(net.parameters(), **options)
    optimizer = NewtonLossOptimizer(base, damping=0.3, reduction=reduction)
    reference = torch.optim.LBFGS(reference_net.parameters(), **options)

    def loss(y: Tensor) -> Tensor:
        return (y - 1).square().sum(dim=1) + y.square().sum(dim=1)

    def closure() -> tuple[Tensor, Any]:
        y = net(x)
        return y, getattr(loss(y), reduction)() if form == "tensor" else loss

    for _ in range(2):
        y = reference_net(x).detach()
        z_star = y - (4 * y - 2) / 4.3

        def reference_closure(z_star: Tensor = z_star) -> Tensor:
            reference.zero_grad()
            distance = 0.5 * (z_star - reference_net(x)).square().sum(dim=1)
            value: Tensor = getattr(distance, reduction)()
            torch.autograd.backward(value)
            return value

        reference.step(reference_closure)
        value = optimizer.step(closure)
        assert_close(value, getattr(loss(y), reduction)())
    for got, want in zip(net.parameters(), reference_net.parameters(), strict=True):
        assert_close(got, want)
    assert closure not in base.closures
    assert all(callable(given) for given in base.closures)


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


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none: bool) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()))
    fill_gradients(net, 0)
    optimizer.zero_grad(set_to_none=set_to_none)
    for parameter in net.parameters():
        if set_to_none:
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
    train(net, optimizer)
    train(other_net, other)
    assert_same_parameters(other_net, net)


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


# --- NewtonLoss in evaluation -----------------------------------------------------------------


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_newton_loss_without_gradients_is_the_value_alone(mode: Any, curvature: str) -> None:
    net, calls = network(), []

    def counted(y: Tensor) -> Tensor:
        calls.append(torch.is_grad_enabled())
        return losses(y)

    criterion = newton_optim.NewtonLoss(counted, curvature=curvature)
    with mode():
        y = net(inputs())
        value = criterion(y)
    assert value.shape == ()
    assert not value.requires_grad
    assert calls == [False]
    assert_close(value, losses(y.clone()).mean())


def test_newton_loss_is_a_module_that_passes_keywords_on() -> None:
    criterion = newton_optim.NewtonLoss(lambda y, *, target: (y - target).square().sum(dim=1))
    assert isinstance(criterion, torch.nn.Module)
    y, target = torch.randn(3, 2, requires_grad=True), torch.randn(3, 2)
    value = criterion(y, target=target)
    value.backward()
    assert_close(value, (y - target).square().sum(dim=1).mean(), torch.float32)
    assert isinstance(newton_optim.InjectFisher(), torch.nn.Module)


# --- Diagnostics ------------------------------------------------------------------------------

KEYS = {
    "loss",
    "damping",
    "gradient_norm",
    "step_norm",
    "nonfinite_samples",
    "fallbacks",
    "total_nonfinite_samples",
    "total_fallbacks",
}
EIGENVALUES = {"eigenvalue_min", "eigenvalue_max", "damping_over_largest_eigenvalue"}


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("door", ["step", "backward"])
def test_diagnostics_are_tensors(curvature: str, door: str) -> None:
    net = network()
    optimizer = NewtonLossOptimizer(MAKERS["SGD"](net.parameters()), curvature=curvature)
    expected = losses(net(inputs())).mean()
    if door == "step":
        optimizer.step(closure_of(net))
    else:
        optimizer.backward(*closure_of(net)())
    diagnostics = optimizer.diagnostics
    assert set(diagnostics) >= KEYS | (EIGENVALUES if curvature == "hessian" else set())
    for value in diagnostics.values():
        assert isinstance(value, Tensor)
        assert value.shape == ()
        assert not value.requires_grad
        assert value.isfinite()
    assert_close(diagnostics["loss"], expected)
    assert diagnostics["gradient_norm"] > 0
    assert diagnostics["step_norm"] > 0
