"""The dtype in which a loss computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from newton_optim.testing._case import Case


def assert_dtype_kept(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """For float64 outputs, the loss computes and returns float64.

    It sees a result that depends on the outputs and has fewer digits than they have, also where the
    loss is converted back. It does not see one inside a custom ``torch.autograd.Function``.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the dtype that was found.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    with _Narrowed() as narrowed:
        returned = case.evaluate().value.dtype
    if returned != torch.float64:
        raise AssertionError(f"the loss returns {_name(returned)} for float64 outputs")
    if narrowed.dtype is not None:
        raise AssertionError(f"the loss computes in {_name(narrowed.dtype)} for float64 outputs")


class _Narrowed(TorchFunctionMode):
    """Notes the dtype of a result with a gradient that has fewer digits than float64."""

    dtype: torch.dtype | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        is_new = isinstance(result, Tensor) and result.is_floating_point()
        if is_new and result.requires_grad and result.dtype != torch.float64:
            self.dtype = result.dtype
        return result


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
