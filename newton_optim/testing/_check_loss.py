"""All properties that apply to a loss, in one report."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_choice, check_positive, describe
from newton_optim.testing import (
    _conduct,
    _identities,
    _invariances,
    _newton,
    _numerics,
    _samples,
    _smoothness,
)
from newton_optim.testing._case import Case, UnusableLossError
from newton_optim.testing._report import LossReport, PropertyResult
from newton_optim.testing._rounding import gradient, show
from newton_optim.testing._smallest import smallest

OPTIONAL = ("coordinate_equivariant", "shift_invariant")


def check_loss(
    loss_fn: Callable[..., Any],
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    spreads: Sequence[float] = (1.0, 10.0, 100.0),
    expect: Sequence[str] = (),
    mask: Tensor | None = None,
) -> LossReport:
    """Look at every property of a loss that applies to it, at these outputs and at wider ones.

    Numbers (`finite`, `float32_matches_float64`, `twice_differentiable`) are looked at with the
    outputs as given, with ties, and multiplied by ``spreads``. A failure is told at the smallest
    example that still fails: fewer samples, rounder numbers. What the loss does wrong is in the
    report, never a traceback: a loss that raises, has the wrong shape, cannot be differentiated or
    is random fails the first properties, and the others do not apply. (Where it raises at outputs
    that were not given, it is taken as not defined there, with a remark.)

    Args:
        loss_fn: `loss_fn(outputs, *args)` gives a loss of shape `()` or `(N,)`; bind keywords with
            `functools.partial`. Tensors of a module and in the arguments are cast to float32 and
            float64; those in a closure cannot be.
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors; a handful of
            typical samples will do.
        *args: further arguments. Every tensor whose first dimension is N goes with its sample; bind
            any other tensor of this size with `functools.partial`.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        spreads: factors above 0; `(1.0,)` for a loss that is not defined on all numbers.
        expect: which of "coordinate_equivariant" and "shift_invariant" the loss promises. Without
            it, a loss that has the property passes, and to one that has not it does not apply.
        mask: boolean, of the shape of the outputs, true where an output counts: the loss promises
            to ignore the others.

    Returns:
        The report; `report.ok` says whether no property failed, `print(report)` shows a table.

    Raises:
        TypeError: if an argument of the kit is of the wrong kind.
        ValueError: if a value, name or shape is wrong.
    """
    case = Case.checked(loss_fn, outputs, args, reduction, dtype=None)
    factors = [check_positive("spreads", factor) for factor in spreads]
    promised = {check_choice("expect", name, OPTIONAL) for name in expect}
    if mask is not None:
        _invariances.check_mask(mask, outputs, case)
    results = _gate(case)
    stop = next((result for result in results if result.status == "failed"), None)
    variants = list(_variants(case, factors))
    for prop in _properties(case, mask, usable=stop is None):
        if stop is not None:
            why = f"the loss is not {stop.name}"
            results.append(PropertyResult(prop.name, "not applicable", why))
        elif prop.why_not is not None:
            results.append(PropertyResult(prop.name, "not applicable", prop.why_not))
        else:
            is_promised = prop.name not in set(OPTIONAL) - promised
            where = variants if prop.everywhere else variants[:1]
            result = _look(prop, where, shrink=is_promised)
            if result.status == "failed" and not is_promised:
                why = "does not hold; name it in expect= if the loss promises it"
                result = replace(result, status="not applicable", detail=why)
            results.append(result)
    return LossReport(_name(loss_fn), tuple(results))


@dataclass(frozen=True)
class _Property:
    """A property with its options.

    Args:
        name: as in the report.
        check: the assert function, bound to its options; what it returns becomes a remark.
        why_not: why it does not apply, or `None`.
        everywhere: whether it is looked at on the variants of the outputs.
    """

    name: str
    check: Callable[..., Any]
    why_not: str | None = None
    everywhere: bool = False


def _gate(case: Case) -> list[PropertyResult]:
    """Whether the loss can be used at all, and in float64, and gives the same twice."""
    results = []
    for check in (_conduct.assert_usable, _conduct.assert_deterministic):
        prop = _Property(check.__name__.removeprefix("assert_"), check)
        result = _look(prop, [("", case)], shrink=False)
        results.append(result)
        if result.status == "failed":
            if results[0].status == "passed" and _fails_in_float64(case):
                why = (
                    f"{result.detail}. The kit computes in float64: hand tensors that the loss "
                    "holds in a closure over as arguments, so that they can be cast"
                )
                results[-1] = replace(result, detail=why)
            break
    return results


def _fails_in_float64(case: Case) -> bool:
    try:
        case.to(torch.float64).evaluate()
    except UnusableLossError:
        return True
    return False


def _properties(case: Case, mask: Tensor | None, *, usable: bool) -> Iterator[_Property]:
    double = case.to(torch.float64)
    twice = usable and _numerics.has_hessian(double)
    curved = None if twice else "the loss has no second derivative"
    alone = "there is one sample only" if case.num_samples == 1 else None
    yield _Property("inputs_unchanged", _conduct.assert_inputs_unchanged)
    yield _Property("finite", _numerics.assert_finite, everywhere=True)
    yield _Property(
        "float32_matches_float64", _numerics.assert_float32_matches_float64, everywhere=True
    )
    yield _Property(
        "twice_differentiable", _smoothness.assert_twice_differentiable, everywhere=True
    )
    own = None if _numerics.has_derivatives(case.loss_fn) else "there is no `derivatives` method"
    yield _Property("derivatives_match", _numerics.assert_derivatives_match, own)
    yield _Property("samples_independent", _samples.assert_samples_independent, alone)
    yield _Property("sample_equivariant", _samples.assert_sample_equivariant, alone)
    yield _Property("duplication_invariant", _samples.assert_duplication_invariant)
    flat = None if _is_single(case) else "the outputs are not one tensor (N, m)"
    yield _Property("coordinate_equivariant", _invariances.assert_coordinate_equivariant, flat)
    yield _Property("shift_invariant", _invariances.assert_shift_invariant)
    yield _padding(mask)
    yield _Property("descent_direction", _newton.assert_descent_direction, curved)
    yield _Property("doors_agree", _newton.assert_doors_agree, curved)
    fisher = functools.partial(_newton.assert_doors_agree, curvature="fisher")
    yield _Property("doors_agree (fisher)", fisher)
    mse = None if usable and _is_half_squared_error(double) else "the loss is not ½‖y - t‖²"
    yield _Property("mse_collapse", _mse_collapse, mse)
    yield _Property("fixpoint", _identities.assert_fixpoint, curved)
    yield _Property("lemma_2", _identities.assert_lemma_2)
    yield _Property("lemma_3", _identities.assert_lemma_3, curved)


def _padding(mask: Tensor | None) -> _Property:
    if mask is None:
        return _Property("padding_ignored", _invariances.assert_padding_ignored, "no mask= given")
    check = functools.partial(_invariances.assert_padding_ignored, mask=mask)
    return _Property("padding_ignored", check)


def _look(
    prop: _Property, variants: Sequence[tuple[str, Case]], *, shrink: bool = True
) -> PropertyResult:
    remarks = []
    for where, case in variants:
        try:
            found = _run(prop, case)
        except UnusableLossError as error:
            if where:  # it refuses outputs that nobody gave it: these are not its domain
                remarks.append(f"{where}: {error}")
                continue
            return PropertyResult(prop.name, "failed", str(error))
        except Exception as error:
            message = str(error) if isinstance(error, AssertionError) else _raised(error)
            if shrink:
                case, message = smallest(case, functools.partial(_failure, prop))
                message += f" (smallest example: {_shown(case)})"
            detail = f"{where}: {message}" if where else message
            return PropertyResult(prop.name, "failed", detail)
        remarks += [f"{where}: {found}" if where else str(found)] if found else []
    return PropertyResult(prop.name, "passed", "; ".join(remarks))


def _run(prop: _Property, case: Case) -> str | None:
    found = prop.check(case.loss_fn, case.given, *case.copied_args(), reduction=case.reduction)
    if isinstance(found, list) and found:
        places = ", ".join(map(str, found[:3])) + (", …" if len(found) > 3 else "")
        return f"kinks at (sample, coordinate) {places}"
    if isinstance(found, dict) and found:
        name, why = next(iter(found.items()))
        return f"{len(found)} doors refuse it; {name}: {why}"
    return None


def _failure(prop: _Property, case: Case) -> str | None:
    """The message of a failure; a loss that cannot be used here is no smaller example."""
    try:
        _run(prop, case)
    except UnusableLossError:
        return None
    except AssertionError as error:
        return str(error)
    except Exception as error:
        return _raised(error)
    return None


def _variants(case: Case, factors: Sequence[float]) -> Iterator[tuple[str, Case]]:
    yield "", case
    y = case.y
    if y.shape[1] > 1:
        tied = torch.cat([y[:, :1], y[:, :1], y[:, 2:]], dim=1)
        yield "with ties", case.at(tied)
    for factor in factors:
        if factor != 1.0:
            yield f"outputs times {factor:g}", case.at(y * factor)


def _mse_collapse(loss_fn: Any, outputs: Any, target: Any, *, reduction: str) -> None:
    _identities.assert_mse_collapse(outputs, target, loss_fn=loss_fn, reduction=reduction)


def _is_half_squared_error(case: Case) -> bool:
    if len(case.args) != 1 or not _is_single(case):
        return False
    target, part = case.args[0], case.outputs.parts[0]
    if not isinstance(target, Tensor) or target.shape != part.shape:
        return False
    t = target.reshape(len(part), -1)
    off = (gradient(case) - (case.y - t)).norm()
    return bool(off <= 2.0**-40 * (case.y.norm() + t.norm()))


def _is_single(case: Case) -> bool:
    return isinstance(case.given, Tensor) and case.outputs.parts[0].dim() > 1


def _raised(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _shown(case: Case) -> str:
    args = [show(arg) if isinstance(arg, Tensor) else describe(arg) for arg in case.args]
    return ", ".join([f"N = {case.num_samples}, outputs {show(case.y)}", *args])


def _name(loss_fn: Any) -> str:
    function = getattr(loss_fn, "func", loss_fn)
    name: str = getattr(function, "__name__", type(function).__name__)
    return name
