from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from diffsort import DiffSortNet

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
