"""Derivatives in float32 that agree with those in float64."""

from __future__ import annotations

from typing import Any

import torch

from newton_optim.testing._case import Case
from newton_optim.testing._quantities import derivatives
from newton_optim.testing._rounding import assert_quantity_matches


def assert_float32_matches_float64(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    r"""Gradient and Hessian in float32 equal those in float64 up to rounding, sample by sample.

    .. math:: \lVert g_i^{32} - g_i^{64} \rVert \le 2^{10} (ε \, S_i + δ_i), \qquad ε = 2^{-23}

    `S_i` is the largest `‖g_i‖` on the way from the outputs to zero; `δ_i` is how much `g_i^{64}`
    changes when the outputs change by a relative `ε` (a kink counts). Both computations get the
    same outputs and arguments, rounded to float32. The Hessian has the same bound, and a
    ``derivatives`` method is held to both. A loss that is correct on paper and fails here trains
    with gradients that consist of rounding errors: rewrite it (from logits, without ``1 - p``).

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``. The tensors of a module and of the
            arguments are cast; those in a closure cannot be.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the sample that exceeds its bound the most and both results.
    """
    single = Case.checked(loss_fn, outputs, args, reduction, dtype=torch.float32)
    double = single.to(torch.float64)
    for kind, quantity, reference in derivatives(double):
        if reference is not None:
            assert_quantity_matches(f"the float32 {kind}", (single, quantity), (double, reference))
