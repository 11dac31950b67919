"""A probe leaves everything as it was and turns what goes wrong into one kind of error."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from newton_optim import Hessian, LossDerivatives
from newton_optim._diagnosis._sandbox import LossFailedError
from tests.asserts import assert_close
from tests.diagnosis.losses import normal, once_differentiable, probe_of, squared_distance


class Greedy(nn.Module):
    """A loss with state that changes all that it is given but the outputs."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, outputs: dict[str, Tensor], bag: list[Any], *, labels: Tensor) -> Tensor:
        self.calls += 1
        y = outputs.pop("y") * self.scale
        loss = (y - bag[0]).square().sum(dim=1) + labels
        bag[0] += 1.0
        labels += 1
        bag.append(None)
        return loss


def doubling(y: Tensor) -> Tensor:
    """Changes its outputs, which a callable may."""
    y *= 2.0
    return y.square().sum(dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_changed(dtype: torch.dtype) -> None:
    loss, y = Greedy(), normal(0, 4, 3)
    outputs, bag, labels = {"y": y.clone()}, [torch.zeros(4, 3)], torch.arange(4)
    probe = replace(probe_of(loss, outputs, bag, as_tensor=True), kwargs={"labels": labels})
    state = torch.get_rng_state()
    for _ in range(2):
        found = probe.derivatives(y.to(dtype))
        assert_close(found.gradient, 2 * y, dtype)
        assert found.gradient.dtype == dtype
        assert_close(probe.value(y.to(dtype)), y.double().square().sum(1) + labels, dtype)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(outputs["y"], y)
    assert torch.equal(bag[0], torch.zeros(4, 3))
    assert len(bag) == 1
    assert torch.equal(labels, torch.arange(4))
    assert loss.calls == 0
    assert loss.scale.dtype == torch.float32
    assert loss.scale.grad is None


def test_outputs_are_copied() -> None:
    y = normal(0, 4, 3)
    kept = y.clone()
    probe = probe_of(doubling, y)
    assert_close(probe.derivatives(y).gradient, 8 * kept.double(), torch.float32)
    probe.value(y)
    assert torch.equal(y, kept)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_derivatives_in_both_forms(as_tensor: bool) -> None:
    y, t = (normal(i, 4, 3, dtype=torch.float64) for i in range(2))
    outputs = (y[:, :1].clone(), y[:, 1:].clone())

    def loss(outputs: tuple[Tensor, Tensor], t: Tensor) -> Tensor:
        assert type(outputs) is tuple
        return squared_distance(torch.cat(outputs, dim=1), t).mean()

    probe = probe_of(loss, outputs, t, as_tensor=as_tensor)
    assert_close(probe.derivatives(y).gradient, y - t)
    assert_close(probe.second_derivatives(y).hessian, torch.eye(3).expand(4, 3, 3))
    assert_close(probe.step(y, Hessian(), 0.0), y - t)
    total = probe_of(lambda y, t: 4 * loss(y, t), outputs, t, as_tensor=as_tensor, reduction="sum")
    assert_close(total.derivatives(y).gradient, y - t)


def test_the_seed_is_that_of_the_probe() -> None:
    def noisy(y: Tensor) -> Tensor:
        return (torch.rand_like(y) * y).square().sum(dim=1)

    y = normal(0, 4, 3)
    draws = [probe_of(noisy, y, seed=seed).derivatives(y).gradient for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_samples_that_are_not_finite_are_left_out() -> None:
    y = torch.tensor([[1.0, 2.0], [-1.0, 2.0], [torch.inf, 1.0]])
    found = probe_of(lambda y: y.sqrt().sum(dim=1), y).second_derivatives(y)
    assert found.kept.tolist() == [True, False, False]
    assert not found.hessian[1:].any()
    assert not found.gradient[1:].any()


def raising(y: Tensor) -> Tensor:
    raise KeyError("nobody")


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (raising, "KeyError: 'nobody'"),
        (lambda y: y, r"ValueError: loss must be a 0-dim tensor or have shape \(4,\)"),
        (lambda y: 1.0, "TypeError: loss must .*tensor.*, got float"),
        (lambda y: y.argmax(dim=1), "TypeError: loss must be a floating-point tensor"),
        (lambda y: torch.zeros(()), "ValueError: loss must be computed from the outputs"),
    ],
)
def test_what_goes_wrong_is_named(loss: Any, message: str, as_tensor: bool) -> None:
    y = normal(0, 4, 3)
    with pytest.raises(LossFailedError, match=message) as caught:
        probe_of(loss, y, as_tensor=as_tensor).derivatives(y)
    assert caught.value.__cause__ is not None


def test_no_second_derivative_is_found_before_it_is_asked_for() -> None:
    y = normal(0, 4, 3)
    probe = probe_of(once_differentiable, y, as_tensor=True)
    assert_close(probe.derivatives(y).gradient, 4 * y.double() ** 3, torch.float32)
    with pytest.raises(LossFailedError, match="once_differentiable"):
        probe.check_second_derivative(y)
    with pytest.raises(LossFailedError, match="linear"):
        probe_of(lambda y: y.sum(dim=1), y).check_second_derivative(y)


def test_a_closed_form_needs_no_product() -> None:
    class Closed:
        def __call__(self, y: Tensor) -> Tensor:
            raise AssertionError

        def derivatives(self, y: Tensor) -> LossDerivatives:
            return LossDerivatives(y.sum(1), y, torch.eye(3, dtype=y.dtype).expand(4, 3, 3))

    y = normal(0, 4, 3)
    probe = probe_of(Closed(), y)
    probe.check_second_derivative(y)
    found = probe.second_derivatives(y)
    assert_close(found.gradient, y)
    assert_close(found.newton_step(), y / 1.1)  # Relative damping of 0.1.


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_value_of_the_batch(reduction: str) -> None:
    def within(y: Tensor) -> Tensor:
        if y.abs().max() > 10.0:
            raise RuntimeError("outside")
        return y.square().sum(dim=1)

    y = normal(0, 4, 3)
    probe = probe_of(within, y, reduction=reduction)
    total = float(y.double().square().sum())
    assert probe.batch_value(y) == pytest.approx(total / (4 if reduction == "mean" else 1))
    assert math.isnan(probe.batch_value(100.0 + y))
    scalar = probe_of(lambda y: y.square().mean(), y, reduction=reduction)
    assert scalar.batch_value(y) == pytest.approx(total / 12)
