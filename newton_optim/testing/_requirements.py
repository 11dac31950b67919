"""What a property needs from a loss to apply to it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._quantities import gradient, has_derivatives, has_hessian

Requirement = Callable[[Case], str | None]
"""From a case to the reason why a property does not apply to it, or ``None`` if it does."""

_HALF_SQUARED_ERROR = 2.0**-40
"""The relative difference up to which a gradient is that of half the squared error."""


def nothing(case: Case) -> str | None:
    """The property applies to every loss."""
    return None


def second_derivative(case: Case) -> str | None:
    """Autograd can differentiate the loss twice, and it is not declared as first order."""
    if "first_order" in case.promises:
        return "declared first_order"
    return None if has_hessian(case.to(torch.float64)) else "the loss has no second derivative"


def derivatives_method(case: Case) -> str | None:
    """The loss states its own derivatives."""
    return None if has_derivatives(case.loss_fn) else "the loss has no `derivatives` method"


def two_samples(case: Case) -> str | None:
    """There is another sample to compare with."""
    return None if case.num_samples > 1 else "there is only one sample"


def uncoupled(case: Case) -> str | None:
    """The samples are not declared as coupled."""
    return "declared coupled" if "coupled" in case.promises else None


def two_uncoupled_samples(case: Case) -> str | None:
    """There is another sample, which must not matter."""
    return two_samples(case) or uncoupled(case)


def nowhere_constant(case: Case) -> str | None:
    """The loss is not declared as constant in places, and the samples not as coupled."""
    if "piecewise_constant" in case.promises:
        return "declared piecewise_constant"
    return uncoupled(case)


def single_tensor(case: Case) -> str | None:
    """The outputs are one tensor with coordinates."""
    return None if _is_single_tensor(case) else "the outputs are not one tensor (N, m)"


def mask(case: Case) -> str | None:
    """It is known which outputs count."""
    return None if case.mask is not None else "no mask= given"


def half_squared_error(case: Case) -> str | None:
    """The gradient is `y - t` with the only argument as `t`."""
    return None if _is_half_squared_error(case.to(torch.float64)) else "the loss is not ½‖y - t‖²"


def _is_half_squared_error(case: Case) -> bool:
    if len(case.args) != 1 or not _is_single_tensor(case):
        return False
    found = case.targets
    if not found:
        return False
    t = found[0]
    difference = (gradient(case) - (case.y - t)).norm()
    return bool(difference <= _HALF_SQUARED_ERROR * (case.y.norm() + t.norm()))


def _is_single_tensor(case: Case) -> bool:
    outputs = case.structured_outputs
    return isinstance(outputs, Tensor) and outputs.dim() > 1
