"""The derivatives of a loss that is a tensor, by double backward on its own graph."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from newton_optim._derivatives._evaluation import Evaluation, check_loss_value
from newton_optim._derivatives._hidden import custom_functions, refusal, watch_backward
from newton_optim._outputs import Outputs
from newton_optim._reduction import per_sample_factor


def evaluate_tensor(
    loss: Tensor,
    outputs: Outputs,
    reduction: str,
    *,
    second_order: bool,
    chunk_size: int | None = None,
) -> Evaluation:
    """Value, gradient and Hessian-vector products of ``loss``, whose graph is kept.

    The backward of a mean loss is seeded with N, so that gradients are on the per-sample scale all
    the way: those of half precision do not flush to zero.

    Args:
        loss: a tensor of shape `()` or `(N,)`.
        outputs: the tensors from which it was computed.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        second_order: whether the products are going to be asked for.
        chunk_size: how many products are computed at once; all by default.

    Raises:
        TypeError: if ``loss`` is not a floating-point tensor.
        ValueError: if its shape is neither `()` nor `(N,)`, if it was not computed from the
            outputs, or, with ``second_order``, if its graph hides its second derivative.
    """
    check_loss_value(loss, outputs.num_samples)
    _check_graph(loss, outputs)
    functions = []
    if second_order:
        functions = custom_functions(loss, {get_gradient_edge(p).node for p in outputs.parts})
    seed, rest = _seed(loss, per_sample_factor(loss, outputs.num_samples, reduction))
    with torch.enable_grad(), watch_backward(functions):
        grads = _gradient(loss, outputs, seed, second_order)
        gradient = outputs.join(grads) * rest if rest != 1.0 else outputs.join(grads)

    def products(vectors: Tensor) -> Tensor:
        return _products(grads, outputs, vectors if rest == 1.0 else vectors * rest, chunk_size)

    return Evaluation(loss.detach(), gradient.detach(), products)


def _check_graph(loss: Tensor, outputs: Outputs) -> None:
    for name, part in zip(outputs.names, outputs.parts, strict=True):
        if not part.requires_grad:
            raise ValueError(
                f"{name} must require grad when the loss is a tensor: it is not the output of a "
                "network that is trained, or was computed under no_grad"
            )
    if not loss.requires_grad:
        raise ValueError("loss must be computed from the outputs with autograd on: it has no graph")


def _seed(loss: Tensor, factor: int) -> tuple[Tensor, float]:
    """What the backward starts from, and what is left of the factor after it."""
    if factor == 1 or loss.dtype in {torch.float32, torch.float64}:
        return torch.full_like(loss, factor), 1.0
    power = 2.0 ** min(round(math.log2(factor)), 15)  # exact in half precision
    return torch.full_like(loss, power), factor / power


def _gradient(loss: Tensor, outputs: Outputs, seed: Tensor, create_graph: bool) -> list[Tensor]:
    try:
        grads = torch.autograd.grad(
            loss,
            outputs.parts,
            seed,
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
    except RuntimeError as error:
        raise ValueError(f"loss cannot be differentiated: {error}") from error
    for name, grad in zip(outputs.names, grads, strict=True):
        if grad is None:
            raise ValueError(
                f"loss was not computed from {name}: pass the very tensor that went into the loss, "
                "not a view, copy or cast that was made after it or beside it"
            )
    return list(grads)


def _products(
    grads: Sequence[Tensor], outputs: Outputs, vectors: Tensor, chunk_size: int | None
) -> Tensor:
    """Vector-Jacobian products of the gradient, shape `(k, N, m)`."""
    if not any(g.requires_grad for g in grads):
        raise refusal("is linear in the outputs, or its backward leaves autograd")
    vectors_of = [v.to(g.dtype) for v, g in zip(outputs.split(vectors), grads, strict=True)]
    size = chunk_size or len(vectors)
    pieces = [_batch_of_products(grads, outputs, chunk) for chunk in _chunks(vectors_of, size)]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _chunks(vectors: Sequence[Tensor], size: int) -> list[list[Tensor]]:
    return [list(chunk) for chunk in zip(*(torch.split(v, size) for v in vectors), strict=True)]


def _batch_of_products(
    grads: Sequence[Tensor], outputs: Outputs, vectors: Sequence[Tensor]
) -> Tensor:
    """One batched backward; one at a time where an operation has no batching rule."""
    pairs = [(g, v) for g, v in zip(grads, vectors, strict=True) if g.requires_grad]
    with_graph, seeds = [g for g, _ in pairs], [v for _, v in pairs]
    try:
        found = _vjp(with_graph, outputs, seeds, batched=True)
    except RuntimeError:
        try:
            rows = [
                _vjp(with_graph, outputs, list(r), batched=False) for r in zip(*seeds, strict=True)
            ]
        except RuntimeError as error:
            raise refusal(f"cannot be differentiated twice ({error})") from error
        found = [torch.stack(column) for column in zip(*rows, strict=True)]
    return outputs.join(found).detach()


def _vjp(
    grads: list[Tensor], outputs: Outputs, vectors: list[Tensor], *, batched: bool
) -> list[Tensor]:
    found = torch.autograd.grad(
        grads,
        outputs.parts,
        vectors,
        retain_graph=True,
        allow_unused=True,
        is_grads_batched=batched,
    )
    lead = vectors[0].shape[:1] if batched else ()
    return [
        part.new_zeros((*lead, *part.shape)) if f is None else f
        for f, part in zip(found, outputs.parts, strict=True)
    ]
