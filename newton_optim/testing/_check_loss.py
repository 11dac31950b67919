"""All properties that apply to a loss, in one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_choice, check_positive
from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._promises import PROMISES
from newton_optim.testing._property_table import PROPERTIES, Property
from newton_optim.testing._report import LossReport, PropertyResult
from newton_optim.testing._run_property import run_property
from newton_optim.testing._unchanged import check_mask
from newton_optim.testing._variants import Variant, variants

_NOT_AT_TARGETS = {prop.name for prop in PROPERTIES if prop.on_variants and not prop.at_target}

_WRONG = {"failed", "follows"}


def check_loss(
    loss_fn: Callable[..., Any],
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    spreads: Sequence[float] = (1.0, 10.0, 100.0),
    expect: Sequence[str] = (),
    mask: Tensor | None = None,
) -> LossReport:
    """Check every property that applies to a loss, at these outputs and at wider ones.

    The properties of numbers (``finite``, ``float32_matches_float64``, ``twice_differentiable``,
    ``no_dead_zone``) are checked at the outputs as given, with ties, and multiplied by ``spreads``;
    ``finite`` also at outputs equal to an argument of their shape. At wider outputs, samples that
    float32 cannot resolve are left out, with a remark.

    A failure is reported at the smallest example that still fails: fewer samples, rounder numbers.
    A property that fails because another one does is marked as following from it. Whatever is wrong
    with the loss is in the report, never a traceback: a loss that raises, has the wrong shape,
    cannot be differentiated or is random fails one of the first properties, and the others do not
    apply. (A loss that raises at outputs that were not given is taken as not defined there, with a
    remark.)

    Args:
        loss_fn: ``loss_fn(outputs, *args)`` returns a loss of shape `()` or `(N,)`; bind keywords
            with ``functools.partial``. The tensors of a module and of the arguments are cast to
            float32 and float64; those in a closure cannot be.
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors; a handful of
            typical samples will do.
        *args: further arguments of the loss. Every tensor whose first dimension is N belongs to the
            samples; bind any other tensor of that size with ``functools.partial``.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        spreads: factors above 0; ``(1.0,)`` for a loss that is not defined on all numbers.
        expect: what the loss promises. "coordinate_equivariant", "shift_invariant": the property
            must hold; without the promise it passes or is not applicable. "coupled": samples depend
            on each other on purpose. "first_order": the loss is piecewise linear, or has no second
            derivative; only gradients are checked. "piecewise_constant": the gradient is exactly
            zero in places on purpose.
        mask: boolean, in the shape of the outputs, true where an output counts: the loss promises
            to ignore the others.

    Returns:
        The report. ``report.ok`` says whether no property failed; ``print(report)`` shows a table.

    Raises:
        TypeError: if an argument of ``check_loss`` itself is of the wrong kind.
        ValueError: if it has a wrong value, name or shape.
    """
    case = Case.checked(loss_fn, outputs, args, reduction, dtype=None)
    factors = [check_positive("spreads", factor) for factor in spreads]
    promises = frozenset(check_choice("expect", name, PROMISES) for name in expect)
    case = replace(case, promises=promises)
    if mask is not None:
        check_mask(mask, outputs)
        case = replace(case, mask=mask)
    at = variants(case, factors)
    results: list[PropertyResult] = []
    missing: str | None = None
    for prop in PROPERTIES:
        if missing is not None:
            reason = f"the loss is not {missing}"
            results.append(PropertyResult(prop.name, "not applicable", reason))
            continue
        results.append(_result(prop, at, results))
        if prop.role == "required" and results[-1].status == "failed":
            missing = prop.name
    return LossReport(_name(loss_fn), tuple(results))


def _result(
    prop: Property, at: Sequence[Variant], before: Sequence[PropertyResult]
) -> PropertyResult:
    """One row of the report."""
    case = at[0].case
    reason = prop.requirement(case)
    if reason is not None:
        return PropertyResult(prop.name, "not applicable", reason)
    may_fail = prop.role != "optional" or prop.name in case.promises
    checked = _where_checked(prop, at)
    causes = _causes(prop, before, at[: at.index(checked[-1]) + 1])
    result = run_property(
        prop,
        checked,
        smallest=may_fail and prop.role != "required" and not causes,
    )
    if result.status != "failed":
        return result
    if not may_fail:
        reason = "does not hold; name it in expect= if it is promised"
        return PropertyResult(prop.name, "not applicable", reason)
    if prop.role == "required" and _needs_its_own_dtype(case):
        reason = (
            f"{result.detail}. The kit computes in float64: pass the tensors that the loss holds "
            "in a closure as arguments, so that they can be cast"
        )
        return replace(result, detail=reason)
    return _with_cause(result, causes, at)


def _where_checked(prop: Property, at: Sequence[Variant]) -> list[Variant]:
    """The variants on which a property is checked."""
    if not prop.on_variants:
        return [at[0]]
    return [variant for variant in at if prop.at_target or not variant.is_target]


def _causes(
    prop: Property, before: Sequence[PropertyResult], at: Sequence[Variant]
) -> list[PropertyResult]:
    """The failures at these outputs from which one of the property may follow."""
    labels = {variant.label for variant in at}
    wrong = [row for row in before if row.status in _WRONG and row.where in labels]
    return [row for row in wrong if row.name in prop.follows]


def _with_cause(
    result: PropertyResult, causes: Sequence[PropertyResult], at: Sequence[Variant]
) -> PropertyResult:
    """The failure, or that it follows from the first cause seen at these outputs or before.

    What is found at a target follows only from what was checked there, or does not depend on the
    outputs.
    """
    labels = [variant.label for variant in at]
    place = labels.index(result.where)
    for cause in causes:
        elsewhere = at[place].is_target and cause.name in _NOT_AT_TARGETS
        if labels.index(cause.where) <= place and not elsewhere:
            return replace(result, status="follows", follows=cause.follows or cause.name)
    return result


def _needs_its_own_dtype(case: Case) -> bool:
    """Whether the loss can be evaluated as given, but not in float64."""
    return _can_be_evaluated(case) and not _can_be_evaluated(case.to(torch.float64))


def _can_be_evaluated(case: Case) -> bool:
    try:
        case.evaluate()
    except UnusableLossError:
        return False
    return True


def _name(loss_fn: Any) -> str:
    function = getattr(loss_fn, "func", loss_fn)
    name: str = getattr(function, "__name__", type(function).__name__)
    return name
