"""The Newton step of a case through every door, and how far rounding may move it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim._derivatives import Request, evaluate
from newton_optim._outputs import flatten_outputs
from newton_optim._reduction import reduce_loss
from newton_optim.curvature import GaussNewton
from newton_optim.curvature._damping import check_damping
from newton_optim.curvature._resolve import resolve_curvature
from newton_optim.testing._case import Case
from newton_optim.testing._rounding import EPS, ROUNDINGS, gradient, hessian, rounding

NewtonLossFunction = Callable[..., Tensor]
"""A function with the signature of `newton_optim.newton_loss`."""

Gradients = Sequence[Tensor]

Door = Callable[..., Gradients]
"""From `(leaves, loss, outputs, *args, **options)` to the gradients that reach the leaves."""


def arriving(door: Door, case: Case, *, as_tensor: bool, reduction: str, **options: Any) -> Tensor:
    """The step `(N, m)` that a door sends to a network, on the scale of the single sample.

    Args:
        door: any.
        case: the loss and its outputs.
        as_tensor: whether the door gets the loss as a tensor instead of a callable.
        reduction: as the door takes it.
        **options: further options of the door.
    """
    leaves = [part.detach().clone().requires_grad_() for part in case.outputs.parts]
    outputs = case.outputs.rebuild([leaf * 1 for leaf in leaves])  # of the simplest network
    loss, args = case.loss_fn, case.copied_args()
    if as_tensor:
        loss, args = loss(outputs, *args), ()
    gradients = door(leaves, loss, outputs, *args, reduction=reduction, **options)
    scale = case.num_samples if reduction == "mean" else 1
    return case.outputs.join([g.detach() for g in gradients]) * scale


def through(newton_loss: NewtonLossFunction) -> Door:
    """The door that a function like `newton_optim.newton_loss` is."""

    def door(leaves: Any, loss: Any, outputs: Any, *args: Any, **options: Any) -> Gradients:
        found: Gradients = torch.autograd.grad(newton_loss(loss, outputs, *args, **options), leaves)
        return found

    return door


def by_module(leaves: Any, loss: Any, outputs: Any, *args: Any, **options: Any) -> Gradients:
    """`NewtonLoss`."""
    module = newton_optim.NewtonLoss(loss, **options)
    found: Gradients = torch.autograd.grad(module(outputs, *args), leaves)
    return found


def by_target(leaves: Any, loss: Any, outputs: Any, *args: Any, **options: Any) -> Gradients:
    """`newton_target`, as a difference."""
    targets = flatten_outputs(newton_optim.newton_target(loss, outputs, *args, **options)).parts
    scale = len(leaves[0]) if options["reduction"] == "mean" else 1
    return [(leaf - z) / scale for leaf, z in zip(leaves, targets, strict=True)]


def by_step(leaves: Any, loss: Any, outputs: Any, *args: Any, **options: Any) -> Gradients:
    """`NewtonLossOptimizer.step`."""
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD(leaves, lr=0.0), **options)
    optimizer.step(lambda: (outputs, loss, *args))
    return [leaf.grad for leaf in leaves]


def by_backward(leaves: Any, loss: Any, outputs: Any, *args: Any, **options: Any) -> Gradients:
    """`NewtonLossOptimizer.backward`."""
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD(leaves, lr=0.0), **options)
    optimizer.backward(outputs, loss, *args)
    return [leaf.grad for leaf in leaves]


def by_injection(leaves: Any, loss: Any, outputs: Any, *args: Any, **options: Any) -> Gradients:
    """`inject_fisher`."""
    del options["curvature"]
    if options["damping"] is None:
        del options["damping"]
    injected = newton_optim.inject_fisher(outputs, **options)
    value = reduce_loss(loss(injected, *args), options["reduction"])
    found: Gradients = torch.autograd.grad(value, leaves)
    return found


def takes_tensors(curvature: Any) -> bool:
    """Whether a loss may be a tensor under this curvature."""
    return not isinstance(curvature, GaussNewton)


TAKE_BOTH_FORMS: dict[str, Door] = {
    "newton_loss": through(newton_optim.newton_loss),
    "newton_target": by_target,
    "NewtonLossOptimizer.step": by_step,
    "NewtonLossOptimizer.backward": by_backward,
}


def step_rounding(case: Case, curvature: Any, damping: Any) -> Tensor:
    """How far rounding of gradient and Hessian may move the step of each sample, `(N,)`.

    Measured: the curvature solves again with both moved by as much as they may be off.
    """
    resolved = resolve_curvature(curvature)
    lam = check_damping(damping, resolved.default_damping)
    g, g_noise = gradient(case), rounding(case, gradient)[:, None]
    H, H_noise = g.new_zeros(*g.shape, g.shape[1]), g.new_zeros(len(g), 1, 1)
    if isinstance(resolved, GaussNewton):
        H = _gauss_newton(case)
        H_noise = ROUNDINGS * EPS[H.dtype] * H.flatten(1).norm(dim=1)[:, None, None]
    elif resolved.request.second_order:
        H, H_noise = hessian(case).view_as(H), rounding(case, hessian)[:, None, None]
    kept = g.isfinite().all(1) & H.isfinite().flatten(1).all(1)
    generator = torch.Generator().manual_seed(0)

    def step(size: float) -> Tensor:
        noise = size * torch.randn(tuple(H.shape), generator=generator).to(H)
        C = torch.where(kept[:, None, None], H + H_noise * (noise + noise.mT), 0.0)
        moved = torch.where(kept[:, None], g + g_noise * noise[:, 0], 0.0)
        derivatives = newton_optim.LossDerivatives(g.new_zeros(len(g)), moved, C, gauss_newton=C)
        found: Tensor = resolved.newton_step(derivatives, lam)
        return found

    here = step(0.0)
    moved = max(float((step(1.0) - here).norm(dim=1).amax()) for _ in range(2))
    sizes = here.norm() + case.y.norm(dim=1)
    bound: Tensor = 4 * moved + ROUNDINGS * EPS[torch.float64] * sizes
    return bound


def _gauss_newton(case: Case) -> Tensor:
    request = Request("gauss_newton")
    found = evaluate(case.loss_fn, case.outputs, case.copied_args(), {}, case.reduction, request)
    assert found.gauss_newton is not None
    return found.gauss_newton()
