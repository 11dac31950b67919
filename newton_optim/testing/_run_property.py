"""One property on a loss, and what the report says about it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from torch import Tensor

from newton_optim._checks import describe
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import show
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._property_table import Property
from newton_optim.testing._report import PropertyResult
from newton_optim.testing._shrink import shrink
from newton_optim.testing._variants import Variant


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
        try:
            remark = _check(prop, variant.case)
        except UnusableLossError as error:
            if not variant.label:
                return PropertyResult(prop.name, "failed", str(error))
            remark = str(error)
        except Exception as error:
            detail = _smallest_failure(prop, variant.case, error) if smallest else _message(error)
            detail = variant.labelled(detail) + variant.hint
            return PropertyResult(prop.name, "failed", detail, where=variant.label)
        if remark:
            remarks.append(variant.labelled(remark))
    return PropertyResult(prop.name, "passed", "; ".join(remarks))


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
