"""One property on variants: the first failure, remarks, and the smallest example."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._property_table import Property
from newton_optim.testing._run_property import run_property
from newton_optim.testing._variants import variants
from tests.testing.practice.numbers import student_nll


def loss(y: Tensor) -> Tensor:
    return y.square().sum(-1)


CASE = Case.checked(loss, torch.tensor([[0.75, 2.5], [1.0, -0.3]]), (), "mean")


def run(check: Any, *, smallest: bool = True, **options: Any) -> tuple[str, str]:
    prop = Property("named", check, **options)
    result = run_property(prop, variants(CASE, [10.0]), smallest=smallest)
    assert result.name == "named"
    return result.status, result.detail


def test_remarks_name_their_variant() -> None:
    def largest(loss_fn: Any, y: Tensor, *, reduction: str) -> float:
        return float(y.max())

    assert run(largest, remark=str) == (
        "passed",
        "2.5; with ties: 1.0; outputs times 10: 25.0",
    )
    assert run(largest) == ("passed", "")


def fails_above_two(loss_fn: Any, y: Tensor, *, reduction: str) -> None:
    if y.shape[0] == 1 and y.shape[1] != 2:
        raise ValueError("another failure")
    if y.max() > 2:
        raise AssertionError(f"too large: {y.max():g}")


def test_a_failure_is_shrunk() -> None:
    status, detail = run(fails_above_two)
    assert status == "failed"
    assert detail == "too large: 2.5 (smallest example: N = 1, outputs [1, 2.5])"
    assert run(fails_above_two, smallest=False) == ("failed", "too large: 2.5")


def test_an_exception_is_a_failure_with_its_kind() -> None:
    def raises(loss_fn: Any, y: Tensor, *, reduction: str) -> None:
        raise KeyError("name")

    assert run(raises, smallest=False) == ("failed", "KeyError: 'name'")


def test_another_kind_of_failure_is_no_smaller_example() -> None:
    def needs_two_samples(loss_fn: Any, y: Tensor, *, reduction: str) -> None:
        if len(y) < 2:
            raise ValueError("only one sample")
        raise AssertionError("two samples")

    _, detail = run(needs_two_samples)
    assert detail.startswith("two samples (smallest example: N = 2")


def test_a_loss_may_be_undefined_at_other_outputs_than_those_given() -> None:
    def undefined(loss_fn: Any, y: Tensor, *, reduction: str) -> None:
        if y.max() > limit:
            raise UnusableLossError("outside of the domain")

    limit = 10.0
    assert run(undefined) == ("passed", "outputs times 10: outside of the domain")
    limit = 0.0
    assert run(undefined) == ("failed", "outside of the domain")


def test_at_wider_outputs_a_failure_of_what_float32_cannot_resolve_is_a_remark() -> None:
    y = torch.tensor([[0.3, -4.0], [0.5, 1.0], [-0.2, -5.0]])
    at = variants(Case.checked(student_nll, y, (torch.ones(3),), "mean"), [10.0])

    def fails_below(loss_fn: Any, y: Tensor, t: Tensor, *, reduction: str) -> None:
        if y.min() < lowest:
            raise AssertionError(f"{len(y)} samples")

    lowest = -20.0
    result = run_property(Property("named", fails_below), at)
    assert result.status == "passed"
    assert result.detail.startswith("outputs times 10: not judged: 2 of 3 samples")
    lowest = -2.5
    result = run_property(Property("named", fails_below), at[2:], smallest=False)
    assert result.status == "passed"
    lowest = 20.0
    result = run_property(Property("named", fails_below), at[2:], smallest=False)
    assert result.status == "failed"
    assert result.detail.startswith("outputs times 10: 1 samples; if outputs of this size")


def test_what_is_left_must_be_usable() -> None:
    y = torch.tensor([[0.3, -4.0], [0.5, 1.0]])
    at = variants(Case.checked(student_nll, y, (torch.ones(2),), "mean"), [10.0])

    def needs_two(loss_fn: Any, y: Tensor, t: Tensor, *, reduction: str) -> None:
        kind = AssertionError if len(y) == 2 else UnusableLossError
        raise kind(f"{len(y)} samples")

    result = run_property(Property("named", needs_two), at[2:], smallest=False)
    assert (result.status, result.detail[:28]) == ("failed", "outputs times 10: 2 samples;")
