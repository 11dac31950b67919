"""Gradients for lists of 100 need a few matrices `(n, n)` per sample, and nothing larger."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from newton_optim.sorting import RankingLoss
from newton_optim.sorting._mask import sorting_order
from newton_optim.sorting._softmax_loss import plain_loss
from tests.sorting.softmax_strategies import both

N, n = 4, 100
MATRICES = N * n * n


class LargestTensor(TorchDispatchMode):
    """Notes the number of elements of the largest tensor that an operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


def inputs(masked: bool) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    options = {"mask": torch.rand(N, n) < 0.7} if masked else {}
    return torch.randn(N, n), torch.rand(N, n), options


def saved_bytes(loss: Any, scores: Tensor, labels: Tensor, **options: Tensor) -> int:
    """The memory of the tensors that autograd keeps for the backward, each storage once."""
    storages = {}

    def note(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss(scores.requires_grad_(), labels, **options)
    return sum(storages.values())


@both
@pytest.mark.parametrize("masked", [False, True])
def test_no_tensor_is_larger_than_a_matrix_per_sample(kind: Any, masked: bool) -> None:
    scores, labels, options = inputs(masked)
    loss = RankingLoss(kind())
    with LargestTensor() as closed_form:
        loss.derivatives(scores, labels, **options)
    with LargestTensor() as autograd:
        loss(scores.requires_grad_(), labels, **options).backward()
    assert closed_form.elements == autograd.elements == MATRICES


@both
@pytest.mark.parametrize("masked", [False, True])
def test_autograd_keeps_no_matrix(kind: Any, masked: bool) -> None:
    """Scores, order and gradient alone wait for the backward pass."""
    scores, labels, options = inputs(masked)
    vectors = 5 if masked else 3  # The mask and the weights of rows too.
    assert saved_bytes(RankingLoss(kind()), scores, labels, **options) <= vectors * N * n * 8


@both
@pytest.mark.parametrize("masked", [False, True])
def test_plain_operations_keep_a_few(kind: Any, masked: bool) -> None:
    scores, labels, options = inputs(masked)
    order = sorting_order(labels, options.get("mask"))
    plain = partial(plain_loss, kind())
    # Measured: 5.3 to 7.5 matrices of float64.
    assert saved_bytes(plain, scores, order, **options) < 8 * MATRICES * 8
