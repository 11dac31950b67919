"""The absolute value of a symmetric matrix by products alone, for devices that wait in ``eigh``."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._precision import to_widest, widest_dtype

# An eigenvalue of share x of the norm needs log(1/x) / log(1.5) iterations to reach 1, and a few
# more to settle; what is below the rounding of the dtype need not.
_ITERATIONS = {torch.float32: 48, torch.float64: 96}


def absolute_value(matrix: Tensor) -> Tensor:
    r"""`|C| = Q |w| Qᵀ` for `C = Q w Qᵀ`, in the widest dtype of the device.

    The polar factor `sign(C)` by the cubic Newton-Schulz iteration (Higham, Functions of Matrices,
    2008, Section 8.3), which takes each eigenvalue from [-1, 1] to its sign:

    .. math:: X_0 = C / \min(\|C\|_F, \|C\|_\infty), \quad
              X_{k+1} = \tfrac32 X_k - \tfrac12 X_k^3, \quad |C| = X_\infty C

    The number of iterations is fixed, so that nothing is read from the device. The iterates are
    made symmetric every time: what rounding adds would grow otherwise. They are in float64, also
    for a float32 matrix. There, what is left is below its rounding: an eigenvalue that has not
    reached its sign is that small.

    Args:
        matrix: C, symmetric and finite, float32 or float64, shape `(..., m, m)`.

    Returns:
        `|C|`, symmetric, shape `(..., m, m)`.
    """
    iterations = _ITERATIONS[matrix.dtype]
    C = to_widest(matrix)
    largest = C.abs().amax((-2, -1), keepdim=True)
    unit = C / torch.where(largest > 0, largest, 1.0)  # Its squares do not overflow.
    norm = torch.minimum(_frobenius(unit), unit.abs().sum(-1).amax(-1))[..., None, None]
    X = unit / torch.where(norm > 0, norm, 1.0)
    for _ in range(iterations):
        X = _symmetric(1.5 * X - 0.5 * (X @ X @ X))
    return _symmetric(X @ C)


def has_polar_factor(device: torch.device) -> bool:
    """Whether ``absolute_value`` replaces ``eigh`` there: where that waits, and float64 exists."""
    return device.type != "cpu" and widest_dtype(device) == torch.float64


def _symmetric(matrix: Tensor) -> Tensor:
    return (matrix + matrix.mT) / 2


def _frobenius(matrix: Tensor) -> Tensor:
    norm: Tensor = matrix.square().sum((-2, -1)).sqrt()
    return norm
