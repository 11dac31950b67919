"""Values and derivatives in float32 that agree with those in float64."""

from __future__ import annotations

from typing import Any

import torch

from newton_optim.testing._agreement import assert_quantity_matches
from newton_optim.testing._case import Case
from newton_optim.testing._float32_range import beyond_float32
from newton_optim.testing._quantities import derivatives, value
from newton_optim.testing._rounding import Surroundings


def assert_float32_matches_float64(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean", order: int = 2
) -> list[str]:
    r"""Value, gradient and Hessian in float32 equal those in float64 up to rounding, per sample.

    .. math:: \lVert g_i^{32} - g_i^{64} \rVert \le 2^{10} (ε \, S_i + δ_i), \qquad ε = 2^{-23}

    `S_i` is the largest `‖g_i‖` on the way from the outputs to zero; `δ_i` is how much `g_i^{64}`
    changes when the outputs change by a relative `ε` (a kink counts). Both computations get the
    same outputs and arguments, rounded to float32. The Hessian has the same bound, the value
    `2^{10} ε S_i + 2^5 δ_i`, and a ``derivatives`` method is held to them. A larger error passes if
    it is below `2^{-8}` of the result and the loss's own rounding explains it, which is measured by
    rounding every operator at random. A loss that is correct on paper and fails here trains with
    gradients that consist of rounding errors: rewrite it (from logits, without ``1 - p``).

    It sees what differs between float32 and float64: ``log(1 - p)``, ``F.binary_cross_entropy`` of
    probabilities, differences of large numbers. It does not see what is wrong in both, or a sample
    whose result is too large for float32.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``. The tensors of a module and of the
            arguments are cast; those in a closure cannot be.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        order: 1 to leave out the Hessian.

    Returns:
        The quantities that are too large for float32 in some sample.

    Raises:
        AssertionError: with the sample that exceeds its bound the most and both results.
    """
    single = Case.checked(loss_fn, outputs, args, reduction, dtype=torch.float32)
    double = single.to(torch.float64)
    around = Surroundings.of(double, torch.float32)
    values = beyond_float32(value(double))
    beyond = ["value"] if values.any() else []
    too_large = values if len(values) == double.num_samples else torch.zeros_like(double.y[:, 0])
    for kind, quantity, reference in derivatives(double, order):
        if reference is None:
            continue
        skipped = beyond_float32(reference(double))
        if skipped.any():
            beyond.append(kind)
        too_large = too_large.bool() | skipped
        pair = (single, quantity), (around, reference)
        assert_quantity_matches(f"the float32 {kind}", *pair, ~too_large)
    pair = (single, value), (around, value)
    assert_quantity_matches("the float32 value", *pair, ~values)
    return beyond
