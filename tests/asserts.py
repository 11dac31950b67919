"""Named assertions, and the slow, dense, obviously right step that judges the library."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from newton_optim import LossDerivatives
from tests.strategies import Array, to_array

REFUSALS = (TypeError, ValueError)
TINY = float(torch.finfo(torch.float32).tiny)
EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
TOLERANCE = {torch.float64: 1e-9, torch.float32: 5e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}


def as_float64(value: Any) -> Array:
    """A tensor, a structure of tensors or an array as a float64 array."""
    if isinstance(value, Tensor):
        array: Array = value.detach().cpu().double().numpy()
        return array
    return np.asarray(value, dtype=np.float64)


def assert_close(actual: Any, expected: Any, dtype: torch.dtype = torch.float64) -> None:
    """Equal to the rounding of `dtype`, measured on the largest entry (and on 1)."""
    want = as_float64(expected)
    scale = max(1.0, float(np.abs(want).max(initial=0.0)))
    np.testing.assert_allclose(as_float64(actual), want, rtol=0, atol=TOLERANCE[dtype] * scale)


def assert_relatively_close(actual: Any, expected: Any, tolerance: float) -> None:
    """`‖actual - expected‖ ≤ tolerance ‖expected‖`, however small `expected` is."""
    got, want = as_float64(actual), as_float64(expected)
    assert got.shape == want.shape
    assert np.linalg.norm(got - want) <= tolerance * np.linalg.norm(want), (got, want)


def assert_normwise(actual: Tensor, expected: Any, tolerance: float, floor: float = 0.0) -> None:
    """Finite, and each sample's error is small against its norm."""
    got, want = as_float64(actual), as_float64(expected)
    assert got.shape == want.shape
    assert np.isfinite(got).all()
    for a, b in zip(got, want, strict=True):
        assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(b) + floor, (a, b)


def assert_same_structure(actual: Any, expected: Any) -> None:
    """Same container, same keys, same shapes and dtypes."""
    assert type(actual) is type(expected)
    if isinstance(expected, Tensor):
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    elif isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            assert_same_structure(actual[key], expected[key])
    else:
        assert len(actual) == len(expected)
        for got, want in zip(actual, expected, strict=True):
            assert_same_structure(got, want)


def assert_same_parameters(actual: torch.nn.Module, expected: torch.nn.Module) -> None:
    """Equal bit for bit."""
    for got, want in zip(actual.parameters(), expected.parameters(), strict=True):
        assert torch.equal(got, want)


def assert_finite_parameters(module: torch.nn.Module) -> None:
    """No parameter and no gradient is NaN or infinite."""
    for parameter in module.parameters():
        assert parameter.isfinite().all()
        assert parameter.grad is None or parameter.grad.isfinite().all()


def hessian_of(derivatives: LossDerivatives) -> Tensor:
    """The Hessian, which must be there."""
    assert derivatives.hessian is not None
    return derivatives.hessian


def treated(C: Array, eigenvalues: str) -> Array:
    """C with its eigenvalues as they are, in absolute value, or clamped at zero."""
    if eigenvalues == "raw":
        return C
    values, vectors = np.linalg.eigh(C)
    values = np.abs(values) if eigenvalues == "absolute" else np.maximum(values, 0.0)
    matrix: Array = (vectors * values) @ vectors.T
    return matrix


def reference_damping(C: Array, eigenvalues: str, damping: float, *, relative: bool) -> float:
    """λ for a matrix whose eigenvalues are already treated."""
    if not relative:
        return damping
    m = len(C)
    mean = np.linalg.norm(C) / np.sqrt(m) if eigenvalues == "raw" else np.trace(C) / m
    return float(damping * mean)


def damped_solve(
    C: Array, g: Array, *, eigenvalues: str = "raw", damping: float, relative: bool = False
) -> Array:
    """`(C + λ I)^-1 g` for the rows of `g`, with C treated first; g itself if C and λ are 0."""
    C = treated(C, eigenvalues)
    lam = reference_damping(C, eigenvalues, damping, relative=relative)
    if lam == 0 and not C.any():
        return g
    return np.linalg.solve(C + lam * np.eye(len(C)), g.T).T


def reference_step(
    gradient: Array,
    hessian: Array,
    *,
    scope: str = "batch",
    eigenvalues: str = "raw",
    damping: float,
    relative: bool = False,
) -> Array:
    """The Newton step `(N, m)` from per-sample gradients and Hessians, matrix by matrix."""
    n, m = gradient.shape
    options: dict[str, Any] = {
        "eigenvalues": eigenvalues,
        "damping": damping,
        "relative": relative,
    }
    if scope == "batch":
        return damped_solve(hessian.mean(axis=0), gradient, **options)
    if scope == "sample":
        pairs = zip(hessian, gradient, strict=True)
        return np.stack([damped_solve(H, g[None], **options)[0] for H, g in pairs])
    joint = np.zeros((n * m, n * m))
    for i, H in enumerate(hessian):
        joint[i * m : (i + 1) * m, i * m : (i + 1) * m] = H
    return damped_solve(joint, gradient.reshape(1, -1), **options).reshape(n, m)


def outer_products(gradient: Array) -> Array:
    """The empirical Fisher's `g_i g_iᵀ`, shape `(N, m, m)`."""
    products: Array = np.einsum("ni,nj->nij", gradient, gradient)
    return products


def newton_step_by_autograd(loss: Callable[[Tensor], Tensor], y: Tensor) -> Array:
    """z* of the default Hessian, sample by sample with `torch.autograd.functional`."""
    rows = y.detach().split(1)
    hessian = torch.autograd.functional.hessian
    H = np.stack([to_array(hessian(lambda row: loss(row).sum(), row).squeeze()) for row in rows])
    leaf = y.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(leaf).sum(), leaf)
    step = damped_solve(
        H.mean(axis=0), to_array(g), eigenvalues="absolute", damping=0.1, relative=True
    )
    return to_array(y) - step


def assert_step(actual_outputs: Any, outputs: Any, step: Array, dtype: torch.dtype) -> None:
    """`actual_outputs` is z* = y - step."""
    assert_close(to_array(actual_outputs), to_array(outputs) - step, dtype)


def result_or_refusal(call: Callable[[], Any]) -> Any:
    """What `call` returns, or the `TypeError` or `ValueError` that it raises."""
    try:
        return call()
    except REFUSALS as refusal:
        return refusal


def assert_right_or_refused(call: Callable[[], Any], expected: Any, way_out: str = "") -> None:
    """Equal to `expected`, or refused with the cause chained and the way out named."""
    result = result_or_refusal(call)
    if isinstance(result, Exception):
        assert result.__cause__ is not None
        assert re.search(way_out, str(result))
    else:
        assert_close(result, expected)
