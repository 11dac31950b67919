"""Find out whether a Newton loss helps a loss, and which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_choice, check_integer, describe
from newton_optim._composed import ComposedLoss
from newton_optim._diagnosis._cost import milliseconds
from newton_optim._diagnosis._descent import STEPS, TRIALS, Choice, descent
from newton_optim._diagnosis._diagnosis import Diagnosis
from newton_optim._diagnosis._landscape import (
    MAX_HESSIAN_ENTRIES,
    curvature_facts,
    differ,
    gradient_facts,
    gradient_step_leaves,
    hessian_agreement,
    hessian_error,
    is_coupled,
)
from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._probe import LossFailedError, Probe
from newton_optim._diagnosis._recommendation import fisher_damping
from newton_optim._diagnosis._rounding import roundings
from newton_optim._diagnosis._rules import can_be_joint, recommend
from newton_optim._outputs import flatten_outputs
from newton_optim._reduction import REDUCTIONS
from newton_optim.curvature import EmpiricalFisher, GaussNewton, Hessian, Identity
from newton_optim.curvature._base import Curvature

_MAX_DESCENT_MS = 60_000.0


def diagnose(
    loss_fn: Callable[..., Tensor],
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    seed: int = 0,
    **kwargs: Any,
) -> Diagnosis:
    """Whether a Newton loss helps a loss, which one, and why (`arXiv 2410.19055`_, Appendix A).

    Numerical health comes first: the gradients in float32 against those in float64, on the outputs
    and on outputs 3 and 10 times as wide. A loss that explodes in float32 alone needs to be mended
    rather than rescued. Then: is it differentiable, once or twice? random? are samples coupled? do
    gradients vanish or explode? does one gradient step solve it? which share of the samples has
    negative curvature, how is C conditioned, and would a Newton step differ from the gradient at
    all? Last, what each curvature costs, and what is recommended.

    Hand it the outputs of a network, of the very batch and stage of training that is asked about:
    everything is measured there. float64 is a better witness, not the truth: where both dtypes are
    wrong in the same way, nothing is seen.

    All gradients, Hessians, C and λ are on the scale of the single sample's loss, whatever the
    reduction. Nothing is changed: outputs and arguments are copied, PyTorch's global generators put
    back. What is wrong with the loss (it raises, has the wrong shape, no gradient, is random) is
    part of the diagnosis and raises nothing.

    Args:
        loss_fn: `loss_fn(outputs, *args, **kwargs)` gives a 0-dim tensor or one of shape `(N,)`.
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors that share N.
        *args: further arguments of the loss. Floating-point tensors, also in tuples, lists and
            dicts, are cast along with the outputs.
        reduction: how a 0-dim loss was reduced over the batch: "mean" or "sum".
        seed: of PyTorch's global generators before each evaluation of the loss.
        **kwargs: keyword arguments of the loss. `reduction` and `seed` are not among them: bind
            those of the loss by `functools.partial`.

    Returns:
        The findings and the recommendation.

    Raises:
        TypeError: if ``loss_fn`` is not callable, or another argument is of the wrong kind.
        ValueError: if the outputs have a wrong shape, or ``reduction`` has no such choice.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    if isinstance(loss_fn, type) or not callable(loss_fn):
        raise TypeError(f"loss_fn must be a callable, got {describe(loss_fn)}")
    flat = flatten_outputs(outputs).detached()
    check_choice("reduction", reduction, REDUCTIONS)
    check_integer("seed", seed, minimum=0)
    probe = Probe(loss_fn, flat, args, kwargs, reduction, seed)
    facts: dict[str, Any] = {}
    try:
        probe = _measure(probe, facts)
    except LossFailedError as error:
        facts["problem"] = str(error)
    N, m = probe.matrix.shape
    found = Measurements(name=_name_of(loss_fn), num_samples=N, num_outputs=m, **facts)
    return Diagnosis(**vars(found), **vars(recommend(found)), _probe=probe)


