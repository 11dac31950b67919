"""`LossDerivatives` is a value: who reads it, when and how often changes nothing."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    Identity,
    LossDerivatives,
    newton_target,
)

FIELDS = ("value", "gradient", "hessian", "joint_hessian", "gauss_newton", "kept", "coupled")

Y = torch.tensor([[0.3, -1.2], [0.0, 2.0], [1.5, 0.4]], dtype=torch.float64)


def independent(y: Tensor) -> Tensor:
    return (y @ y.new_ones(2, 2)).cosh().sum(-1) + y.pow(4).sum(-1)


def coupled(y: Tensor) -> Tensor:
    return (y - 0.7 * y.mean(dim=0)).pow(4).mean() + y.square().mean()


def without_a_gradient(y: Tensor) -> Tensor:
    """At `Y`, the gradients of the last two samples are NaN."""
    return (1.0 - y).sqrt().sum(-1) + y.pow(4).sum(-1)


def without_a_hessian(y: Tensor) -> Tensor:
    """At `Y`, the second sample's gradient is finite and its Hessian is not."""
    return y.abs().pow(1.5).sum(-1) + y.pow(4).sum(-1)


def coupled_without_a_hessian(y: Tensor) -> Tensor:
    return without_a_hessian(y).mean() + (y - 0.7 * y.mean(dim=0)).pow(4).mean()


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    loss.__name__: ComposedLoss(lambda y: y + 0.0, loss)
    for loss in (
        independent,
        coupled,
        without_a_gradient,
        without_a_hessian,
        coupled_without_a_hessian,
    )
}

CURVATURES = [
    *(
        Hessian(scope=s, eigenvalues=e)
        for s in ("batch", "sample", "joint")
        for e in ("absolute", "raw")
    ),
    *(EmpiricalFisher(scope=s) for s in ("batch", "sample", "joint")),
    *(GaussNewton(scope=s) for s in ("batch", "sample")),
    Identity(),
]

curvatures = st.sampled_from(CURVATURES)
losses = st.sampled_from(sorted(LOSSES))


class Reading:
    """A custom curvature that reads all fields in some order and then hands the value on."""

    def __init__(self, inner: Any, fields: tuple[str, ...]) -> None:
        self.inner, self.fields = inner, fields
        self.needs = inner.needs
        self.default_damping = inner.default_damping
        self.seen: dict[str, Any] = {}

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        self.seen = {name: getattr(derivatives, name) for name in self.fields}
        step: Tensor = self.inner.newton_step(derivatives, damping)
        for name in self.fields:
            assert getattr(derivatives, name) is self.seen[name]
        return step


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.equal(a.nan_to_num(nan=7.0), b.nan_to_num(nan=7.0))
    return a is b


@given(curvatures, losses, st.permutations(FIELDS), st.booleans())
def test_delegating_after_reading_equals_calling_directly(
    inner: Any, name: str, fields: list[str], as_tensor: bool
) -> None:
    as_tensor = as_tensor and inner.needs != "gauss_newton"
    y = Y.clone().requires_grad_()
    loss = LOSSES[name]
    direct = newton_target(loss(y) if as_tensor else loss, y, curvature=inner)
    reading = Reading(inner, tuple(fields))
    assert torch.equal(newton_target(loss(y) if as_tensor else loss, y, curvature=reading), direct)


@given(curvatures, losses, st.permutations(FIELDS))
def test_any_order_of_reading_gives_the_same_values(
    inner: Any, name: str, fields: list[str]
) -> None:
    first, second = Reading(inner, FIELDS), Reading(inner, tuple(fields))
    for reading in (first, second):
        newton_target(LOSSES[name], Y, curvature=reading)
    for field in FIELDS:
        assert same(first.seen[field], second.seen[field]), field


