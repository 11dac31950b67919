"""How much rounding of the derivatives may move a Newton step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._core import derivatives_from, needs, resolve
from newton_optim.testing._quantities import gradient, hessian
from newton_optim.testing._randomness import fixed_generator, normal_noise
from newton_optim.testing._rounding import EPS, ROUNDINGS, rounding


def step_rounding(case: Case, curvature: Any, damping: Any) -> Tensor:
    """How much rounding of gradient and Hessian may move the step of each sample, `(N,)`.

    Measured: the curvature solves again with both moved by as much as they may be wrong.
    """
    resolved, lam = resolve(curvature, damping)
    g, g_noise = gradient(case), rounding(case, gradient)[:, None]
    H, H_noise = _matrices(case, curvature)
    kept = g.isfinite().all(1) & H.isfinite().flatten(1).all(1)
    generator = fixed_generator()

    def step(size: float) -> Tensor:
        noise = size * normal_noise(tuple(H.shape), H, generator)
        C = torch.where(kept[:, None, None], H + H_noise * (noise + noise.mT), 0.0)
        moved = torch.where(kept[:, None], g + g_noise * noise[:, 0], 0.0)
        return resolved.newton_step(derivatives_from(moved, C), lam)

    here = step(0.0)
    moved = max(float((step(1.0) - here).norm(dim=1).amax()) for _ in range(2))
    sizes = here.norm() + case.y.norm(dim=1)
    bound: Tensor = 4 * moved + ROUNDINGS * EPS[torch.float64] * sizes
    return bound


def _matrices(case: Case, curvature: Any) -> tuple[Tensor, Tensor]:
    """What a curvature solves with, `(N, m, m)`, and its rounding, `(N, 1, 1)`."""
    N, m = case.y.shape
    needed = needs(curvature)
    if needed == "gradient":
        return case.y.new_zeros(N, m, m), case.y.new_zeros(N, 1, 1)
    if needed == "gauss_newton":
        G = case.gauss_newton()
        return G, ROUNDINGS * EPS[G.dtype] * G.flatten(1).norm(dim=1)[:, None, None]
    return hessian(case).reshape(N, m, m), rounding(case, hessian)[:, None, None]
