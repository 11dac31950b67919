"""A damping that adapts: several candidates for each step, and the loss decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_integer, check_positive, describe
from newton_optim._derivatives import Elsewhere, LossDerivatives, Needs, Request
from newton_optim.curvature._base import Curvature, SupportsNewtonStep
from newton_optim.curvature._damping import Damping, RelativeDamping, scaled
from newton_optim.curvature._gauss_newton import GaussNewton
from newton_optim.curvature._resolve import resolve_curvature
from newton_optim.curvature._solve import Solution, Trials, shorten


class LevenbergMarquardt(Curvature):
    r"""The step of another curvature, with a λ for each sample that its own loss decides.

    .. math:: s_i = s_i(c_i λ), \qquad c_i = \arg\min_{c} \; l_i\bigl(y_i - s_i(c λ)\bigr)

    `s_i(λ)` is the step of ``curvature`` with the damping λ, shortened to ``max_step``. The
    candidates of all samples are evaluated in one batched call of the loss. A step never goes
    uphill: where no candidate is below the loss at y, the sample gets its gradient, shortened
    likewise. A candidate for which the loss raises or is NaN counts as infinite
    (``NewtonLossOptimizer.diagnostics`` counts these). This is the method of `Levenberg, 1944`_ and
    `Marquardt, 1963`_ for samples that are seen once, so that no λ can be carried over.

    With ``steps`` above 1, the loss is minimised further before the network moves: z* is where
    that many such steps end. The network is still evaluated once.

    The loss must be passed as a callable. A loss of shape `(N,)`, one that states its derivatives
    and a :class:`ComposedLoss` with one of the library's outer parts choose for each sample; any
    other 0-dim loss has one choice for the whole batch. On a CUDA device, nothing is read by the
    host, except where the loss is called again for each candidate, because it cannot be batched.

    Args:
        curvature: whose step it is: ``"hessian"`` or ``"fisher"``, or a curvature object;
            ``GaussNewton(max_step=None)`` by default.
        factors: the factors c on λ that are tried, each above 0.
        max_step: the length to which steps are shortened, above 0; ``None`` for no bound. In the
            units of the outputs.
        steps: how many steps are taken, each from where the last one ended; at least 1.

    Raises:
        TypeError: if an argument is of the wrong kind; on a step, if the loss is a tensor.
        ValueError: if ``factors`` is empty or an argument has a wrong value.

    Note:
        Default damping: ``RelativeDamping(1.0, shared=True)``, so that the default candidates are
        0.1, 1 and 10 times the mean eigenvalue of the batch.

    .. _Levenberg, 1944: https://doi.org/10.1090/qam/10666
    .. _Marquardt, 1963: https://doi.org/10.1137/0111030
    """

    default_damping: Damping = RelativeDamping(1.0, shared=True)
    revisits = True

    def __init__(
        self,
        curvature: str | SupportsNewtonStep | None = None,
        *,
        factors: Sequence[float] = (0.1, 1.0, 10.0),
        max_step: float | None = 1.0,
        steps: int = 1,
    ) -> None:
        self.curvature = resolve_curvature(
            GaussNewton(max_step=None) if curvature is None else curvature
        )
        self.factors = _checked_factors(factors)
        self.max_step = None if max_step is None else check_positive("max_step", max_step)
        self.steps = check_integer("steps", steps)

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        """What the other curvature needs."""
        return self.curvature.needs

    @property
    def request(self) -> Request:
        """What the other curvature asks for, and the loss elsewhere."""
        return replace(self.curvature.request, revisits=True)

    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The step and what is known of it."""
        elsewhere = derivatives.elsewhere
        if elsewhere is None:
            raise ValueError(
                "derivatives must hold the loss elsewhere, got None: a curvature that delegates to "
                "LevenbergMarquardt has revisits = True"
            )
        here, total = derivatives, torch.zeros_like(derivatives.gradient)
        path: list[_Choice] = []
        while True:
            choice = self._choose(here, elsewhere, total, damping)
            # Where it is not downhill: the gradient from y, and no further step from elsewhere.
            otherwise = torch.zeros_like(total) if path else shorten(here.gradient, self.max_step)
            downhill = choice.downhill & path[-1].downhill if path else choice.downhill
            total = total + torch.where(downhill[:, None], choice.solution.step, otherwise)
            path.append(replace(choice, downhill=downhill))
            following = None if len(path) == self.steps else elsewhere.derivatives(total)
            if following is None:
                return _summary(path, total, derivatives)
            here = following

    def _choose(
        self, here: LossDerivatives, elsewhere: Elsewhere, total: Tensor, damping: Damping
    ) -> _Choice:
        """The best candidate of every sample for the step from `y - total`."""
        solutions = [self.curvature.solve(here, scaled(damping, c)) for c in self.factors]
        steps = torch.stack([shorten(solution.step, self.max_step) for solution in solutions])
        values = elsewhere.values(total + steps)
        lowest, best = values.min(dim=0)
        step = steps.gather(0, best[None, :, None].expand(1, *total.shape))[0]
        dampings = torch.stack([lowest.new_zeros(()) + solution.damping for solution in solutions])
        found = replace(solutions[-1], step=step, damping=dampings[best].mean())
        return _Choice(found, lowest <= here.value, (~torch.isfinite(values)).sum(0))


@dataclass(frozen=True)
class _Choice:
    """The best of the candidates for a step.

    Args:
        solution: with the step of every sample's best candidate.
        downhill: for which samples its loss is not above that where the step starts, `(N,)`.
        failed: how many candidates of every sample failed, `(N,)`.
    """

    solution: Solution
    downhill: Tensor
    failed: Tensor


def _summary(path: list[_Choice], total: Tensor, derivatives: LossDerivatives) -> Solution:
    """What is known of all steps together; samples that do not move do not count."""
    moving = derivatives.gradient.abs().amax(-1) > 0
    failed = torch.stack([choice.failed for choice in path]).sum(0)
    trials = Trials((failed * moving).sum(), (moving & ~path[0].downhill).sum())
    return replace(path[0].solution, step=total, trials=trials)


def _checked_factors(factors: Any) -> tuple[float, ...]:
    """The factors, largest first: of candidates that are equally good, the most damped counts."""
    if isinstance(factors, (str, Tensor)) or not isinstance(factors, Sequence):
        raise TypeError(f"factors must be a sequence of numbers, got {describe(factors)}")
    if not factors:
        raise ValueError("factors must not be empty")
    return tuple(sorted((check_positive("factors", c) for c in factors), reverse=True))
