"""Broken losses: each lacks one property."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim.sorting import soft_sort
from tests.testing.functions import cube, elementwise, half_square
from tests.testing.losses import smooth


def zero_hessian(y: Tensor) -> Tensor:
    """Half the square, whose backward hides that it depends on its input."""
    return elementwise(half_square, lambda y: y, once=True)(y).sum(-1)


def wrong_backward(y: Tensor) -> Tensor:
    """Half the square, with the gradient of the square."""
    return elementwise(half_square, lambda y: 2 * y)(y).sum(-1)


def detached_in_second_order(y: Tensor) -> Tensor:
    """The cube, whose second derivative lacks a part."""
    return elementwise(cube, lambda y: 3 * y * y.detach())(y).sum(-1)


def hides_a_factor(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t).detach() * (y - t).square()).sum(-1)


def permutation_matrix(labels: Tensor) -> Tensor:
    return F.one_hot(labels.argsort(-1), labels.shape[-1])


def transposed_ranking(y: Tensor, labels: Tensor, *, transposed: bool = True) -> Tensor:
    """The cross-entropy of SoftSort; ranks and elements exchanged in the truth."""
    Q = permutation_matrix(labels).to(y)
    P = soft_sort(y, temperature=1.0)
    return -((Q.mT if transposed else Q) * P.log()).sum((-2, -1))


def probability_ranking(y: Tensor, labels: Tensor) -> Tensor:
    Q, P = permutation_matrix(labels).to(y), soft_sort(y, temperature=0.3)
    return F.binary_cross_entropy(P, Q)


def cross_entropy_of_one_probability(y: Tensor, t: Tensor) -> Tensor:
    return F.binary_cross_entropy(y.sigmoid(), (t > 0).to(y), reduction="none").sum(-1)


def log_of_one_minus(y: Tensor) -> Tensor:
    return -(1 - y.sigmoid()).log().sum(-1)


def distances(y: Tensor) -> Tensor:
    """The distances of neighbours: the root has no slope at zero."""
    return (y - y.roll(1, -1)).square().sqrt().sum(-1)


def overflows(y: Tensor) -> Tensor:
    return (1 + y.exp()).log().sum(-1)


def changes_outputs(y: Tensor, t: Tensor) -> Tensor:
    return y.sub_(t).square().sum(-1)


def changes_target(y: Tensor, t: Tensor) -> Tensor:
    t -= t.mean()
    return (y - t).square().sum(-1)


def weighs_by_position(y: Tensor, t: Tensor) -> Tensor:
    return smooth(y, t) * torch.arange(1.0, len(y) + 1).to(y)


def weighs_by_coordinate(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t).square() * torch.arange(1.0, y.shape[-1] + 1).to(y)).sum(-1)


def batch_statistics(y: Tensor, t: Tensor) -> Tensor:
    return smooth((y - y.mean(0)) / (y.std(0) + 1e-3), t)


def masked_mean(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """The padding is in the normaliser."""
    return ((y - t).square() * mask).sum(-1) / y.square().sum(-1)


def detached_padding(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """The padding is in a normaliser that gets no gradient."""
    return ((y - t).square() * mask).sum(-1) / y.detach().square().sum(-1)


def second_looks_at_first(y: Tensor, *, first: int) -> Tensor:
    """One sample of a batch depends on another one, and not the other way."""
    factor = torch.ones(len(y)).to(y)
    factor[1 - first] = 1 + y[first].detach().square().sum()
    return y.square().sum(-1) * factor


def masked_after_the_softmax(y: Tensor, mask: Tensor) -> Tensor:
    return -(y.log_softmax(-1) * mask).sum(-1)


def hard_coded_float32(y: Tensor, t: Tensor) -> Tensor:
    """Back in float64, and with the digits of float32."""
    return (y - t).float().square().sum(-1).to(y.dtype)


def returns_float32(y: Tensor, t: Tensor) -> Tensor:
    return (y - t).square().sum(-1).float()


def clamped_log(y: Tensor) -> Tensor:
    return -y.softmax(-1)[:, 0].clamp(min=1e-3).log()


def weighted_by_the_batch(y: Tensor, t: Tensor) -> Tensor:
    weight = t[:, 0].square()
    return (weight * smooth(y, t)).sum() / weight.sum()


def random_loss(y: Tensor) -> Tensor:
    return (y + torch.randn_like(y)).square().sum(-1)