def _measure(probe: Probe, facts: dict[str, Any]) -> Probe:
    """Fill in ``facts`` one by one, so that those before a failure stay; the probe that works."""
    y = probe.matrix
    value = probe.value(y)
    facts["times_differentiable"] = 0
    notes: list[str] = []
    probe, facts["times_differentiable"] = _form(probe, y, notes)
    facts["callable_works"] = probe.form == "callable"
    facts["is_random"] = _is_random(probe, y)
    if _float64_can_judge(probe, facts, notes):
        facts["roundings"] = roundings(probe)
        y = y.double()
    found = probe.derivatives(y)
    facts |= gradient_facts(found, one_loss_a_sample=value.dim() == 1)
    if value.dim() == 0:
        notes.append("vanishing gradients: a loss of shape (N,) tells them from solved samples.")
    facts["is_coupled"] = is_coupled(probe, y)
    if bool((found.gradient != 0).any()):
        facts["gradient_step_leaves"] = gradient_step_leaves(probe, y, found)
        if facts["times_differentiable"] == 2:
            _measure_curvature(probe, y, facts, notes)
        facts["milliseconds"] = milliseconds(probe, probe.matrix, _curvatures(probe, facts))
        _measure_descent(probe, y, facts, notes)
    facts["notes"] = tuple(notes)
    return probe


def _form(probe: Probe, y: Tensor, notes: list[str]) -> tuple[Probe, int]:
    """The form in which the loss has most derivatives, and how many it has."""
    tensor = replace(probe, form="tensor")
    failure = ""
    for candidate, times in ((probe, 2), (tensor, 2), (probe, 1), (tensor, 1)):
        try:
            candidate.derivatives(y, second_order=times == 2)
        except LossFailedError as error:
            failure = failure or str(error)
            if candidate is tensor and times == 1:
                raise
        else:
            break
    if candidate is tensor:
        notes.append(f"the loss as a callable ({failure})")
    return candidate, times


def _is_random(probe: Probe, y: Tensor) -> bool:
    other = replace(probe, seed=probe.seed + 1)
    return differ(probe.derivatives(y).gradient, other.derivatives(y).gradient)


def _float64_can_judge(probe: Probe, facts: dict[str, Any], notes: list[str]) -> bool:
    """Whether float64 says more of the loss than float32 does; a note if not."""
    why = None
    try:
        value = probe.value(probe.matrix.double())
        if value.dtype != torch.float64:
            why = f"the loss computes in {value.dtype}, whatever it is given"
    except (LossFailedError, TypeError) as error:  # MPS has no float64.
        why = f"the loss does not run in float64 ({error})"
    if why is None and facts["is_random"]:
        why = "the loss is random"
    if why is not None:
        notes.append(f"float32 against float64: {why}.")
    return why is None


def _measure_curvature(probe: Probe, y: Tensor, facts: dict[str, Any], notes: list[str]) -> None:
    N, m = y.shape
    if facts["is_coupled"]:
        notes.append("curvature of the single samples: they are coupled.")
        return
    if N * m * m > MAX_HESSIAN_ENTRIES:
        notes.append(f"curvature: {N} Hessians of side {m} are too large; use fewer samples.")
        return
    facts |= curvature_facts(probe.hessian(y))
    if facts["is_random"]:
        facts["hessian_agreement"] = hessian_agreement(probe, y)
    elif "roundings" in facts:
        facts["hessian_error"] = hessian_error(probe)


def _measure_descent(probe: Probe, y: Tensor, facts: dict[str, Any], notes: list[str]) -> None:
    """Where the noise is fixed, or a sample's step is not its own, it would mean nothing."""
    if facts["is_random"] or facts["is_coupled"]:
        return
    choices: dict[str, Choice] = {
        "gradient": (Identity(), 0.0),
        "fisher": (EmpiricalFisher(), fisher_damping(facts["median_gradient"])),
    }
    if "negative_curvature" in facts:
        choices["hessian"] = (Hessian(), None)
        choices["hessian per sample"] = (Hessian(scope="sample"), None)
    slowest = max(facts["milliseconds"].values(), default=0.0)
    if slowest * len(choices) * STEPS * TRIALS > _MAX_DESCENT_MS:
        notes.append("ten steps on the outputs: the loss is too slow; use fewer samples.")
        return
    facts["descent"] = descent(probe, y, choices)


def _curvatures(probe: Probe, facts: dict[str, Any]) -> dict[str, Curvature]:
    """Those whose cost is of interest."""
    found: dict[str, Curvature] = {"identity": Identity(), "fisher": EmpiricalFisher()}
    if "negative_curvature" in facts:
        found["hessian"] = Hessian()
    elif can_be_joint(facts["is_coupled"], facts["times_differentiable"], probe.matrix.numel()):
        found["joint hessian"] = Hessian(scope="joint")
    if type(probe.loss_fn) is ComposedLoss:
        found["gauss-newton"] = GaussNewton()
    return found


def _name_of(loss_fn: Callable[..., Any]) -> str:
    if isinstance(loss_fn, partial):
        return _name_of(loss_fn.func)
    return getattr(loss_fn, "__name__", type(loss_fn).__name__)
