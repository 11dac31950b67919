"""What was found out about a loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._plot import plot_loss
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._recommendation import Recommendation
from newton_optim._diagnosis._table import table
from newton_optim.curvature import Identity

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, repr=False)
class Diagnosis(Measurements, Recommendation):
    """What :func:`diagnose` found out about a loss; ``print`` shows it as a table.

    All gradients, Hessians and dampings are on the per-sample scale, whatever the reduction. What
    does not apply or could not be measured is ``None`` or empty; ``notes`` says why.

    Attributes:
        verdict: the recommendation in a few words.
        curvature: the recommended curvature, ready to be passed on: ``Identity()`` where the plain
            loss does as well, ``None`` where the loss itself must change first.
        damping: the recommended λ.
        entry_point: ``"NewtonLoss"``, ``"newton_loss"`` (where the loss must be passed as a
            tensor), or ``None`` for the plain loss.
        reasons: why, in sentences.
        name: the name of the loss.
        num_samples: N, the size of the batch.
        num_outputs: m, the number of outputs per sample.
        problem: why the loss has no value or no gradient, or where it failed later.
        notes: what was not measured, and why.
        roundings: float32 against float64, on the outputs and on wider spreads. Each has
            ``spread`` (the factor on the outputs), ``share_wrong`` (the share of samples whose
            gradient is off by more than 1 %), ``share_nonfinite`` (of samples that are finite only
            in float64), ``share_nonfinite_float64`` (of samples that are finite in neither),
            ``longest_over_median`` and ``longest_over_median_float64`` (the longest
            gradient over the median), ``longest_float32_over_float64`` (the longest gradient in
            float32 over the longest in float64), ``cosine`` (of the batch gradients),
            ``explodes`` and ``misleads``.
        times_differentiable: 0, 1 or 2.
        callable_works: whether ``torch.func`` can differentiate the loss; if not, pass it as a
            tensor.
        is_random: whether two draws give different gradients.
        hessian_agreement: the cosine of the Hessians of two draws of a random loss.
        is_coupled: whether the gradient of a sample depends on other samples.
        is_stateful: whether the same outputs give another gradient when the loss is called again.
        nonfinite: the share of samples whose outputs, loss or gradient are not finite.
        median_gradient: the median length of the gradients.
        longest_over_median: the longest gradient over the median, of the samples that are not
            solved (of all samples if the loss is 0-dim).
        zero_gradients: the share of samples whose gradient is exactly zero.
        vanishing: the share of samples that are not solved and yet have less than a thousandth of
            the longest gradient; ``None`` for a 0-dim loss.
        solved_by_one_gradient_step: whether one gradient step of the right length leaves less than
            1 % of the gradient.
        gradient_step_leaves: the share of the gradient that the best single gradient step leaves,
            or the share of the decrease predicted by a parabola that is missing, whichever is
            larger; ``None`` where the loss does not bend upwards along its gradient.
        nonfinite_hessians: the share of samples whose gradient is finite and whose Hessian is not.
        negative_curvature: the share of samples whose Hessian has a negative eigenvalue.
        condition: the condition number of C, the mean Hessian, over its range.
        rank: the rank of C.
        hessian_error: the relative error of C in float32 against float64.
        newton_cosine: the cosine of the default Newton step with the gradient: near 1, it is a
            plain step.
        has_residuals: whether the loss is made from residuals: a :class:`ResidualLoss`, or a
            :class:`ComposedLoss` whose outer part is a sum over entries.
        jacobian_condition: the median over samples of the condition of their Jacobians; infinite
            where they are singular.
        first_step: the same as ``descent`` after the first step.
        descent: ten steps on the outputs alone, without a network, each with the best of several
            lengths: the share of the loss that is left, with the gradient and with each curvature;
            0 for the one that gets lowest.
        milliseconds: the time of one step with each curvature, loss and gradient included.
    """

    _probe: Probe = field(compare=False)

    def __str__(self) -> str:
        return table(self, self)  # Measurements and recommendation in one.

    __repr__ = __str__

    def plot(self) -> Figure:
        """The loss along a random and along the worst direction, with the recommended step.

        The worst direction is that of the most negative eigenvalue of C, or of the largest where
        none is negative; of the Fisher, where the loss has no Hessian. All samples move by the same
        length, each downhill. The marker shows where the component of the step along the direction
        ends. The loss is evaluated for it.

        Returns:
            A Matplotlib figure; ``figure.savefig(path)`` writes it.

        Raises:
            ImportError: if Matplotlib is not installed.
            ValueError: if the loss has no finite gradient.
        """
        if self.median_gradient is None:
            raise ValueError(f"loss must have a finite gradient to be plotted: {self.verdict}")
        return plot_loss(
            self._probe,
            self.curvature or Identity(),
            self.damping,
            has_hessian=self.negative_curvature is not None,
        )
