"""One property on a loss, and what the report says about it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from newton_optim._checks import describe
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import show
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._property_table import Property
from newton_optim.testing._report import PropertyResult
from newton_optim.testing._resolution import Resolved
from newton_optim.testing._shrink import shrink
from newton_optim.testing._variants import Variant


@dataclass(frozen=True)
class _Failure:
    """A case on which a property fails, and how."""

    case: Case
    error: Exception


def run_property(
    prop: Property, variants: Sequence[Variant], *, smallest: bool = True
) -> PropertyResult:
    """Check a property on all variants, up to the first that fails.

    Where a loss cannot be used at outputs that were not given, it is taken as not defined there,
    with a remark.

    Args:
        prop: the property.
        variants: the loss at its outputs, and at others.
        smallest: whether a failure is shrunk to the smallest example.
    """
    remarks = []
    for variant in variants:
        found = _check_variant(prop, variant)
        if isinstance(found, _Failure):
            detail = variant.labelled(_describe(prop, found, smallest)) + variant.hint
            return PropertyResult(prop.name, "failed", detail, where=variant.label)
        if found:
            remarks.append(variant.labelled(found))
    return PropertyResult(prop.name, "passed", "; ".join(remarks))


def _check_variant(prop: Property, variant: Variant) -> str | _Failure:
    """The remark of a property that passes, or its failure."""
    try:
        return _check(prop, variant.case)
    except UnusableLossError as error:
        return str(error) if variant.label else _Failure(variant.case, error)
    except Exception as error:
        failure = _Failure(variant.case, error)
        return _where_resolved(prop, failure) if variant.is_wider else failure


def _where_resolved(prop: Property, failure: _Failure) -> str | _Failure:
    """The failure, without the samples that float32 cannot resolve; a remark if none is left."""
    resolved = Resolved.of(failure.case)
    if not resolved.remark:
        return failure
    for part in resolved.parts:
        try:
            _check(prop, part)
        except UnusableLossError:
            return failure
        except Exception as error:
            return _Failure(part, error)
    return resolved.remark


def _check(prop: Property, case: Case) -> str:
    """Call the assert function; its remark, if it passes."""
    found = prop.check(
        case.loss_fn,
        case.structured_outputs,
        *case.copied_args(),
        reduction=case.reduction,
        **prop.options(case),
    )
    return prop.remark(found)


def _describe(prop: Property, failure: _Failure, smallest: bool) -> str:
    """The message of a failure, at its smallest example if that is wanted."""
    if not smallest or isinstance(failure.error, UnusableLossError):
        return _message(failure.error)
    return _smallest_failure(prop, failure.case, failure.error)


def _smallest_failure(prop: Property, case: Case, error: Exception) -> str:
    """The message at the smallest example that fails in the same way."""
    small, message = shrink(case, functools.partial(_same_failure, prop, type(error)))
    return f"{message} (smallest example: {_show_case(small)})"


def _same_failure(prop: Property, kind: type[Exception], case: Case) -> str | None:
    """The message of a failure of this kind; another kind is no smaller example."""
    try:
        _check(prop, case)
    except Exception as error:
        return _message(error) if type(error) is kind else None
    return None


def _message(error: Exception) -> str:
    if isinstance(error, AssertionError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _show_case(case: Case) -> str:
    args = [show(arg) if isinstance(arg, Tensor) else describe(arg) for arg in case.args]
    return ", ".join([f"N = {case.num_samples}, outputs {show(case.y)}", *args])
