"""What a closure must return, and which optimisers need one."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor

from newton_optim._checks import describe

CONTRACT = (
    "closure must return (outputs, loss) or (outputs, loss_fn, *args), where the loss is not yet "
    "backpropagated, or None for a plain step"
)


def parse_returned(returned: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """The parts of what a closure returned."""
    if isinstance(returned, Tensor):
        raise TypeError(
            f"{CONTRACT}; got {describe(returned)}, which is what a trainer's own closure returns: "
            "there, wrap the loss in NewtonLoss and use the bare optimiser, or use the trainer's "
            "manual optimisation"
        )
    if not isinstance(returned, tuple) or len(returned) < 2:
        raise TypeError(f"{CONTRACT}; got {describe(returned)}")
    outputs, loss, *args = returned
    if not isinstance(loss, Tensor) and not callable(loss):
        raise TypeError(f"{CONTRACT}; got {describe(loss)} as the loss")
    if isinstance(loss, Tensor) and args:
        raise TypeError(f"{CONTRACT}; got a loss that is a tensor, and further arguments")
    return outputs, loss, tuple(args)


def needs_closure(base: Any) -> bool:
    """Whether the step of this class cannot be called without one (L-BFGS)."""
    closure = inspect.signature(base.step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty
