"""The Hessian as curvature (Definition 1 of the paper)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from newton_optim._checks import check_bool, check_choice, check_integer
from newton_optim._derivatives import LossDerivatives, Needs, block_diagonal
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping, RelativeDamping
from newton_optim.curvature._distributed import check_process_group
from newton_optim.curvature._matrices import EIGENVALUES, invert, solve_matrices
from newton_optim.curvature._present import solve_present
from newton_optim.curvature._solve import Solution

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

SCOPES = ("batch", "sample", "joint")


class Hessian(Curvature):
    r"""The Hessian of the loss with respect to the outputs (`arXiv 2410.19055`_, Definition 1).

    .. math:: s_i = (C + λ I)^{-1} g_i, \qquad C = \frac1N \sum_j H_j

    `g_i` and `H_i` are the gradient and the Hessian of sample i's own loss: C and λ are on the
    per-sample scale, whatever the reduction. λ → 0 is the pure Newton step, λ → ∞ the direction of
    the gradient.

    Args:
        scope: ``"batch"``: one C for all, the mean over the batch (the paper). ``"sample"``:
            `C_i = H_i`. ``"joint"``: the full `(Nm, Nm)` matrix of a loss that couples samples, N
            times the Hessian of a mean loss; the other scopes would silently sum its blocks across
            samples.
        eigenvalues: how the eigenvalues of C are treated before λ is added. ``"raw"``: not at all
            (the paper); where C is indefinite, the step may go uphill. ``"absolute"``: their
            absolute values (saddle-free). ``"clamp"``: max(0, ·), the positive semi-definite part.
            On a positive semi-definite C, the three are the same.
        chunk_size: how many columns of the Hessian are computed at once; all by default. It has no
            effect on a loss that knows its Hessian.
        check_independence: find out, by one more product, whether the loss couples samples, and
            raise if it does. This reads a value from the device.
        process_group: average C over the ranks of this group, weighted by their N.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a name is unknown, ``chunk_size`` is below 1, or ``process_group`` comes with
            ``scope="joint"``; on a step, if ``check_independence`` finds coupled samples.

    Note:
        Default damping: ``RelativeDamping(0.1)``. ``"absolute"`` and ``"clamp"`` use
        ``torch.linalg.eigh`` on the CPU. On CUDA, where it would wait for the device, `|C|` is
        computed by products of matrices in float64 instead (a Newton-Schulz iteration).

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """

    default_damping: Damping = RelativeDamping(0.1)

    def __init__(
        self,
        *,
        scope: str = "batch",
        eigenvalues: str = "absolute",
        chunk_size: int | None = None,
        check_independence: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        self.scope = check_choice("scope", scope, SCOPES)
        self.eigenvalues = check_choice("eigenvalues", eigenvalues, EIGENVALUES)
        self.chunk_size = None if chunk_size is None else check_integer("chunk_size", chunk_size)
        self.check_independence = check_bool("check_independence", check_independence)
        self.process_group = check_process_group(process_group, scope)

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        """The Hessians, or the joint one with its blocks across samples."""
        return "joint" if self.scope == "joint" else "hessian"

    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The Newton step and what is known of it."""
        if self.scope == "joint":
            return self._solve_joint(derivatives, damping)
        H = derivatives.hessian
        if H is None:
            raise ValueError(
                "derivatives must hold Hessians, got None: a curvature that delegates to Hessian "
                'has needs = "hessian"'
            )
        if self.check_independence:
            _refuse_coupled_samples(derivatives.coupled)
        g, group = derivatives.gradient, self.process_group
        options = damping, self.scope, self.eigenvalues, group
        if derivatives.present is not None:
            return solve_present(H, g, derivatives.present, *options)
        return solve_matrices(H, g, *options)

    def _solve_joint(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        N, m = derivatives.gradient.shape
        C = _joint_hessian(derivatives).reshape(N * m, N * m)
        g = derivatives.gradient.reshape(1, N * m)
        absent = None if derivatives.present is None else ~derivatives.present.flatten()
        solution, failed = invert(C, g, damping, self.eigenvalues, absent)
        return replace(solution, step=solution.step.view(N, m), fallbacks=failed.any().long())


def _joint_hessian(derivatives: LossDerivatives) -> Tensor:
    """The full matrix as `(N, m, N, m)`; block diagonal where samples are independent."""
    if derivatives.joint_hessian is not None:
        return derivatives.joint_hessian
    if derivatives.hessian is None or derivatives.coupled is not False:
        raise ValueError(
            "derivatives must hold the joint Hessian, got None: a curvature that delegates to "
            'Hessian(scope="joint") has needs = "joint"'
        )
    return block_diagonal(derivatives.hessian)


def _refuse_coupled_samples(coupled: bool | Tensor | None) -> None:
    if coupled is None:
        raise ValueError(
            "derivatives must say whether samples are coupled, got None: a curvature that "
            "delegates to Hessian(check_independence=True) has check_independence = True"
        )
    if coupled:
        raise ValueError(
            "loss couples samples (its Hessian has blocks across them): use "
            'Hessian(scope="joint"), or a loss of each sample on its own'
        )
