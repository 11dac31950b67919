"""Outer parts that are sums over the entries of a result: their Hessians are diagonal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._checks import check_choice, check_float_tensor, describe

REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Whitened:
    r"""A separable loss as least squares, to first order: `∇_u l = d ∘ r` and `∇²_u l ≈ diag(d²)`.

    With the Jacobian J of the result u, the Gauss-Newton step on the loss is that of the residuals
    r with the Jacobian `diag(d) J`.

    Args:
        value: the losses `l_i`, shape `(N,)`.
        residual: r, shape `(N, k)`.
        scale: d, not negative, shape `(N, k)`; ``None`` where it is 1.
    """

    value: Tensor
    residual: Tensor
    scale: Tensor | None


class SeparableLoss(nn.Module, ABC):
    """A loss of a result u that is a sum over its entries, sample by sample.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over samples, or ``"none"``: shape `(N,)`.

    Raises:
        TypeError: if ``reduction`` is not a string.
        ValueError: if it is unknown.
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = check_choice("reduction", reduction, REDUCTIONS)

    @abstractmethod
    def entries(self, result: Tensor, target: Tensor) -> Tensor:
        """The loss of every entry, in the shape of ``result``."""

    @abstractmethod
    def whiten(self, result: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """`r` and `d` of :class:`Whitened` for every entry; ``None`` where `d = 1`."""

    def forward(
        self, result: Tensor, target: Tensor | None = None, weight: Tensor | None = None
    ) -> Tensor:
        """The loss.

        Args:
            result: u, shape `(N, *result)`.
            target: t, which broadcasts to the shape of ``result``; zero for ``None``.
            weight: of the entries, not negative, broadcasts to the shape of ``result``.

        Returns:
            Shape `()`, or `(N,)` for ``reduction="none"``.

        Raises:
            TypeError: if one of them is not a tensor.
            ValueError: if ``target`` or ``weight`` does not broadcast to the shape of ``result``.
        """
        losses = self._losses(result, self._target(result, target), weight)
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()

    def whitened(
        self, result: Tensor, target: Tensor | None = None, weight: Tensor | None = None
    ) -> Whitened:
        """The same loss as least squares; the arguments are those of :meth:`forward`."""
        t = self._target(result, target)
        r, d = self.whiten(result, t)
        if weight is not None:
            root = _fitting("weight", weight, result).sqrt()
            r, d = r * root, root if d is None else d * root
        d = None if d is None else d.reshape(len(r), -1)
        return Whitened(self._losses(result, t, weight), r.reshape(len(r), -1), d)

    def extra_repr(self) -> str:
        """The options, for ``print(module)``."""
        return f"reduction={self.reduction!r}"

    def _losses(self, result: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        entries = self.entries(result, target)
        if weight is not None:
            entries = entries * _fitting("weight", weight, result)
        return entries.reshape(len(entries), -1).sum(-1)

    def _target(self, result: Tensor, target: Tensor | None) -> Tensor:
        check_float_tensor("result", result)
        return torch.zeros_like(result) if target is None else _fitting("target", target, result)


def _fitting(name: str, tensor: Any, result: Tensor) -> Tensor:
    """``tensor`` if it broadcasts to the shape of ``result``.

    Raises:
        TypeError: if it is not a tensor.
        ValueError: if it does not.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a tensor, got {describe(tensor)}")
    try:
        return tensor.expand_as(result)
    except RuntimeError:
        raise ValueError(
            f"{name} must broadcast to the shape of the result, {tuple(result.shape)}, "
            f"got {tuple(tensor.shape)}"
        ) from None
