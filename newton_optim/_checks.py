"""The checks of arguments and their messages.

A message gives the argument's name, what it must be and what was found. Kind and dtype are a
``TypeError``; value, shape and name are a ``ValueError``. Comparisons are written so that NaN
fails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def describe(value: Any) -> str:
    """A short description of what was found, for the end of a message."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """``value`` if it is one of ``choices``."""
    if not isinstance(value, str):
        raise TypeError(
            f"{name} must be one of {', '.join(map(repr, choices))}, got {describe(value)}"
        )
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def check_bool(name: str, value: Any) -> bool:
    """``value`` if it is a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {describe(value)}")
    return value


def check_integer(name: str, value: Any, *, minimum: int = 1) -> int:
    """``value`` as an int, if it is an integer of at least ``minimum``."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or isinstance(value, Tensor):
        raise TypeError(f"{name} must be an integer, got {describe(value)}")
    number = int(value.__index__())
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    return number


def check_real(name: str, value: Any) -> float:
    """``value`` as a float, if it is a finite real number (Python, NumPy or a 0-dim tensor)."""
    is_scalar = not isinstance(value, (bool, str, bytes)) and getattr(value, "shape", ()) == ()
    dtype = str(getattr(value, "dtype", ""))
    if not is_scalar or "complex" in dtype or "bool" in dtype or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a real number, got {describe(value)}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    return number


def check_positive(name: str, value: Any) -> float:
    """``value`` as a float, if it is a finite real number above zero."""
    number = check_real(name, value)
    if not number > 0.0:
        raise ValueError(f"{name} must be above 0, got {number}")
    return number


def check_nonnegative(name: str, value: Any) -> float:
    """``value`` as a float, if it is a finite real number of at least zero."""
    number = check_real(name, value)
    if not number >= 0.0:
        raise ValueError(f"{name} must be at least 0, got {number}")
    return number


def check_float_tensor(name: str, value: Any) -> Tensor:
    """``value`` if it is a floating-point tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, got {describe(value)}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor, got {describe(value)}")
    return value


def values_can_be_read(tensor: Tensor) -> bool:
    """Whether a check may look at the values of ``tensor``.

    Looking at values on a device would make the host wait for it, and under ``torch.compile`` it
    would break the graph: there, checks of values are left out.
    """
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


def known_true(condition: Tensor) -> bool:
    """Whether a 0-dim boolean tensor is known to be true: under ``torch.func.vmap`` nothing is."""
    if not values_can_be_read(condition):
        return False
    try:
        return bool(condition)
    except RuntimeError:  # vmap: no value that Python could branch on.
        return False


def finite_rows(tensor: Tensor) -> Tensor:
    """Whether all entries along the last dimension are finite, shape `(...,)`.

    `x - x` is 0 for a finite x and NaN for any other: several times faster than `isfinite`.
    """
    return (tensor - tensor).sum(-1) == 0
