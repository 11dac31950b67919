from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from diffsort import DiffSortNet
from torch import Tensor, nn

from newton_optim.sorting import NeuralSort, SoftSort, SortingNetwork, neural_sort, soft_sort
from newton_optim.sorting._loss_form import as_module, form_of
from tests.asserts import hessian_of


class Renamed(SortingNetwork):
    """A subclass, whose P could be another one."""


@pytest.mark.parametrize(
    ("operator", "has_closed_form"),
    [
        (SoftSort(), True),
        (NeuralSort(descending=True), True),
        (SortingNetwork(4), True),
        (SortingNetwork(4, descending=True), True),
        (Renamed(4), False),
        (soft_sort, False),
        (partial(neural_sort, descending=False), False),
        (DiffSortNet("odd_even", 4), False),
    ],
)
def test_every_form_takes_the_ascending_order(operator: Any, has_closed_form: bool) -> None:
    scores = torch.tensor([[0.3, -1.0, 2.0, 0.9]])
    form, order = form_of(operator), scores.argsort(-1)
    assert (form.derivatives is not None) == has_closed_form
    loss = form.loss(scores, order)
    assert loss.shape == (1,)
    assert loss < form.loss(scores, order.flip(-1))
    if form.derivatives is not None:
        derivatives = form.derivatives(scores, order)
        torch.testing.assert_close(derivatives.value, loss)
        assert hessian_of(derivatives).shape == (1, 4, 4)


def test_functions_with_a_module_become_it() -> None:
    assert isinstance(as_module(soft_sort), SoftSort)
    assert isinstance(as_module(neural_sort), NeuralSort)
    module: Any = as_module(partial(soft_sort, temperature=3.0, descending=True))
    assert (type(module), module.temperature, module.descending) == (SoftSort, 3.0, True)
    bound = partial(soft_sort, torch.zeros(3))
    for other in (SoftSort(), partial(torch.sort, dim=-1), bound, torch.sort):
        assert as_module(other) is other


def test_weights_of_ranks_leave_networks_without_a_closed_form() -> None:
    assert form_of(SoftSort(), ranked=True).derivatives is not None
    assert form_of(SortingNetwork(4), ranked=True).derivatives is None


class MaskedModule(nn.Module):
    """Takes a mask."""

    def forward(self, scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return soft_sort(scores, mask=mask)


class PlainModule(nn.Module):
    """Takes none."""

    def forward(self, scores: Tensor) -> Tensor:
        return soft_sort(scores)


class MaskedCallable:
    """Takes a mask, and is no module."""

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        return soft_sort(scores, mask=mask)


def positional_mask(scores: Tensor, mask: Tensor | None = None, /) -> Tensor:
    return soft_sort(scores, mask=mask)


@pytest.mark.parametrize(
    ("operator", "takes_mask"),
    [
        (SoftSort(), True),
        (NeuralSort(), True),
        (MaskedModule(), True),
        (MaskedCallable(), True),
        (partial(soft_sort, mask=None), True),
        (lambda y, **options: soft_sort(y, **options), True),
        (PlainModule(), False),
        (positional_mask, False),
        (lambda y: soft_sort(y), False),
        (torch.softmax, False),
        (DiffSortNet("odd_even", 4), False),
    ],
)
def test_who_takes_a_mask(operator: Any, takes_mask: bool) -> None:
    assert form_of(operator).takes_mask is takes_mask


def test_a_partial_with_a_mask_stays_as_it_is() -> None:
    bound = partial(soft_sort, mask=torch.ones(2, 4, dtype=torch.bool))
    assert as_module(bound) is bound