@pytest.mark.parametrize("curvature", CURVATURES, ids=repr)
def test_what_is_handed_over_is_what_was_asked_for(curvature: Any) -> None:
    reading = Reading(curvature, FIELDS)
    newton_target(LOSSES["independent"], Y, curvature=reading)
    there = {name for name in FIELDS if reading.seen[name] is not None}
    asked = {
        "gradient": set(),
        "hessian": {"hessian"},
        "joint": {"hessian", "joint_hessian"},
        "gauss_newton": {"gauss_newton"},
    }[curvature.needs]
    assert there == {"value", "gradient", "kept"} | asked


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("independent", [True, True, True]),
        ("without_a_gradient", [True, False, False]),
        ("without_a_hessian", [True, False, True]),
    ],
)
@pytest.mark.parametrize("needs", ["hessian", "joint"])
def test_samples_that_are_not_finite_are_zero_everywhere(
    name: str, kept: list[bool], needs: str
) -> None:
    reading = Reading(Hessian(scope="joint" if needs == "joint" else "batch"), FIELDS)
    newton_target(LOSSES[name], Y, curvature=reading)
    assert reading.seen["kept"].tolist() == kept
    for field in ("gradient", "hessian"):
        rows = reading.seen[field].flatten(1)
        assert rows.isfinite().all()
        assert (rows != 0).any(1).tolist() == kept
    if needs == "joint":
        blocks = reading.seen["joint_hessian"]
        assert blocks.isfinite().all()
        assert (blocks != 0).any(-1).any(1).diagonal().tolist() == kept


def test_a_hessian_that_is_not_asked_for_leaves_nobody_out() -> None:
    reading = Reading(Identity(), FIELDS)
    newton_target(LOSSES["without_a_hessian"], Y, curvature=reading)
    assert reading.seen["kept"].all()


def test_the_joint_hessian_has_the_blocks_across_samples() -> None:
    reading = Reading(Hessian(scope="joint"), FIELDS)
    newton_target(coupled, Y, curvature=reading)
    total = lambda v: len(Y) * coupled(v.view_as(Y))  # noqa: E731
    flat = torch.autograd.functional.hessian(total, Y.flatten())
    torch.testing.assert_close(reading.seen["joint_hessian"].reshape(6, 6), flat)
    assert reading.seen["joint_hessian"][0, :, 1].abs().max() > 0.1
    batch = Reading(Hessian(), FIELDS)
    newton_target(coupled, Y, curvature=batch)
    torch.testing.assert_close(reading.seen["hessian"], batch.seen["hessian"])


def test_a_curvature_that_does_not_ask_for_the_joint_hessian_cannot_hand_it_on() -> None:
    """Silently dropping the blocks across samples is what the value is there to prevent."""
    reading = Reading(Hessian(scope="joint"), FIELDS)
    reading.needs = "hessian"
    with pytest.raises(ValueError, match=r'must hold the joint Hessian, got None.*needs = "joint"'):
        newton_target(coupled, Y, curvature=reading)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (Hessian(), r'must hold Hessians, got None.*needs = "hessian"'),
        (GaussNewton(), r'must hold Gauss-Newton matrices, got None.*needs = "gauss_newton"'),
    ],
    ids=repr,
)
def test_delegating_without_asking_names_what_to_ask_for(inner: Any, message: str) -> None:
    reading = Reading(inner, FIELDS)
    reading.needs = "gradient"
    with pytest.raises(ValueError, match=message):
        newton_target(independent, Y, curvature=reading)


# --- The value itself -------------------------------------------------------------------------


def made(hessian: Any = None) -> LossDerivatives:
    return LossDerivatives(torch.zeros(3), Y, hessian)


@pytest.mark.parametrize("name", [*FIELDS, "anything"])
def test_it_is_frozen(name: str) -> None:
    derivatives = made(torch.eye(2).expand(3, 2, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(derivatives, name, torch.zeros(3))
    with pytest.raises(AttributeError):
        delattr(derivatives, name)


def test_a_callable_hessian_is_called_once_and_when_it_is_read() -> None:
    calls: list[int] = []
    H = torch.eye(2).expand(3, 2, 2)

    def hessian() -> Tensor:
        calls.append(1)
        return H

    derivatives = made(hessian)
    assert derivatives.has_hessian
    assert not calls
    assert derivatives.hessian is H
    assert derivatives.hessian is H
    assert len(calls) == 1
    assert made(H).has_hessian
    assert not made().has_hessian
    assert made().hessian is None


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))]
)
def test_it_can_be_copied_and_pickled(again: Callable[[Any], Any]) -> None:
    derivatives = made(torch.eye(2).expand(3, 2, 2))
    copied = again(derivatives)
    for name in FIELDS:
        assert same(getattr(copied, name), getattr(derivatives, name))


def test_repr_names_the_fields() -> None:
    assert repr(made()).startswith("LossDerivatives(value=tensor(")
