"""The Gauss-Newton matrix as curvature, for losses that name their parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newton_optim._checks import check_choice, check_integer, check_positive
from newton_optim._derivatives import LossDerivatives
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping, RelativeDamping
from newton_optim.curvature._distributed import check_process_group
from newton_optim.curvature._least_squares import solve_residual_form
from newton_optim.curvature._matrices import solve_matrices
from newton_optim.curvature._solve import Solution, shorten

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

SCOPES = ("batch", "sample")


class GaussNewton(Curvature):
    r"""The generalised Gauss-Newton matrix (`Schraudolph, 2002`_) of a loss in two parts.

    .. math:: s_i = (C_i + λ I)^{-1} g_i, \qquad C_i = J_i^\top \nabla^2_u \ell_i \, J_i

    `J_i` is the Jacobian of the inner part at sample i, `∇²_u l_i` the Hessian of the outer part by
    the inner one's result u, and `g_i` the gradient of the whole. This is the Hessian without the
    second derivatives of the inner part: where the outer part is convex, C is positive
    semi-definite. C and λ are on the per-sample scale, whatever the reduction. λ → 0 is the
    Gauss-Newton step, λ → ∞ the direction of the gradient.

    The inner part is differentiated once, by the smaller number of products: one for each of the k
    entries of its result, or, where m < k, one for each of the m outputs.

    The loss must be passed as a callable, ``ComposedLoss(inner, outer)`` or
    ``ResidualLoss(residuals)``, and its samples must be independent. Where the outer part is one of
    the library's (:class:`SquaredLoss`, :class:`HuberLoss`, :class:`PoissonLoss`) or
    ``torch.nn.MSELoss``, the step of a sample is the solution of a least-squares problem,

    .. math:: s_i = \arg\min_s \; \lVert A_i s - b_i \rVert^2 + λ \lVert s \rVert^2

    with the whitened Jacobian `A_i` and residuals `b_i`, without the digits that `A_i' A_i` loses
    to the square of the condition. The second derivative of an outer part that is piecewise
    linear, such as the L1 distance, is 0, so that C = 0 and the step is the plain gradient: use
    another curvature.

    Args:
        scope: ``"sample"``: `C_i`, each sample's own. ``"batch"``: one C for all, the mean over the
            batch.
        max_step: the length to which the step of a sample is shortened, above 0, in the units of
            the outputs: a trust region. ``None`` for no bound, as in the formulas above.
        chunk_size: how many columns or rows of the Jacobians are computed at once; as many as fit
            into 16 MiB by default.
        process_group: average C over the ranks of this group, weighted by their N. Only for
            ``scope="batch"``.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a name is unknown, ``max_step`` is not above 0, ``chunk_size`` is below 1, or
            ``process_group`` comes with ``scope="sample"``; on a step, if the loss names no parts
            or its outer part has no second derivative.

    Note:
        Default damping: ``RelativeDamping(0.3, shared=True)``: one λ for the batch. The linear
        model holds near the outputs only: without a bound, the few samples whose steps are long
        decide where the network moves. Where the outer part is not convex, the absolute values of
        the eigenvalues of C are taken. ``torch.linalg.eigh`` may synchronise with a CUDA device;
        the least-squares solution does not.

    .. _Schraudolph, 2002: https://doi.org/10.1162/08997660260028683
    """

    default_damping: Damping = RelativeDamping(0.3, shared=True)
    needs = "gauss_newton"

    def __init__(
        self,
        *,
        scope: str = "sample",
        max_step: float | None = 0.1,
        chunk_size: int | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        self.scope = check_choice("scope", scope, SCOPES)
        self.max_step = None if max_step is None else check_positive("max_step", max_step)
        self.chunk_size = None if chunk_size is None else check_integer("chunk_size", chunk_size)
        self.process_group = check_process_group(process_group, scope)
        if self.process_group is not None and scope == "sample":
            raise ValueError('process_group must be None with scope="sample": there is no mean')

    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The Newton step and what is known of it."""
        solution = self._solve(derivatives, damping)
        return replace(solution, step=shorten(solution.step, self.max_step))

    def _solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The step without its bound."""
        form = derivatives.residual_form
        if form is not None and self.scope == "sample":
            return solve_residual_form(form, derivatives.gradient, damping)
        G = derivatives.gauss_newton
        if G is None:
            raise ValueError(
                "derivatives must hold Gauss-Newton matrices, got None: a curvature that delegates "
                'to GaussNewton has needs = "gauss_newton"'
            )
        g, group = derivatives.gradient, self.process_group
        return solve_matrices(G, g, damping, self.scope, "absolute", group)
