"""What is measured of which loss, and what stays when it fails on the way."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newton_optim._diagnosis._measure import in_form, measure
from newton_optim._diagnosis._measurements import Measurements
from tests.diagnosis.losses import normal, normalised, once_differentiable, probe_of, waves


def test_everything_is_measured_of_a_smooth_loss() -> None:
    found = measure(probe_of(waves, normal(0, 8, 5)))
    missing = {
        field.name for field in dataclasses.fields(found) if getattr(found, field.name) is None
    }
    # A random loss alone has draws to compare; this one has no parabola along its gradient, and is
    # not made from residuals.
    assert missing == {
        "problem",
        "hessian_agreement",
        "gradient_step_leaves",
        "jacobian_condition",
    }
    assert list(found.descent) == ["gradient", "fisher", "hessian", "hessian per sample"]
    assert list(found.milliseconds) == ["identity", "fisher", "hessian"]
    assert [r.spread for r in found.roundings] == [1.0, 3.0, 10.0]


def test_what_is_measured_of_a_coupled_loss() -> None:
    found = measure(probe_of(normalised, normal(0, 8, 3), normal(1, 8, 3)))
    assert list(found.milliseconds) == ["identity", "fisher", "joint hessian"]
    assert (found.negative_curvature, found.descent) == (None, {})
    assert any("coupled" in note for note in found.notes)


def test_what_is_measured_of_a_random_loss() -> None:
    found = measure(probe_of(lambda y: F.dropout(y).sin().sum(dim=1), normal(0, 8, 3)))
    assert found.hessian_agreement is not None
    assert (found.hessian_error, found.descent, found.roundings) == (None, {}, ())
    assert list(found.milliseconds) == ["identity", "fisher", "hessian"]


def test_what_is_measured_of_a_loss_without_second_derivatives() -> None:
    probe = probe_of(once_differentiable, normal(0, 8, 3))
    found = measure(probe)
    assert in_form(probe, found).as_tensor
    assert list(found.milliseconds) == ["identity", "fisher"]
    assert list(found.descent) == ["gradient", "fisher"]
    assert found.negative_curvature is None


def test_what_is_measured_of_a_flat_loss() -> None:
    found = measure(probe_of(lambda y: y.round().sum(dim=1), normal(0, 8, 3)))
    assert found.median_gradient == 0.0
    assert found.solved_by_one_gradient_step is None
    assert (found.milliseconds, found.descent) == ({}, {})


class Late(nn.Module):
    """A loss that works a few times, and then no longer."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def forward(self, y: Tensor) -> Tensor:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("enough")
        return y.square().sum(dim=1)


def measured(found: Measurements) -> set[str]:
    """The names of what is there, but for the problem and the notes."""
    values = {k: v for k, v in vars(found).items() if k not in {"problem", "notes"}}
    return {name for name, value in values.items() if value not in (None, (), {})}


def test_what_was_measured_before_a_failure_stays() -> None:
    y, before = normal(0, 4, 3), set[str]()
    for calls in range(25):
        found = measure(probe_of(Late(calls), y))
        assert found.problem is None or "enough" in found.problem
        if found.problem is not None:
            assert measured(found) >= before
            before = measured(found)
    assert {"name", "times_differentiable", "is_random", "median_gradient"} <= before


@pytest.mark.parametrize(
    ("loss", "times"),
    [
        (lambda y: torch.full((9,), torch.nan), None),
        (lambda y: y.argmax(dim=1).to(y), 0),
    ],
)
def test_a_loss_without_value_or_gradient(loss: Any, times: int | None) -> None:
    found = measure(probe_of(loss, normal(0, 4, 3)))
    assert found.problem is not None
    assert found.times_differentiable == times
    assert (found.is_random, found.nonfinite) == (None, None)


def test_notes_before_a_failure_stay() -> None:
    class Once(Late):
        def forward(self, y: Tensor) -> Tensor:
            return once_differentiable(super().forward(y)[:, None] + y)

    found = measure(probe_of(Once(6), normal(0, 4, 3)))
    assert found.problem is not None
    assert "enough" in found.problem
    assert any("the loss as a callable" in note for note in found.notes)


@pytest.mark.parametrize("loss", [waves, once_differentiable, lambda y: F.dropout(y).sin().mean()])
def test_the_default_device_does_not_matter(loss: Any) -> None:
    """On "meta" no tensor has values: one that is made there by accident is found."""
    probe = probe_of(loss, normal(0, 8, 5))
    expected = measure(probe)
    with torch.device("meta"):
        found = measure(probe)
    assert dataclasses.replace(found, milliseconds={}) == dataclasses.replace(
        expected, milliseconds={}
    )
    assert list(found.milliseconds) == list(expected.milliseconds)
