"""The factor between a mean, a sum and a sample's own loss: decided here and nowhere else.

Everything inside the library is on the per-sample scale: `g_i`, `H_i`, C and λ are those of sample
i's own loss `l_i`. A 0-dim loss with `reduction="mean"` is `Σ l_i / N`, with `"sum"` it is `Σ l_i`;
a loss of shape `(N,)` is the `l_i` themselves and needs no factor on the way in.
"""

from __future__ import annotations

from typing import Final, overload

from torch import Tensor

from newton_optim._checks import check_choice

REDUCTIONS: Final = ("mean", "sum")


def check_reduction(reduction: object) -> str:
    """``reduction`` if it is one."""
    return check_choice("reduction", reduction, REDUCTIONS)


def per_sample_factor(loss: Tensor, num_samples: int, reduction: str) -> int:
    """By what a derivative of ``loss`` is multiplied to be on the per-sample scale: N or 1."""
    return batch_factor(num_samples, reduction) if loss.dim() == 0 else 1


@overload
def to_batch_scale(quantity: Tensor, num_samples: int, reduction: str) -> Tensor: ...


@overload
def to_batch_scale(
    quantity: float | Tensor, num_samples: int, reduction: str
) -> float | Tensor: ...


def to_batch_scale(quantity: float | Tensor, num_samples: int, reduction: str) -> float | Tensor:
    """A sum over samples, or a factor of one, as it reaches the network: over N for a mean."""
    return quantity / num_samples if reduction == "mean" else quantity


def batch_factor(num_samples: int, reduction: str) -> int:
    """By what a gradient that reaches the network is multiplied to be per sample: N or 1."""
    return num_samples if reduction == "mean" else 1


def reduce_loss(value: Tensor, reduction: str) -> Tensor:
    """The 0-dim loss: ``value`` itself, or the mean or sum of a loss of shape `(N,)`."""
    if value.dim() == 0:
        return value
    return value.mean() if reduction == "mean" else value.sum()


def per_sample_values(value: Tensor, num_samples: int, reduction: str) -> Tensor:
    """The losses `l_i`, shape `(N,)`; of a 0-dim loss, each sample's share."""
    if value.dim() == 1:
        return value
    return (value if reduction == "mean" else value / num_samples).expand(num_samples)
