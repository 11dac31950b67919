"""How the ranking loss of an operator is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
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
    `(..., n)`, whatever the direction of the operator. They are handed two keywords where these say
    something: ``mask``, which elements are present, `(..., n)`, and ``ranks``, the
    :class:`RankWeights`, unless all are equal.

    Attributes:
        loss: the loss of each sample, `(...,)`, by plain torch operations.
        derivatives: value, gradient and Hessian in closed form, or ``None`` if there is none.
        takes_mask: whether there may be absent elements.
    """

    loss: Callable[..., Tensor]
    derivatives: Callable[..., LossDerivatives] | None
    takes_mask: bool


def form_of(operator: Callable[..., Any], *, ranked: bool = False) -> LossForm:
    """The form of an operator's loss. A subclass may compute another `P`: it is any callable.

    Args:
        operator: the operator.
        ranked: whether the ranks have weights, for which networks have no closed form.
    """
    if isinstance(operator, (NeuralSort, SoftSort)) and type(operator) in {NeuralSort, SoftSort}:
        loss, derivatives = partial(softmax_loss, operator), partial(softmax_derivatives, operator)
        return LossForm(loss, derivatives, takes_mask=True)
    if isinstance(operator, SortingNetwork) and type(operator) is SortingNetwork and not ranked:
        loss, derivatives = partial(network_loss, operator), partial(network_derivatives, operator)
        return LossForm(loss, derivatives, takes_mask=True)
    if is_diffsort(operator):
        operator = partial(diffsort_permutation, operator)
    return LossForm(partial(probability_loss, operator), None, takes_mask_keyword(operator))


def takes_mask_keyword(function: Callable[..., Any]) -> bool:
    """Whether ``function`` can be called with ``mask=``, as far as its signature says."""
    try:
        parameters = signature(getattr(function, "forward", function)).parameters
    except (TypeError, ValueError):  # Built-in functions have no signature.
        return False
    kinds = {name: parameter.kind for name, parameter in parameters.items()}
    by_name = kinds.get("mask") in {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
    return by_name or Parameter.VAR_KEYWORD in kinds.values()


def as_module(operator: Callable[..., Any]) -> Callable[..., Any]:
    """The module of a function ``neural_sort`` or ``soft_sort``, or of its partial with options.

    Any other operator is returned as it is.
    """
    function, options = operator, {}
    if isinstance(operator, partial) and not operator.args:
        function, options = operator.func, operator.keywords
    if "mask" in options:  # A module has no mask of its own.
        return operator
    if function is neural_sort:
        return NeuralSort(**options)
    return SoftSort(**options) if function is soft_sort else operator
