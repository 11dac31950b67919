"""How far rounding alone may move a result, and the comparison that allows no more."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from newton_optim.testing._case import Case, UnusableLossError

EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
ROUNDINGS = 2.0**10
"""A loss may round this often, one after the other, before it counts as wrong."""

_RAY = (0.25, 0.0625, 0.015625)


def rounding(
    case: Case, function: Callable[[Case], Tensor], dtype: torch.dtype = torch.float64
) -> Tensor:
    """The bound for the rows of ``function(case)``, shape `(N,)`: a thousand roundings.

    One rounding is `eps` times the size of the result, plus what the result moves by when the
    outputs are rounded (the condition of the problem, measured in float64). The size is the largest
    on the way from the outputs to zero: where a loss is saturated, its gradient is the small
    difference of numbers of that size. Outputs close to zero are rounded as if they were one: the
    numbers that a loss makes of them are not close to zero.

    Args:
        case: in float64.
        function: gives rows `(N, k)`.
        dtype: the one that rounds.
    """
    y, eps = case.y, EPS[dtype]
    here = function(case)
    moved = torch.zeros_like(here[:, 0])
    length = y.abs().clamp(min=1.0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        signs = torch.randint(0, 2, tuple(y.shape), generator=generator) * 2 - 1
        nearby = _where_defined(case.at(y + eps * length * signs.to(y)), function, here)
        moved = torch.maximum(moved, _finite_norms(nearby - here))
    return ROUNDINGS * (eps * size_of(case, function) + moved)


def size_of(case: Case, function: Callable[[Case], Tensor]) -> Tensor:
    """The largest norm of each row of ``function`` on the way from the outputs to zero, `(N,)`."""
    here = function(case)
    size = _finite_norms(here)
    for t in _RAY:
        there = _where_defined(case.at(t * case.y), function, here)
        size = torch.maximum(size, _finite_norms(there))
    return size


def assert_rows_close(
    what: str, actual: Tensor, expected: Tensor, bound: Tensor, outputs: Tensor
) -> None:
    """Each row of ``actual`` is within its ``bound`` of ``expected``, or neither is finite.

    Args:
        what: what the message starts with.
        actual: rows `(N, k)`.
        expected: rows `(N, k)`.
        bound: shape `(N,)`.
        outputs: what the message shows, rows `(N, m)`.

    Raises:
        AssertionError: with the numbers of the sample that is furthest off.
    """
    error = torch.linalg.vector_norm(actual.to(expected) - expected, dim=1)
    neither = ~actual.isfinite().all(1) & ~expected.isfinite().all(1)
    wrong = ~(error <= bound) & ~neither
    if not wrong.any():
        return
    excess = torch.where(wrong, (error / bound).nan_to_num(torch.inf, torch.inf), -1.0)
    i = int(excess.argmax())
    raise AssertionError(
        f"{what}: sample {i} is off by {float(error[i]):.3g} where rounding explains "
        f"{float(bound[i]):.3g}: got {show(actual[i])}, expected {show(expected[i])}, "
        f"at outputs {show(outputs[i])} ({int(wrong.sum())} of {len(wrong)} samples are off)"
    )


def show(numbers: Tensor, limit: int = 12) -> str:
    """The numbers of a tensor in one line, shortened."""
    flat = [f"{x:.6g}" for x in numbers.detach().double().flatten().tolist()]
    return "[" + ", ".join(flat[:limit] + (["..."] if len(flat) > limit else [])) + "]"


def total(case: Case) -> Tensor:
    """The sum of the single samples' losses as a row, `(1, 1)`."""
    return case.evaluate().total.reshape(1, 1)


def gradient(case: Case) -> Tensor:
    """The gradients of a case, `(N, m)`."""
    return case.evaluate().gradient


def hessian(case: Case) -> Tensor:
    """The Hessians of a case as rows, `(N, m²)`."""
    return case.evaluate(second_order=True).hessian.flatten(1)


def _where_defined(case: Case, function: Callable[[Case], Tensor], here: Tensor) -> Tensor:
    """``function(case)``, or what it was ``here`` where the loss refuses such outputs."""
    try:
        return function(case)
    except UnusableLossError:
        return here


def _finite_norms(rows: Tensor) -> Tensor:
    norms = torch.linalg.vector_norm(rows, dim=1)
    return torch.where(norms.isfinite(), norms, 0.0)
