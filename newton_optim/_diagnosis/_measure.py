"""All measurements of a loss, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from newton_optim._diagnosis._cost import cost, curvatures_for
from newton_optim._diagnosis._coupling import can_be_joint, coupling
from newton_optim._diagnosis._descent import choices_for, descent
from newton_optim._diagnosis._differentiability import Differentiability, differentiability
from newton_optim._diagnosis._gradient_step import gradient_step
from newton_optim._diagnosis._gradients import fisher_damping, gradients
from newton_optim._diagnosis._hessians import hessians, jacobians
from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._randomness import randomness
from newton_optim._diagnosis._rounding import roundings
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section
from newton_optim._diagnosis._subject import subject


def measure(probe: Probe) -> Measurements:
    """Everything that can be measured; what was measured before a failure stays."""
    sections: list[Section] = [subject(probe)]
    try:
        for stage in (_form, _numerics, _gradients, _curvature, _steps):
            known = Measurements.of(sections)
            for section in stage(in_form(probe, known), known):
                sections.append(section)
    except LossFailedError as error:
        sections.append(Section(problem=str(error)))
    return Measurements.of(sections)


def in_form(probe: Probe, known: Measurements) -> Probe:
    """The probe in the form in which the loss can be differentiated."""
    return replace(probe, as_tensor=not known.callable_works)


def _form(probe: Probe, known: Measurements) -> Iterator[Section]:
    probe.value(probe.matrix)
    yield Differentiability(times_differentiable=0)  # What remains if the next one fails.
    yield differentiability(probe)


def _numerics(probe: Probe, known: Measurements) -> Iterator[Section]:
    random = randomness(probe)
    yield random
    yield roundings(probe, is_random=random.is_random is True)


def _gradients(probe: Probe, known: Measurements) -> Iterator[Section]:
    y = _outputs(probe, known)
    found = probe.derivatives(y)
    yield gradients(found, loss_per_sample=probe.value(y).dim() == 1)
    yield coupling(probe, y)
    if bool((found.gradient != 0).any()):
        yield gradient_step(probe, y, found)


def _curvature(probe: Probe, known: Measurements) -> Iterator[Section]:
    if _has_slope(known) and known.times_differentiable == 2:
        yield hessians(
            probe,
            _outputs(probe, known),
            is_coupled=known.is_coupled,
            is_random=known.is_random,
            judged=_is_judged(known),
        )
    if _has_slope(known) and not known.is_coupled:
        yield jacobians(probe, _outputs(probe, known))


def _steps(probe: Probe, known: Measurements) -> Iterator[Section]:
    if not _has_slope(known):
        return
    has_hessians = known.negative_curvature is not None
    size = known.num_samples * known.num_outputs
    joint = can_be_joint(known.is_coupled, known.times_differentiable, size)
    costs = cost(probe, curvatures_for(hessian=has_hessians, joint=joint))
    yield costs
    # With fixed noise, or where a sample's step is not its own, ten steps would mean nothing.
    if not known.is_random and not known.is_coupled:
        choices = choices_for(
            hessian=has_hessians,
            residuals=known.has_residuals,
            fisher_damping=fisher_damping(known.median_gradient),
        )
        slowest_ms = max(costs.milliseconds.values(), default=0.0)
        yield descent(probe, _outputs(probe, known), choices, slowest_ms=slowest_ms)


def _has_slope(known: Measurements) -> bool:
    """Whether any gradient is not zero: only then a gradient step was taken."""
    return known.solved_by_one_gradient_step is not None


def _is_judged(known: Measurements) -> bool:
    """Whether float64 is a witness for this loss."""
    return bool(known.roundings)


def _outputs(probe: Probe, known: Measurements) -> Tensor:
    """The outputs, in float64 where it is a witness."""
    return probe.matrix.double() if _is_judged(known) else probe.matrix
