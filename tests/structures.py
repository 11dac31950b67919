"""Outputs of any structure as one matrix, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array: TypeAlias = npt.NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]


def flatten(outputs: Any) -> Tensor:
    """Outputs of any structure as one tensor `(N, m)`."""
    if isinstance(outputs, Tensor):
        return outputs.reshape(len(outputs), -1)
    parts = outputs.values() if isinstance(outputs, dict) else outputs
    return torch.cat([part.reshape(len(part), -1) for part in parts], dim=1)


def to_array(outputs: Any) -> Array:
    """Outputs of any structure as one float64 array `(N, m)`."""
    array: Array = flatten(outputs).detach().cpu().double().numpy()
    return array


def map_outputs(function: Callable[[Tensor], Tensor], outputs: Any) -> Any:
    """The same structure with `function` applied to every tensor."""
    if isinstance(outputs, Tensor):
        return function(outputs)
    if isinstance(outputs, dict):
        return {key: function(value) for key, value in outputs.items()}
    return type(outputs)(function(value) for value in outputs)


def leaves(outputs: Any) -> list[Tensor]:
    """The tensors of a structure, in order."""
    if isinstance(outputs, Tensor):
        return [outputs]
    return list(outputs.values() if isinstance(outputs, dict) else outputs)


def structured(array: Array, structure: Any, dtype: torch.dtype) -> Any:
    """The columns of `array` as tensors with the event shapes of `structure`."""
    column = 0

    def take(event: Shape) -> Tensor:
        nonlocal column
        width = int(np.prod(event))
        part = array[:, column : column + width].reshape(len(array), *event)
        column += width
        return torch.tensor(part, dtype=dtype)

    if isinstance(structure, tuple) and all(isinstance(size, int) for size in structure):
        return take(structure)
    if isinstance(structure, dict):
        return {key: take(event) for key, event in structure.items()}
    return type(structure)(take(event) for event in structure)


def width_of(structure: Any) -> int:
    """The number m of coordinates of one sample."""
    return flatten(structured(np.zeros((1, 999)), structure, torch.float64)).shape[1]
