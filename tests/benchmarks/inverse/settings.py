"""Small runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from benchmarks.inverse.config import InverseConfig

SMALL: Final = InverseConfig(
    data="decay", steps=8, batch_size=5, width=6, evaluation_samples=7, lr=1e-2
)
NEWTON: Final = replace(SMALL, curvature="gauss-newton", scope="sample", damping=0.1)
ADAPTIVE: Final = replace(NEWTON, curvature="levenberg-marquardt", inner_steps=2)
HESSIAN: Final = replace(NEWTON, curvature="hessian", eigenvalues="absolute")
FISHER: Final = replace(NEWTON, curvature="fisher", scope="batch")
CLIPPED: Final = replace(SMALL, clip=0.01)
LEAST_SQUARES: Final = replace(SMALL, solver="least-squares")
PRIOR: Final = replace(SMALL, loss="prior")
