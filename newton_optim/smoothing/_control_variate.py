"""The control variates of stochastic smoothing, which make its estimators less noisy."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from newton_optim._checks import describe


def check_control_variate(value: Any) -> bool | str:
    """``value`` if it is ``True``, ``False`` or ``"leave_one_out"``."""
    if isinstance(value, bool) or (isinstance(value, str) and value == "leave_one_out"):
        return value
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f'control_variate must be True, False or "leave_one_out", got {describe(value)}')


def leave_one_out(values: Tensor, *, antithetic: bool) -> Tensor:
    """The values less the mean of the other samples of their row.

    Args:
        values: `(S, N, *out)`.
        antithetic: whether the second half of the samples mirrors the first. The others then do
            not include the mirror image, which depends on the sample.

    Returns:
        The differences, `(S, N, *out)`.
    """
    S = values.shape[0]
    group = 2 if antithetic else 1
    excess = values - values.mean(0)
    groups: Tensor = excess.unflatten(0, (group, S // group))
    shared = groups.sum(0, keepdim=True) / (S - group)
    return excess + shared.expand(group, *shared.shape[1:]).flatten(0, 1)
