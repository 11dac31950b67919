"""The comparison of results with their bounds, and the numbers in its message."""

from __future__ import annotations

import torch
from torch import Tensor


def assert_rows_close(
    what: str, actual: Tensor, expected: Tensor, bound: Tensor, outputs: Tensor
) -> None:
    """Each row of ``actual`` is within its ``bound`` of ``expected``, or neither is finite.

    Args:
        what: the start of the message.
        actual: rows `(N, k)`.
        expected: rows `(N, k)`.
        bound: shape `(N,)`.
        outputs: rows `(N, m)`, for the message.

    Raises:
        AssertionError: with the numbers of the sample that exceeds its bound the most.
    """
    error = torch.linalg.vector_norm(actual.to(expected) - expected, dim=1)
    neither = ~actual.isfinite().all(1) & ~expected.isfinite().all(1)
    wrong = ~(error <= bound) & ~neither
    if not wrong.any():
        return
    i = worst(error, bound, wrong)
    raise AssertionError(
        f"{what}: sample {i} differs by {float(error[i]):.3g}, where rounding explains "
        f"{float(bound[i]):.3g}: got {show(actual[i])}, expected {show(expected[i])}, "
        f"at outputs {show(outputs[i])} ({int(wrong.sum())} of {len(wrong)} samples differ)"
    )


def finite_norms(rows: Tensor) -> Tensor:
    """The Euclidean norm of each row, `(N,)`; zero for a row that is not finite."""
    norms = torch.linalg.vector_norm(rows, dim=1)
    return torch.where(norms.isfinite(), norms, 0.0)


def worst(error: Tensor, bound: Tensor, wrong: Tensor) -> int:
    """The flat index at which the error exceeds its bound the most, among those that are wrong."""
    excess = torch.where(wrong, (error / bound).nan_to_num(torch.inf, torch.inf), -1.0)
    return int(excess.argmax())


def show(numbers: Tensor, limit: int = 12) -> str:
    """The numbers of a tensor in one line, shortened."""
    flat = [f"{x:.6g}" for x in numbers.detach().double().flatten().tolist()]
    return "[" + ", ".join(flat[:limit] + (["..."] if len(flat) > limit else [])) + "]"
