"""`torch.autocast` and `torch.amp.GradScaler`: the scale belongs on the Newton loss."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from newton_optim import NewtonLossOptimizer, inject_fisher, newton_loss
from tests.integrations.training import assert_same, make_batch, make_net, wavy
from tests.settings import DEVICE

BASES: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "Adam": partial(torch.optim.Adam, lr=0.01),
    "fused Adam": partial(torch.optim.Adam, lr=0.01, fused=True),
}
LAMBDA = 0.5
ROUNDING = {None: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}

bases = pytest.mark.parametrize("base", BASES.values(), ids=list(BASES))
dtypes = pytest.mark.parametrize("dtype", ROUNDING, ids=str)
entry_points = pytest.mark.parametrize("entry_point", ["loss", "optimiser", "layer"])


def make_scaler(scale: float | None) -> GradScaler:
    """Without a scale, one that does nothing."""
    return GradScaler(DEVICE.type, init_scale=scale or 1.0, enabled=scale is not None)


def make_optimizer(net: nn.Module, base: Any = BASES["SGD"]) -> NewtonLossOptimizer:
    return NewtonLossOptimizer(base(net.parameters()), curvature="fisher", damping=LAMBDA)


def outputs_of(net: nn.Module, dtype: torch.dtype | None) -> tuple[Tensor, Tensor]:
    x, target = make_batch()
    with torch.autocast(DEVICE.type, dtype=dtype, enabled=dtype is not None):
        return net(x), target


def backward(
    entry_point: str,
    net: nn.Module,
    optimizer: NewtonLossOptimizer,
    scaler: GradScaler,
    dtype: torch.dtype | None,
) -> None:
    """Gradients of the same Newton loss, multiplied by the scale, by each entry point."""
    y, target = outputs_of(net, dtype)
    if entry_point == "loss":
        loss = newton_loss(wavy, y, target, curvature="fisher", damping=LAMBDA)
        scaler.scale(loss).backward()
    elif entry_point == "optimiser":
        optimizer.backward(y, wavy, target, scale=scaler.scale(torch.ones(())))
    else:
        z = inject_fisher(y, LAMBDA, grad_scale=scaler.get_scale)
        scaler.scale(wavy(z, target).mean()).backward()


def gradients(entry_point: str, dtype: torch.dtype | None, scale: float | None) -> list[Tensor]:
    """Unscaled by the scaler, ready for clipping."""
    net = make_net()
    optimizer, scaler = make_optimizer(net), make_scaler(scale)
    backward(entry_point, net, optimizer, scaler, dtype)
    scaler.unscale_(optimizer)
    return [parameter.grad for parameter in net.parameters()]


def assert_all_close(actual: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for got, want in zip(actual, expected, strict=True):
        assert got.dtype == want.dtype == torch.float32
        assert (got - want).norm() <= tolerance * want.norm()


@dtypes
@entry_points
def test_half_precision_outputs_train_a_float32_network(entry_point: str, dtype: Any) -> None:
    """What reaches the parameters is the full precision gradient, to the rounding of the dtype."""
    exact = gradients("loss", None, None)
    assert_all_close(gradients(entry_point, dtype, None), exact, 2 * ROUNDING[dtype])


@dtypes
@entry_points
def test_unscaled_gradients_equal_those_of_an_unscaled_run(entry_point: str, dtype: Any) -> None:
    scaled = gradients(entry_point, dtype, 1000.0)
    assert_all_close(scaled, gradients(entry_point, dtype, None), ROUNDING[dtype])


def snapshot(net: nn.Module, optimizer: NewtonLossOptimizer) -> tuple[Any, Any]:
    """Parameters, momenta and step counts; rates and λ."""
    state = optimizer.state_dict()
    return copy.deepcopy(([net.state_dict(), state["state"]], state["param_groups"]))


@bases
@entry_points
def test_an_overflow_skips_the_step_and_touches_nothing(entry_point: str, base: Any) -> None:
    net = make_net()
    optimizer, scaler = make_optimizer(net, base), make_scaler(1.0)

    def step() -> None:
        optimizer.zero_grad()
        backward(entry_point, net, optimizer, scaler, torch.float16)
        scaler.step(optimizer)

    step()  # There are momenta now.
    scaler.update(2.0**24)
    tensors, groups = snapshot(net, optimizer)
    assert (groups[0]["damping"], groups[0]["damping_kind"]) == (LAMBDA, "absolute")
    step()
    tensors_after, groups_after = snapshot(net, optimizer)
    torch.testing.assert_close(tensors_after, tensors, rtol=0, atol=0)
    assert groups_after == groups
    scaler.update()
    assert scaler.get_scale() == 2.0**23
    for _ in range(20):  # Halved until it fits, the scale trains.
        step()
        scaler.update()
    assert all(
        parameter.ne(tensors[0][name]).any() and parameter.isfinite().all()
        for name, parameter in net.named_parameters()
    )


@pytest.mark.parametrize("handed", ["wrapper", "base"])
@bases
def test_a_scaled_run_ends_where_the_unscaled_one_does(base: Any, handed: str) -> None:
    """Also with a fused base, which a scaler hands the scale to if it is given the base itself."""
    nets = []
    for scale in (None, 1000.0):
        net = make_net()
        optimizer, scaler = make_optimizer(net, base), make_scaler(scale)
        given = optimizer if handed == "wrapper" else optimizer.base
        for clip in (False, True, False, True):
            optimizer.zero_grad()
            backward("optimiser", net, optimizer, scaler, None)
            if clip:
                scaler.unscale_(given)
                nn.utils.clip_grad_norm_(net.parameters(), 0.05)
            scaler.step(given)
            scaler.update()
        assert not {"grad_scale", "found_inf"} & (vars(optimizer).keys() | vars(optimizer.base))
        nets.append(net)
    assert_same(*nets, tolerance=1e-5)


def test_a_layer_that_does_not_know_the_scale_hides_an_overflow() -> None:
    """Why `grad_scale` is asked for: it leaves out what is not finite, and no scaler sees."""
    found = {}
    for knows in (True, False):
        net = make_net()
        optimizer, scaler = make_optimizer(net), make_scaler(2.0**24)
        y, target = outputs_of(net, torch.float16)
        grad_scale: Any = scaler.get_scale if knows else 1.0
        loss = wavy(inject_fisher(y, grad_scale=grad_scale), target).mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        found[knows] = scaler.get_scale()
    assert found == {True: 2.0**23, False: 2.0**24}
