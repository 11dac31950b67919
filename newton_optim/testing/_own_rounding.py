"""The rounding of a loss itself, measured by rounding every operator at random."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import finite_norms
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._quantities import Quantity
from newton_optim.testing._randomness import fixed_generator

_DRAWS = 3

# fmt: off
_EXACT = frozenset({
    "_to_copy", "abs", "amax", "amin", "argsort", "cat", "clamp", "clamp_max", "clamp_min",
    "clone", "copy", "copy_", "cummax", "cummin", "diag_embed", "empty", "empty_like", "flip",
    "full", "full_like", "gather", "index", "index_put", "index_select", "lift_fresh",
    "masked_fill", "masked_fill_", "max", "maximum", "median", "min", "minimum", "neg",
    "new_empty", "new_full", "new_zeros", "ones", "ones_like", "relu", "repeat", "roll",
    "scatter", "sign", "slice_backward", "sort", "stack", "threshold_backward", "topk", "tril",
    "triu", "where", "zero_", "zeros", "zeros_like",
})
# fmt: on
"""Operators that choose or move numbers and compute none."""


def own_rounding(case: Case, quantity: Quantity, eps: float) -> Tensor:
    """How far the rounding of the operators moves each row of ``quantity(case)``, `(N,)`.

    Args:
        case: in float64.
        quantity: what is judged.
        eps: the relative rounding of one operator.
    """
    exact = quantity(case)
    moved = torch.zeros_like(exact[:, 0])
    generator = fixed_generator()
    for _ in range(_DRAWS):
        with _RandomRounding(eps, generator):
            try:
                rounded = quantity(case)
            except UnusableLossError:
                return moved
        moved = torch.maximum(moved, finite_norms(rounded - exact))
    return moved


class _RandomRounding(TorchDispatchMode):
    """Multiplies the results of every operator by `1 + ε u`, with `u` between -1 and 1."""

    def __init__(self, eps: float, generator: torch.Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eps, self.generator = eps, generator

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in _EXACT:
            return result
        given = {_memory(arg) for arg in args if isinstance(arg, Tensor)}
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            is_real = isinstance(tensor, Tensor) and tensor.is_floating_point()
            if is_real and _memory(tensor) not in given:
                self._round(tensor)
        return result

    def _round(self, tensor: Tensor) -> None:
        u = torch.rand(tensor.shape, generator=self.generator, device="cpu", dtype=torch.float64)
        tensor.mul_(1 + self.eps * (2 * u - 1).to(tensor))


def _memory(tensor: Tensor) -> int:
    """Where the storage of a tensor begins: a view shares that of its base."""
    return tensor.untyped_storage().data_ptr()
