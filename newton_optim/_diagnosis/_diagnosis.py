"""What was found out about a loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._plot import plot_steps
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._rules import SOLVED
from newton_optim._diagnosis._table import table
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, repr=False)
class Diagnosis(Measurements):
    """What :func:`diagnose` found out about a loss; `print` shows it as a table.

    All gradients, Hessians and dampings are on the scale of the single sample's loss, whatever the
    reduction. What does not apply or could not be measured is `None`; ``notes`` says why.

    Attributes:
        verdict: the recommendation in a few words.
        curvature: the recommended one, ready to be passed on: `Identity()` where the plain loss
            does as well, `None` where the loss itself must change first.
        damping: the recommended λ.
        door: "NewtonLoss", "newton_loss" (where the loss must be handed over as a tensor), or
            `None` for the plain loss.
        reasons: why, in sentences.
        name: what the loss is called.
        num_samples: N.
        num_outputs: m, of each sample.
        problem: why the loss gave no number or no gradient.
        notes: what was not measured, and why.
        roundings: float32 against float64, on the outputs and on wider spreads; each has
            ``spread``, ``off`` (share of samples off by more than 1 %), ``nonfinite``, ``longest``
            and ``longest_float64`` (longest gradient over the median), ``growth`` (longest in
            float32 over longest in float64) and ``cosine`` (of the batch gradients).
        times_differentiable: 0, 1 or 2.
        callable_works: whether `torch.func` can differentiate it; if not, hand over a tensor.
        is_random: whether two draws give different gradients.
        hessian_agreement: the cosine of the Hessians of two draws of a random loss.
        is_coupled: whether the gradient of a sample depends on other samples.
        nonfinite: the share of samples whose outputs, loss or gradient are not finite.
        median_gradient: the median length.
        longest_over_median: the longest gradient over the median, of the samples that are not
            solved (if the loss has the shape `(N,)`; of all, if it is 0-dim).
        vanishing: the share of samples that are not solved and yet have less than a thousandth of
            the longest gradient; `None` for a 0-dim loss.
        gradient_step_leaves: how much of the gradient the best single gradient step leaves, or of
            the decrease that a parabola promises is missing, whichever is more; `None` where the
            loss does not bend upwards along its gradient.
        negative_curvature: the share of samples whose Hessian has a negative eigenvalue.
        condition: of C, the mean Hessian, over its range.
        rank: of C.
        hessian_error: of C in float32 against float64, relative.
        newton_cosine: of the default Newton step with the gradient: near 1, it is a plain step.
        descent: ten steps on the outputs alone, without a network, each of the best of several
            lengths: the share of the loss that is left, with the gradient and with each curvature;
            0 for the one that gets lowest.
        milliseconds: of one step with each curvature, loss and gradient included.
    """

    verdict: str
    curvature: Curvature | None
    damping: Damping
    door: str | None
    reasons: tuple[str, ...]
    _probe: Probe = field(compare=False)

    @property
    def solved_by_one_gradient_step(self) -> bool | None:
        """Whether one gradient step of the right length leaves less than 1 % of the gradient."""
        if self.median_gradient is None:
            return None
        return self.gradient_step_leaves is not None and self.gradient_step_leaves < SOLVED

    def __str__(self) -> str:
        return table(self)

    __repr__ = __str__

    def plot(self) -> Figure:
        """The loss along a random and along the worst direction, with the recommended step.

        The worst direction is that of the most negative eigenvalue of C, or of the largest where
        none is negative; of the Fisher, where the loss has no Hessian. All samples move by the same
        length, each downhill. The step is marked where its component along the direction ends.
        The loss is evaluated for it.

        Returns:
            A Matplotlib figure; `figure.savefig(path)` writes it.

        Raises:
            ImportError: if Matplotlib is not installed.
            ValueError: if the loss has no finite gradient.
        """
        return plot_steps(self, self._probe)
