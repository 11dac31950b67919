"""With the identity as curvature, the wrapped optimiser is the bare one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim.curvature import Identity
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._quantities import gradient
from newton_optim.testing._rounding import EPS, ROUNDINGS

_LEARNING_RATE = 2.0**-10


def assert_identity_steps_like_base(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    base: Callable[[list[Tensor]], torch.optim.Optimizer] | None = None,
    reduction: str = "mean",
    wrapper: Callable[..., Any] = newton_optim.NewtonLossOptimizer,
    steps: int = 2,
) -> None:
    """With the identity and no damping, the wrapped optimiser steps like the bare one.

    This is Lemma 2 of `arXiv 2410.19055`_. The network returns its parameters, which start at the
    outputs.

    It sees a wrapper that scales or keeps gradients, or steps twice. It does not see an error in a
    curvature.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        base: makes the base optimiser from a list of parameters; SGD with momentum by default.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        wrapper: ``wrapper(base, curvature=Identity(), damping=0.0, reduction=reduction)`` returns
            an object with ``step(closure)``; to test a custom one.
        steps: how many steps are compared.

    Raises:
        AssertionError: with the sample and the points that both optimisers reach.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    make = base or (lambda leaves: torch.optim.SGD(leaves, lr=_LEARNING_RATE, momentum=0.9))
    case = Case.checked(loss_fn, outputs, args, reduction)
    bare, wrapped = (
        [part.clone().requires_grad_() for part in case.outputs.parts] for _ in range(2)
    )
    optimizer = make(bare)
    newton = wrapper(make(wrapped), curvature=Identity(), damping=0.0, reduction=reduction)
    moved = torch.zeros_like(case.y)
    for _ in range(steps):
        optimizer.zero_grad()
        _forward(case, bare)[1].backward()
        optimizer.step()
        newton.step(lambda: _forward(case, wrapped))
        moved = moved + _position(case, bare) - case.y
    sizes = case.y.norm(dim=1) + moved.norm(dim=1) + _LEARNING_RATE * gradient(case).norm(dim=1)
    bound = ROUNDINGS * EPS[torch.float64] * sizes
    actual, expected = _position(case, wrapped), _position(case, bare)
    assert_rows_close(f"the point after {steps} steps", actual, expected, bound, case.y)


def _forward(case: Case, leaves: list[Tensor]) -> tuple[Any, Tensor]:
    """The outputs and their loss, as a closure returns them."""
    outputs = case.outputs.rebuild([leaf * 1 for leaf in leaves])
    return outputs, case.scalar_loss(outputs)


def _position(case: Case, leaves: list[Tensor]) -> Tensor:
    return case.outputs.join([leaf.detach() for leaf in leaves])
