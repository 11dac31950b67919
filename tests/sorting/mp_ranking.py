"""The softmax operators and their ranking loss in many digits: slow, dense, as the papers print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np

from newton_optim.sorting import NeuralSort, SoftSort
from tests.asserts import as_float64
from tests.sorting.softmax_strategies import Case
from tests.strategies import Array

Matrix = Any  # NumPy arrays of mpmath numbers.


def mp_logits(operator: NeuralSort | SoftSort, s: Matrix, labels: Array) -> tuple[Matrix, Matrix]:
    """The logits `(n, n)` of the ascending operator and their Jacobians `(n, n, n)`.

    Where scores are equal, the Jacobians are those as they move apart in the order of the labels.
    """
    n, tau = len(s), mpmath.mpf(operator.temperature)
    wanted = np.argsort(np.argsort(labels, kind="stable"))
    order = sorted(range(n), key=lambda j: (s[j], wanted[j]))
    rank = [order.index(j) for j in range(n)]
    S = np.array([[mpmath.sign(a - b) for b in rank] for a in rank], dtype=object).reshape(n, n)
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
    operator: NeuralSort | SoftSort,
    scores: Array,
    labels: Array,
    rank_weight: Sequence[float] | None = None,
) -> tuple[float, Array, Array]:
    """Value, gradient and Hessian of one sample's loss, rounded to float64 at the end.

    Args:
        operator: its direction says to which end ``rank_weight`` belongs.
        scores: `(n,)`.
        labels: `(n,)`.
        rank_weight: the weights of the ranks; equal ones for `None`.
    """
    n = len(scores)
    spread = float(scores.max() - scores.min()) * 2 * n / operator.temperature
    with mpmath.workdps(60 + int(min(spread, 4000) / 2)):
        s = np.array([mpmath.mpf(float(x)) for x in scores], dtype=object)
        z, J = mp_logits(operator, s, labels)
        rho = [mpmath.mpf(w) for w in ([1.0] * n if rank_weight is None else rank_weight)]
        rho = [w / (n * sum(rho)) for w in (rho[::-1] if operator.descending else rho)]
        value, g, H = mpmath.mpf(0), np.zeros(n, dtype=object), np.zeros((n, n), dtype=object)
        for i, t in enumerate(np.argsort(labels, kind="stable")):
            row_value, row_g, row_H = mp_row(z[i], int(t))
            value = value + rho[i] * row_value
            g, H = g + rho[i] * (J[i].T @ row_g), H + rho[i] * (J[i].T @ row_H @ J[i])
        return (
            float(value),
            np.array([float(x) for x in g]),
            np.array([[float(x) for x in row] for row in H]),
        )


def reference(case: Case) -> tuple[Any, ...]:
    """Value, gradient and Hessian of every sample of a case."""
    pairs = zip(as_float64(case.scores), as_float64(case.labels), strict=True)
    parts = [mp_ranking(case.operator, *pair) for pair in pairs]
    return tuple(np.stack(part) for part in zip(*parts, strict=True))
