"""A function of the outputs to first order: its value, its pullback and its Jacobians.

Reverse mode takes one vector-Jacobian product for each of the k entries of the result, forward mode
one Jacobian-vector product for each of the m outputs. The latter is taken as the transpose of the
pullback, by a second backward pass: the pullback is linear in the cotangent, so that no second
derivative of the function comes in. (PyTorch's own forward mode is three times slower on small
models, and many custom Functions do not know it.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from newton_optim._derivatives._functional import batched_vjp, call_functional
from newton_optim._derivatives._hidden import has_custom_functions

BatchOfProducts = Callable[[Tensor], Tensor]
"""From vectors `(c, N, a)` to their products `(c, N, b)`."""

_NUMBERS = 2**22
"""The most numbers of a batch of products, where the user names no chunk size: 16 MiB."""


@dataclass(frozen=True)
class Linearisation:
    """A function at its argument.

    Args:
        value: of the function, detached, shape `(N, k)`.
        num_outputs: m.
        pullback: from cotangents `(c, N, k)` to cotangents `(c, N, m)` of the outputs.
        pushforward: makes the map of tangents `(c, N, m)` to tangents `(c, N, k)`; ``None`` where
            a custom Function, whose backward may leave autograd, forbids to transpose.
    """

    value: Tensor
    num_outputs: int
    pullback: BatchOfProducts
    pushforward: Callable[[], BatchOfProducts] | None

    def jacobians(self, chunk_size: int | None) -> Tensor:
        """The Jacobians `J_i`, shape `(N, k, m)`, detached: in forward mode where m < k.

        Args:
            chunk_size: how many products are computed at once; as many as fit into 16 MiB for
                ``None``.
        """
        N, k = self.value.shape
        m = self.num_outputs
        size = chunk_size or max(1, _NUMBERS // (N * max(k, m)))
        if m < k and self.pushforward is not None:
            try:
                columns = _in_chunks(self.pushforward(), self.value, m, size)
            except (RuntimeError, ValueError):  # The backward itself has no backward.
                pass
            else:
                return columns.permute(1, 2, 0)  # (m, N, k) -> (N, k, m)
        rows = _in_chunks(self.pullback, self.value, k, size)
        return rows.transpose(0, 1)  # (k, N, m) -> (N, k, m)


def linearise(function: Callable[[Tensor], Tensor], matrix: Tensor) -> Linearisation:
    """Evaluate ``function`` once, at ``matrix``.

    Args:
        function: from the outputs `(N, m)` to a tensor `(N, k)`.
        matrix: the outputs, detached.

    Raises:
        ValueError: if it cannot be differentiated.
    """
    leaf = None if torch.compiler.is_compiling() else _leaf(matrix)
    return _by_func(function, matrix) if leaf is None else _by_autograd(function, leaf)


def _leaf(matrix: Tensor) -> Tensor | None:
    """``matrix`` as a leaf; ``None`` inside a transform of ``torch.func``, which has none."""
    try:
        return matrix.detach().requires_grad_()
    except RuntimeError:
        return None


def _by_autograd(function: Callable[[Tensor], Tensor], leaf: Tensor) -> Linearisation:
    with torch.enable_grad():
        u = function(leaf)

    def pushforward() -> BatchOfProducts:
        w = torch.zeros_like(u).requires_grad_()
        with torch.enable_grad():
            (cotangent,) = torch.autograd.grad(u, leaf, w, create_graph=True)
        return lambda v: _grads(cotangent, w, v.to(cotangent.dtype))

    return Linearisation(
        u.detach(),
        leaf.shape[-1],
        lambda v: _grads(u, leaf, v),
        None if has_custom_functions(u) else pushforward,
    )


def _grads(value: Tensor, argument: Tensor, vectors: Tensor) -> Tensor:
    """Vector-Jacobian products, one at a time where an operation has no batching rule."""
    options = {"retain_graph": True, "materialize_grads": True}
    if len(vectors) == 1:
        return torch.autograd.grad(value, argument, vectors[0], **options)[0][None]
    try:
        return torch.autograd.grad(value, argument, vectors, is_grads_batched=True, **options)[0]
    except RuntimeError:
        rows = [torch.autograd.grad(value, argument, v, **options)[0] for v in vectors]
        return torch.stack(rows)


def _by_func(function: Callable[[Tensor], Tensor], matrix: Tensor) -> Linearisation:
    custom: list[bool] = []

    def noted(y: Tensor) -> Tensor:
        u = function(y)
        custom.append(not torch.compiler.is_compiling() and has_custom_functions(u))
        return u

    u, vjp = call_functional(lambda y: torch.func.vjp(noted, y), matrix)

    def pushforward() -> BatchOfProducts:
        transpose = torch.func.vjp(lambda w: vjp(w)[0], torch.zeros_like(u))[1]
        return lambda v: batched_vjp(transpose, v, None)

    return Linearisation(
        u.detach(),
        matrix.shape[-1],
        lambda v: batched_vjp(vjp, v, None),
        None if custom[0] else pushforward,
    )


def _in_chunks(products: BatchOfProducts, like: Tensor, count: int, size: int) -> Tensor:
    """The products with the unit vectors of all samples, shape `(count, N, ...)`."""
    N = len(like)
    basis = torch.eye(count, dtype=like.dtype, device=like.device)[:, None, :]
    chunks = [products(chunk.expand(-1, N, -1)) for chunk in basis.split(size)]
    return chunks[0] if len(chunks) == 1 else torch.cat(chunks)
