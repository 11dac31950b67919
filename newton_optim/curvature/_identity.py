"""The identity as curvature: the plain gradient."""

from __future__ import annotations

from newton_optim._derivatives import LossDerivatives
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping, resolve_damping
from newton_optim.curvature._solve import Solution


class Identity(Curvature):
    r"""No curvature (`arXiv 2410.19055`_, Lemma 2).

    .. math:: s_i = g_i / (1 + λ)

    With λ = 0, the default, a step is that of the bare optimiser: the control of an experiment.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """

    default_damping: Damping = 0.0
    needs = "gradient"

    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The Newton step and what is known of it."""
        lam = resolve_damping(damping, 1.0)
        return Solution(derivatives.gradient / (1.0 + lam), lam)
