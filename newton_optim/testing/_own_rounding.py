"""The rounding of a loss itself, measured by rounding every operator at random."""

from __future__ import annotations

from dataclasses import replace
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

OWN_ROUNDINGS = 8.0
"""How much larger an error may be than the largest of a few measured ones."""

# fmt: off
_EXACT = frozenset({
    "_reshape_alias", "_to_copy", "_unsafe_view", "abs", "alias", "amax", "amin", "argsort",
    "as_strided", "cat", "clamp", "clamp_max", "clamp_min", "clone", "copy", "copy_", "cummax",
    "cummin", "detach", "diag_embed", "diagonal", "empty", "empty_like", "expand", "flip",
    "full", "full_like", "gather", "index", "index_put", "index_select", "lift_fresh",
    "masked_fill", "masked_fill_", "max", "maximum", "median", "min", "minimum", "neg",
    "new_empty", "new_full", "new_zeros", "ones", "ones_like", "permute", "relu", "repeat",
    "roll", "scatter", "select", "sign", "slice", "slice_backward", "sort", "split", "squeeze",
    "stack", "t", "threshold_backward", "topk", "transpose", "tril", "triu", "unbind", "unfold",
    "unsqueeze", "view", "where", "zero_", "zeros", "zeros_like",
})
# fmt: on
"""Operators that choose, move or show numbers and compute none."""


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
                rounded = quantity(replace(case))  # A new case computes anew.
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
        if func.overloadpacket.__name__ in _EXACT:
            return result
        if isinstance(result, (tuple, list)):
            return type(result)(self._rounded(part, args) for part in result)
        return self._rounded(result, args)

    def _rounded(self, result: Any, args: tuple[Any, ...]) -> Any:
        """The result with every number rounded, unless it is an argument that was changed.

        A zero that autograd made without memory stays: torch crashes where it is read.
        """
        if not isinstance(result, Tensor) or result._is_zerotensor():  # noqa: SLF001
            return result
        if not result.is_floating_point() or any(result is arg for arg in args):
            return result
        u = torch.rand(result.shape, generator=self.generator, device="cpu", dtype=torch.float64)
        return result * (1 + self.eps * (2 * u - 1).to(result))
