"""The outputs of a network as one matrix `(N, m)`, and back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_float_tensor, describe

Structure = Tensor | tuple[Tensor, ...] | list[Tensor] | Mapping[str, Tensor]


@dataclass(frozen=True)
class Outputs:
    """Tensors `(N, *event)` that share N, and the way back to the structure they came in.

    Args:
        parts: the tensors.
        names: what to call each of them in a message.
        rebuild: from a list of tensors to the structure they came in.
    """

    parts: list[Tensor]
    names: list[str]
    rebuild: Callable[[list[Tensor]], Any]

    @property
    def num_samples(self) -> int:
        """N, the size of the batch."""
        return self.parts[0].shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the algebra: float64 if any output is, otherwise float32."""
        return torch.float64 if any(p.dtype == torch.float64 for p in self.parts) else torch.float32

    @property
    def matrix(self) -> Tensor:
        """The values as one matrix `(N, m)`, detached, in the dtype of the algebra."""
        return self.join([part.detach() for part in self.parts])

    def detached(self) -> Outputs:
        """The same values without their graph."""
        return Outputs([p.detach() for p in self.parts], self.names, self.rebuild)

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """One matrix `(..., N, m)` of tensors `(..., N, *event)`, in the dtype of the algebra."""
        flat = [
            part.to(self.dtype).reshape(*part.shape[: part.dim() - own.dim()], self.num_samples, -1)
            for part, own in zip(parts, self.parts, strict=True)
        ]
        return flat[0] if len(flat) == 1 else torch.cat(flat, dim=-1)

    def split(self, matrix: Tensor) -> list[Tensor]:
        """The inverse of :meth:`join`, in the dtype of ``matrix``."""
        if len(self.parts) == 1:
            return [matrix.reshape(*matrix.shape[:-2], *self.parts[0].shape)]
        pieces = torch.split(matrix, [p[0].numel() for p in self.parts], dim=-1)
        return [
            piece.reshape(*matrix.shape[:-2], *part.shape)
            for piece, part in zip(pieces, self.parts, strict=True)
        ]


def flatten_outputs(outputs: Any, called: str = "outputs") -> Outputs:
    """Check the outputs and take them apart.

    Args:
        outputs: a tensor, or a tuple, list or dict of tensors.
        called: what a message calls them.

    Raises:
        TypeError: if they are not floating-point tensors, alone or in a tuple, list or dict.
        ValueError: if they are empty, have no batch dimension, or differ in N.
    """
    result = _take_apart(outputs, called)
    for name, part in zip(result.names, result.parts, strict=True):
        check_float_tensor(name, part)
        if part.dim() == 0:
            raise ValueError(f"{name} must have shape (N, *event), got a 0-dim tensor")
        if part.numel() == 0:
            raise ValueError(f"{name} must not be empty, got {describe(part)}")
    sizes = [part.shape[0] for part in result.parts]
    if len(set(sizes)) > 1:
        found = ", ".join(f"{n}: {s}" for n, s in zip(result.names, sizes, strict=True))
        raise ValueError(f"{called} must share the batch size N, got {found}")
    return result


def _take_apart(outputs: Any, called: str) -> Outputs:
    if isinstance(outputs, Tensor):
        return Outputs([outputs], [called], lambda parts: parts[0])
    if isinstance(outputs, (Mapping, tuple, list)) and not outputs:
        raise ValueError(f"{called} must not be empty, got {describe(outputs)}")
    if isinstance(outputs, Mapping):
        names = [f"{called}[{key!r}]" for key in outputs]
        return Outputs(list(outputs.values()), names, _mapping_like(outputs))
    if isinstance(outputs, (tuple, list)):
        names = [f"{called}[{i}]" for i in range(len(outputs))]
        return Outputs(list(outputs), names, _sequence_like(outputs))
    raise TypeError(
        f"{called} must be a tensor (N, *event), or a tuple, list or dict of such tensors, "
        f"got {describe(outputs)}"
    )


def _mapping_like(outputs: Mapping[str, Tensor]) -> Callable[[list[Tensor]], Any]:
    keys = list(outputs)
    if type(outputs) is dict or not isinstance(outputs, dict):
        return lambda parts: dict(zip(keys, parts, strict=True))

    def rebuild(parts: list[Tensor]) -> Any:  # a subclass, with attributes of its own perhaps
        result = copy.copy(outputs)
        result.update(zip(keys, parts, strict=True))
        return result

    return rebuild


def _sequence_like(outputs: tuple[Tensor, ...] | list[Tensor]) -> Callable[[list[Tensor]], Any]:
    if isinstance(outputs, list):
        return lambda parts: parts
    if hasattr(outputs, "_fields"):  # a named tuple
        return lambda parts: type(outputs)(*parts)
    return tuple
