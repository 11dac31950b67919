"""The softmax operators and their ranking loss in many digits: slow, dense, as the papers print."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from newton_optim.sorting import NeuralSort, SoftSort
from tests.asserts import as_float64
from tests.sorting.softmax_strategies import Case
from tests.strategies import Array

Matrix = Any  # NumPy arrays of mpmath numbers.


def mp_logits(operator: NeuralSort | SoftSort, s: Matrix) -> tuple[Matrix, Matrix]:
    """The logits `(n, n)` of the ascending operator and their Jacobians `(n, n, n)`."""
    n, tau = len(s), mpmath.mpf(operator.temperature)
    order = sorted(range(n), key=lambda j: (s[j], j))
    S = np.array([[mpmath.sign(a - b) for b in s] for a in s], dtype=object).reshape(n, n)
    e = np.array([[mpmath.mpf(j == k) for k in range(n)] for j in range(n)], dtype=object)
    z, J = np.zeros((n, n), dtype=object), np.zeros((n, n, n), dtype=object)
    for i in range(n):
        for j in range(n):
            if isinstance(operator, SoftSort):
                k = order[i]
                z[i, j], J[i, j] = -abs(s[k] - s[j]) / tau, -S[k, j] * (e[k] - e[j]) / tau
            else:
                c = 2 * i - n + 1
                z[i, j] = (c * s[j] - sum(abs(s[j] - x) for x in s)) / tau
                J[i, j] = (c * e[j] - sum(S[j, k] * (e[j] - e[k]) for k in range(n))) / tau
    return z, J


def mp_row(z: Matrix, t: int) -> tuple[Any, Matrix, Matrix]:
    """Value, gradient and Hessian of one row's cross-entropy by its logits."""
    n = len(z)
    weight = np.array([mpmath.exp(x - max(z)) for x in z], dtype=object)
    P = weight / weight.sum()
    C = np.diag(P) - np.outer(P, P)
    e = np.array([[mpmath.mpf(j == k) for k in range(n)] for j in range(n)], dtype=object)
    value, gradient, hessian = -mpmath.log(P[t]), P - e[t], C
    for j in range(n):
        if j != t:
            rest = sum(P[k] for k in range(n) if k != j)
            odds, d = P[j] / rest, e[j] - P
            value, gradient = value - mpmath.log(rest), gradient + odds * d
            hessian = hessian + odds * (1 + odds) * np.outer(d, d) - odds * C
    return value, gradient, hessian


def mp_ranking(
    operator: NeuralSort | SoftSort, scores: Array, labels: Array
) -> tuple[float, Array, Array]:
    """Value, gradient and Hessian of one sample's loss, rounded to float64 at the end."""
    n = len(scores)
    spread = float(scores.max() - scores.min()) * 2 * n / operator.temperature
    with mpmath.workdps(60 + int(min(spread, 4000) / 2)):
        s = np.array([mpmath.mpf(float(x)) for x in scores], dtype=object)
        z, J = mp_logits(operator, s)
        value, g, H = mpmath.mpf(0), np.zeros(n, dtype=object), np.zeros((n, n), dtype=object)
        for i, t in enumerate(np.argsort(labels, kind="stable")):
            row_value, row_g, row_H = mp_row(z[i], int(t))
            value, g, H = value + row_value, g + J[i].T @ row_g, H + J[i].T @ row_H @ J[i]
        scale = n**2
        return (
            float(value / scale),
            np.array([float(x / scale) for x in g]),
            np.array([[float(x / scale) for x in row] for row in H]),
        )


def reference(case: Case) -> tuple[Any, ...]:
    """Value, gradient and Hessian of every sample of a case."""
    pairs = zip(as_float64(case.scores), as_float64(case.labels), strict=True)
    parts = [mp_ranking(case.operator, *pair) for pair in pairs]
    return tuple(np.stack(part) for part in zip(*parts, strict=True))
