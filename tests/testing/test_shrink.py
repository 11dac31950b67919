"""Failures shrink to fewer samples and rounder numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from newton_optim.testing import _shrink
from newton_optim.testing._case import Case
from newton_optim.testing._shrink import shrink


def failure(fails: Callable[[Tensor], object]) -> Callable[[Case], str | None]:
    return lambda case: "fails" if fails(case.y) else None


def case_of(y: Tensor, *args: Tensor, mask: Tensor | None = None) -> Case:
    return Case(torch.sum, Case.checked(torch.sum, y, (), "mean").outputs, args, "mean", mask)


def test_the_sample_that_fails_is_left_with_its_arguments_and_mask() -> None:
    y = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    case = case_of(y, torch.tensor([7.0, 8.0, 9.0]), mask=y > 3)
    small, message = shrink(case, failure(lambda y: (y == 4.0).any()))
    assert message == "fails"
    assert small.y.tolist() == [[3.0, 4.0]]
    assert small.args[0].tolist() == [8.0]
    assert small.mask is not None
    assert small.mask.tolist() == [[False, True]]


def test_two_samples_that_fail_together_are_left() -> None:
    y = torch.tensor([[1.0], [2.0], [3.0]])
    small, _ = shrink(case_of(y), failure(lambda y: 1.0 in y and 3.0 in y))
    assert small.y.flatten().tolist() == [1.0, 3.0]


def test_numbers_become_round_within_the_range_of_the_outputs() -> None:
    y = torch.tensor([[-0.52, 1.26, 0.13]])
    small, _ = shrink(case_of(y), failure(lambda y: y[0, 1] > 0.5))
    assert small.y.tolist() == [[0.0, 1.0, 0.0]]
    positive, _ = shrink(case_of(y.abs()), failure(lambda y: y[0, 1] > 0.5))
    assert positive.y.min() > 0.1


def test_it_gives_up_after_a_while() -> None:
    calls: list[Case] = []

    def always(case: Case) -> str:
        calls.append(case)
        return "fails"

    shrink(case_of(torch.rand(200, 2)), always)
    assert len(calls) <= 100


def test_it_ends_after_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shrink, "MAX_SECONDS", 0.0)
    y = torch.tensor([[1.0], [2.0]])
    small, message = shrink(case_of(y), failure(lambda y: True))
    assert (len(small.y), message) == (2, "fails")


def test_a_mask_that_is_bound_shrinks_with_the_samples() -> None:
    y, mask = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[True, False], [True, True]])

    def masked(y: Tensor, *, mask: Tensor, weight: Tensor) -> Tensor:
        return (y * mask * weight).sum(-1)

    bound = functools.partial(masked, mask=mask, weight=torch.tensor([1.0, 2.0]))
    case = replace(Case.checked(bound, y, (), "mean"), mask=mask)
    small, _ = shrink(case, failure(lambda y: 4.0 in y))
    assert small.evaluate().value.tolist() == [3.0 + 2 * 4.0]
