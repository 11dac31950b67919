"""The empirical Fisher as curvature (Definition 2 of the paper)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from newton_optim._checks import check_choice
from newton_optim._derivatives import LossDerivatives
from newton_optim._precision import to_widest
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping, is_zero, resolve_damping
from newton_optim.curvature._distributed import check_process_group, gather_rows
from newton_optim.curvature._present import solve_present
from newton_optim.curvature._solve import Solution, cholesky_solve, fall_back

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

SCOPES = ("batch", "sample", "joint")


class EmpiricalFisher(Curvature):
    r"""The empirical Fisher of the outputs (`arXiv 2410.19055`_, Definition 2).

    .. math:: s_i = (F + λ I)^{-1} g_i, \qquad F = \frac1N \sum_j g_j g_j^\top

    `g_i` is the gradient of sample i's own loss: F and λ are on the per-sample scale, whatever the
    reduction. First derivatives are enough. Small gradients stay plain gradients (`s = g / λ`),
    long ones are shortened. λ → ∞ is the direction of the gradient.

    Where N < m, the `(N, N)` form is solved (Woodbury, Appendix F), and no `(m, m)` matrix is
    formed: `G (GᵀG/N + λ I)⁻¹ = (G Gᵀ/N + λ I)⁻¹ G`. The products are taken and solved in float64
    where the device has it: they square the condition number. In float32, a few gradients that
    explode a thousandfold would cost the small ones all their digits.

    Args:
        scope: ``"batch"``: one F for all (the paper). ``"sample"``: `g_i g_iᵀ`. ``"joint"``: the
            batch as one sample, `g gᵀ` of the vector of all Nm gradients.
        process_group: average F over the ranks of this group.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``scope`` is unknown, or ``process_group`` comes with ``scope="joint"``.

    Note:
        Default damping: λ = 1. F alone is singular where N < m (or m > 1 for one sample), so that
        λ = 0 falls back to the plain gradient there.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """

    default_damping: Damping = 1.0
    needs = "gradient"

    def __init__(self, *, scope: str = "batch", process_group: ProcessGroup | None = None) -> None:
        self.scope = check_choice("scope", scope, SCOPES)
        self.process_group = check_process_group(process_group, scope)

    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The Newton step and what is known of it."""
        g, present = derivatives.gradient, derivatives.present
        if self.scope == "sample":
            step, failed, lam = _rank_one(g, damping, present)
        elif self.scope == "joint":
            whole = None if present is None else present.reshape(1, -1)
            step, failed, lam = _rank_one(g.reshape(1, -1), damping, whole)
            step = step.view_as(g)
        elif present is not None:
            return _batch_of_lists(g, present, damping, self.process_group)
        else:
            step, failed, lam = _batch(g, *gather_rows(g, self.process_group), damping)
        return Solution(step, lam, failed)


def _batch_of_lists(
    g: Tensor, present: Tensor, damping: Damping, group: ProcessGroup | None
) -> Solution:
    """Where lists are padded, the average over those that have a pair of outputs.

    Means over different samples need not be positive semi-definite together: negative eigenvalues
    are clamped.
    """
    wide = to_widest(g)
    F = wide[:, :, None] * wide[:, None, :]
    solution = solve_present(F, wide, present, damping, "batch", "clamp", group)
    return replace(solution, step=solution.step.to(g.dtype))


def _batch(
    g: Tensor, G: Tensor, own: slice, damping: Damping
) -> tuple[Tensor, Tensor, Tensor | float]:
    """Steps `(N, m)` for `g`, the rows ``own`` of all gradients `G`."""
    wide = to_widest(G)
    N, m = G.shape
    lam = resolve_damping(damping, wide.square().sum() / (N * m))
    # With λ > 0 there is an inverse, however small λ is; without, F knows rounding as a direction.
    rounding = m * max(torch.finfo(g.dtype).eps ** 2, torch.finfo(wide.dtype).eps)
    smallest = rounding if is_zero(damping) else 0.0
    if m <= N:
        F = _add_to_diagonal(wide.mT @ wide / N, lam)
        step, regular = cholesky_solve(F, wide[own].mT, smallest)
        step = step.mT
    else:
        K = _add_to_diagonal(wide @ wide.mT / N, lam)
        step, regular = cholesky_solve(K, wide, smallest)
        step, regular = step[own], regular & _positive(lam, g)
    step, failed = fall_back(step.to(g.dtype), g, regular)
    return step, failed.any().long(), lam


def _rank_one(
    g: Tensor, damping: Damping, present: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | float]:
    """Sherman-Morrison: `(g gᵀ + λ I)⁻¹ g = g / (‖g‖² + λ)`, for every row of its own."""
    wide = to_widest(g)
    m = g.shape[-1]
    square = wide.square().sum(-1)
    count = m if present is None else present.sum(-1).clamp(min=1)
    lam = resolve_damping(damping, square / count)
    step = (wide / (square + lam)[:, None]).to(g.dtype)
    regular = _positive(lam, g) if m > 1 else square + lam > 0.0
    step, failed = fall_back(step, g, regular)
    return step, failed.sum(), lam.mean() if isinstance(lam, Tensor) else lam


def _positive(lam: Tensor | float, g: Tensor) -> Tensor:
    return lam > 0.0 if isinstance(lam, Tensor) else g.new_full((), lam > 0.0, dtype=torch.bool)


def _add_to_diagonal(matrix: Tensor, lam: Tensor | float) -> Tensor:
    return matrix + lam * torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
