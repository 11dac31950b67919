"""Curvature of a batch whose samples do not all have the same outputs: padded lists.

Each pair of outputs is averaged over the samples that have both, and each sample solves with its
own outputs alone:

    C_jk = Σ_i p_ij p_ik H_i,jk / Σ_i p_ij p_ik,    s_i = (C_pp + λ I)⁻¹ g_p  on the outputs p of i,

with `p_ij` 1 where sample i has output j and else 0. Padding dilutes nothing, and the step of a
list does not depend on how far it is padded. A relative λ is that of `C_pp`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from newton_optim.curvature._damping import Damping
from newton_optim.curvature._matrices import invert
from newton_optim.curvature._solve import Solution

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def solve_present(
    matrices: Tensor,
    gradient: Tensor,
    present: Tensor,
    damping: Damping,
    scope: str,
    eigenvalues: str,
    group: ProcessGroup | None,
) -> Solution:
    """The steps with the mean of the matrices, or with each sample's own.

    Args:
        matrices: one per sample, shape `(N, m, m)`.
        gradient: shape `(N, m)`, zero where an output is absent.
        present: which outputs a sample has, bool, `(N, m)`.
        damping: λ, or relative to the matrix of each sample.
        scope: "batch" or "sample".
        eigenvalues: "raw", "absolute" or "clamp".
        group: over whose ranks the mean is taken.
    """
    pairs = present[:, :, None] & present[:, None, :]
    C = _mean_over_pairs(matrices, pairs, group) if scope == "batch" else matrices
    own = torch.where(pairs, C, 0.0)
    solution, failed = invert(own, gradient[:, None, :], damping, eigenvalues, ~present)
    step = torch.where(present, solution.step[:, 0], 0.0)
    return replace(solution, step=step, fallbacks=failed.sum())


def _mean_over_pairs(matrices: Tensor, pairs: Tensor, group: ProcessGroup | None) -> Tensor:
    """The mean `(m, m)` of each entry over the samples that have it, of all ranks."""
    total = torch.where(pairs, matrices, 0.0).sum(0)
    count = pairs.to(total.dtype).sum(0)
    if group is not None:
        both = torch.stack((total, count))
        torch.distributed.all_reduce(both, group=group)
        total, count = both
    return total / count.clamp(min=1.0)
