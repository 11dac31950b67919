"""The entry points of the library, as ways to send a Newton step to a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim._outputs import flatten_outputs
from newton_optim.testing._case import Case
from newton_optim.testing._core import needs

NewtonLossFunction = Callable[..., Tensor]
"""A function with the signature of ``newton_optim.newton_loss``."""


@dataclass(frozen=True)
class Pass:
    """One forward pass of the simplest network, which returns its parameters.

    Args:
        case: the loss at its outputs.
        leaves: the parameters, one per part of the outputs.
        outputs: of the network, in the structure of the case's.
        loss: the loss as a callable, or its value at the outputs.
        args: further arguments of a callable; none for a value.
        options: curvature, damping and reduction, as an entry point takes them.
    """

    case: Case
    leaves: list[Tensor]
    outputs: Any
    loss: Any
    args: tuple[Any, ...]
    options: dict[str, Any]


Gradients = Sequence[Tensor]

EntryPoint = Callable[[Pass], Gradients]
"""From a pass to the gradients that reach its leaves."""


def step_through(
    entry_point: EntryPoint, case: Case, *, as_tensor: bool, curvature: Any, damping: Any
) -> Tensor:
    """The step `(N, m)` that an entry point sends to a network, on the per-sample scale.

    Args:
        entry_point: one of this module, or made by :func:`by_function`.
        case: the loss and its outputs.
        as_tensor: whether the entry point gets the loss as a tensor, not as a callable.
        curvature: as the entry point takes it.
        damping: as the entry point takes it.
    """
    leaves = [part.detach().clone().requires_grad_() for part in case.outputs.parts]
    outputs = case.outputs.rebuild([leaf * 1 for leaf in leaves])
    loss, args = case.loss_fn, case.copied_args()
    if as_tensor:
        loss, args = loss(outputs, *args), ()
    options = {"curvature": curvature, "damping": damping, "reduction": case.reduction}
    gradients = entry_point(Pass(case, leaves, outputs, loss, args, options))
    return case.outputs.join([g.detach() for g in gradients]) * case.batch_factor


def by_function(newton_loss: NewtonLossFunction) -> EntryPoint:
    """The entry point that a function like ``newton_optim.newton_loss`` is."""

    def entry_point(p: Pass) -> Gradients:
        value = newton_loss(p.loss, p.outputs, *p.args, **p.options)
        return torch.autograd.grad(value, p.leaves)

    return entry_point


def by_module(p: Pass) -> Gradients:
    """``NewtonLoss``."""
    module = newton_optim.NewtonLoss(p.loss, **p.options)
    return torch.autograd.grad(module(p.outputs, *p.args), p.leaves)


def by_target(p: Pass) -> Gradients:
    """``newton_target``, as a difference."""
    targets = newton_optim.newton_target(p.loss, p.outputs, *p.args, **p.options)
    pairs = zip(p.leaves, flatten_outputs(targets).parts, strict=True)
    return [(leaf - z) / p.case.batch_factor for leaf, z in pairs]


def by_step(p: Pass) -> Gradients:
    """``NewtonLossOptimizer.step``."""
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD(p.leaves, lr=0.0), **p.options)
    optimizer.step(lambda: (p.outputs, p.loss, *p.args))
    return _accumulated(p.leaves)


def by_backward(p: Pass) -> Gradients:
    """``NewtonLossOptimizer.backward``."""
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD(p.leaves, lr=0.0), **p.options)
    optimizer.backward(p.outputs, p.loss, *p.args)
    return _accumulated(p.leaves)


def by_injection(p: Pass) -> Gradients:
    """``inject_fisher``, which has no curvature to choose."""
    options = {k: v for k, v in p.options.items() if k != "curvature" and v is not None}
    injected = newton_optim.inject_fisher(p.outputs, **options)
    return torch.autograd.grad(p.case.scalar_loss(injected), p.leaves)


def _accumulated(leaves: Sequence[Tensor]) -> Gradients:
    return [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


def accepts_tensors(curvature: Any) -> bool:
    """Whether the loss may be a tensor under this curvature."""
    return needs(curvature) != "gauss_newton"


def entry_points(curvature: Any) -> dict[str, tuple[EntryPoint, bool]]:
    """The entry points by name, each with whether it gets the loss as a tensor."""
    both = {
        "newton_loss": by_function(newton_optim.newton_loss),
        "newton_target": by_target,
        "NewtonLossOptimizer.step": by_step,
        "NewtonLossOptimizer.backward": by_backward,
    }
    found: dict[str, tuple[EntryPoint, bool]] = {name: (way, True) for name, way in both.items()}
    found |= {f"{name} of a callable": (way, False) for name, way in both.items()}
    found["NewtonLoss"] = by_module, False
    if curvature == "fisher":
        found["inject_fisher"] = by_injection, False
    return found
