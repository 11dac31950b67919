"""One evaluation of a loss: its value, its gradient and the way to its second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from newton_optim._checks import describe
from newton_optim._derivatives._residual_form import ResidualForm

Products = Callable[[Tensor], Tensor]
"""From vectors `(k, N, m)` to their products with the full `(Nm, Nm)` Hessian, `(k, N, m)`."""


def no_products(vectors: Tensor) -> Tensor:
    """The products of an evaluation that was not asked for second derivatives."""
    raise ValueError("the loss was evaluated for its first derivatives only")


@dataclass(frozen=True)
class Evaluation:
    """What is known of a loss after one forward and one backward, on the per-sample scale.

    Args:
        value: as the loss returned it, detached, shape `()` or `(N,)`.
        gradient: the gradients `g_i`, detached, shape `(N, m)`.
        products: products with the Hessian of the sum of all losses; a ``ValueError`` where there
            is no second derivative.
        own_hessian: the Hessians that the loss itself knows, `(N, m, m)`, or ``None``.
        gauss_newton: the Gauss-Newton matrices, `(N, m, m)`; ``None`` if the loss does not name its
            parts.
        residual_form: the same as least squares, where the outer part is separable; else ``None``.
        present: which outputs exist, bool, `(N, m)`, as the loss itself states; ``None`` if all do.
    """

    value: Tensor
    gradient: Tensor
    products: Products = no_products
    own_hessian: Callable[[], Tensor] | None = None
    gauss_newton: Callable[[], Tensor] | None = None
    residual_form: ResidualForm | None = None
    present: Tensor | None = None

    def hessian(self) -> Tensor:
        """The Hessians `H_i`, `(N, m, m)`: the loss's own, or by m products.

        Column j of all samples at once: right where samples are independent; where they are not,
        the blocks across them are summed.
        """
        if self.own_hessian is not None:
            return self.own_hessian()
        N, m = self.gradient.shape
        columns = self.products(_basis(self.gradient, m)[:, None, :].expand(m, N, m))
        return columns.permute(1, 2, 0)  # (m, N, m) -> (N, m, m)

    def joint_hessian(self) -> Tensor:
        """The full Hessian `∂g_ia / ∂y_jb`, `(N, m, N, m)`.

        Block diagonal where the loss knows its Hessians, which are per sample.
        """
        N, m = self.gradient.shape
        if self.own_hessian is not None:
            return block_diagonal(self.own_hessian())
        return self.products(_basis(self.gradient, N * m).view(N * m, N, m)).view(N, m, N, m)


def _basis(like: Tensor, size: int) -> Tensor:
    return torch.eye(size, dtype=like.dtype, device=like.device)


def block_diagonal(matrices: Tensor) -> Tensor:
    """The joint matrix `(N, m, N, m)` of samples that are independent, from theirs, `(N, m, m)`."""
    same = torch.eye(len(matrices), dtype=torch.bool, device=matrices.device)
    return torch.where(same[:, None, :, None], matrices[:, :, None, :], 0.0)


def check_loss_value(loss: object, num_samples: int) -> Tensor:
    """``loss`` if it is a real tensor of shape `()` or `(N,)`.

    Raises:
        TypeError: if it is not a floating-point tensor.
        ValueError: if it has another shape.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"loss must return a tensor, got {describe(loss)}")
    if not loss.is_floating_point():
        raise TypeError(f"loss must be a floating-point tensor, got {describe(loss)}")
    if loss.shape not in {(), (num_samples,)}:
        raise ValueError(
            f"loss must be a 0-dim tensor or have shape ({num_samples},), got {describe(loss)}"
        )
    return loss
