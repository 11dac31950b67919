"""How the ranking loss of an operator is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._diffsort import diffsort_permutation, is_diffsort
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._network_derivatives import network_derivatives
from newton_optim.sorting._network_loss import network_loss
from newton_optim.sorting._neural_sort import NeuralSort, neural_sort
from newton_optim.sorting._probability_loss import probability_loss
from newton_optim.sorting._soft_sort import SoftSort, soft_sort
from newton_optim.sorting._softmax_derivatives import softmax_derivatives
from newton_optim.sorting._softmax_loss import softmax_loss


@dataclass(frozen=True)
class LossForm:
    """The ranking loss of one operator, per sample.

    Both functions take the scores `(..., n)` and the elements in their true ascending order,
    `(..., n)`, whatever the direction of the operator.

    Attributes:
        loss: the loss of each sample, `(...,)`, by plain torch operations.
        derivatives: value, gradient and Hessian in closed form, or ``None`` if there is none.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    derivatives: Callable[[Tensor, Tensor], LossDerivatives] | None = None


def form_of(operator: Callable[[Tensor], Any]) -> LossForm:
    """The form of an operator's loss. A subclass may compute another `P`: it is any callable."""
    if isinstance(operator, (NeuralSort, SoftSort)) and type(operator) in {NeuralSort, SoftSort}:
        return LossForm(partial(softmax_loss, operator), partial(softmax_derivatives, operator))
    if isinstance(operator, SortingNetwork) and type(operator) is SortingNetwork:
        return LossForm(partial(network_loss, operator), partial(network_derivatives, operator))
    if is_diffsort(operator):
        operator = partial(diffsort_permutation, operator)
    return LossForm(partial(probability_loss, operator))


def as_module(operator: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    """The module of a function ``neural_sort`` or ``soft_sort``, or of its partial.

    Any other operator is returned as it is.
    """
    function, keywords = operator, {}
    if isinstance(operator, partial) and not operator.args:
        function, keywords = operator.func, operator.keywords
    if function is neural_sort:
        return NeuralSort(**keywords)
    return SoftSort(**keywords) if function is soft_sort else operator
