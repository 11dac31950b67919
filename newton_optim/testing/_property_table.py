"""The table of properties, in the order in which ``check_loss`` checks and reports them.

This is the one place that lists them. A new property is a row here; its assert function is in
``_properties/``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from newton_optim.testing import _requirements as requires
from newton_optim.testing._case import Case
from newton_optim.testing._float32_range import describe_beyond
from newton_optim.testing._properties._contract import (
    assert_deterministic,
    assert_inputs_unchanged,
    assert_usable,
)
from newton_optim.testing._properties._dead_zone import assert_no_dead_zone
from newton_optim.testing._properties._descent import assert_descent_direction
from newton_optim.testing._properties._dtype import assert_dtype_kept
from newton_optim.testing._properties._entry_points_agree import (
    assert_entry_points_agree,
    describe_refusals,
)
from newton_optim.testing._properties._finite import assert_finite
from newton_optim.testing._properties._fixpoint import assert_fixpoint
from newton_optim.testing._properties._float32 import assert_float32_matches_float64
from newton_optim.testing._properties._identity_steps import assert_identity_steps_like_base
from newton_optim.testing._properties._invariances import (
    assert_coordinate_equivariant,
    assert_shift_invariant,
)
from newton_optim.testing._properties._mse_collapse import assert_loss_collapses
from newton_optim.testing._properties._padding import assert_padding_ignored
from newton_optim.testing._properties._samples import (
    assert_batch_invariant,
    assert_duplication_invariant,
    assert_sample_equivariant,
    assert_samples_independent,
)
from newton_optim.testing._properties._smoothness import (
    assert_twice_differentiable,
    describe_kinks,
)
from newton_optim.testing._properties._stated_derivatives import assert_derivatives_match
from newton_optim.testing._properties._two_newton_steps import assert_two_newton_steps_are_one

Role = Literal["required", "expected", "optional"]

_BASICS = ("inputs_unchanged", "dtype_kept", "finite")
_DERIVATIVES = (*_BASICS, "twice_differentiable")
_SAMPLES = ("samples_independent", "sample_equivariant", "duplication_invariant")


def _no_options(case: Case) -> dict[str, Any]:
    return {}


def _mask(case: Case) -> dict[str, Any]:
    return {"mask": case.mask}


def _order(case: Case) -> dict[str, Any]:
    return {"order": 1} if "first_order" in case.promises else {}


def _no_remark(found: None) -> str:
    return ""


@dataclass(frozen=True)
class Property:
    """A named property, and when it is checked.

    Args:
        name: its row in the report.
        check: the assert function, called as ``check(loss_fn, outputs, *args, reduction=...)``.
        requirement: what the loss must have for the property to apply.
        role: "required": without it no other property can be checked. "expected": every correct
            loss has it. "optional": a loss may promise it (``expect=``); without the promise it
            passes or does not apply.
        on_variants: whether it is also checked with ties and at wider outputs.
        at_target: whether it is also checked at outputs equal to an argument.
        options: further keywords of the assert function.
        follows: properties whose failure makes this one fail as well.
        remark: from what the assert function returns to a remark in the report.
    """

    name: str
    check: Callable[..., Any]
    requirement: requires.Requirement = requires.nothing
    role: Role = "expected"
    on_variants: bool = False
    at_target: bool = False
    options: Callable[[Case], dict[str, Any]] = _no_options
    follows: tuple[str, ...] = _DERIVATIVES
    remark: Callable[[Any], str] = _no_remark


PROPERTIES: Final = (
    Property("usable", assert_usable, role="required", follows=()),
    Property("deterministic", assert_deterministic, role="required", follows=()),
    Property("inputs_unchanged", assert_inputs_unchanged, follows=()),
    Property("dtype_kept", assert_dtype_kept, follows=()),
    Property(
        "float32_matches_float64",
        assert_float32_matches_float64,
        on_variants=True,
        options=_order,
        follows=_BASICS[:2],
        remark=describe_beyond,
    ),
    Property(
        "finite",
        assert_finite,
        on_variants=True,
        at_target=True,
        options=_order,
        follows=(*_BASICS[:2], "float32_matches_float64"),
        remark=describe_beyond,
    ),
    Property(
        "twice_differentiable",
        assert_twice_differentiable,
        on_variants=True,
        options=_order,
        follows=_BASICS,
        remark=describe_kinks,
    ),
    Property(
        "no_dead_zone",
        assert_no_dead_zone,
        requires.nowhere_constant,
        on_variants=True,
    ),
    Property(
        "derivatives_match", assert_derivatives_match, requires.derivatives_method, follows=_BASICS
    ),
    Property("sample_equivariant", assert_sample_equivariant, requires.two_samples),
    Property("samples_independent", assert_samples_independent, requires.two_uncoupled_samples),
    Property(
        "duplication_invariant",
        assert_duplication_invariant,
        requires.uncoupled,
        follows=(*_DERIVATIVES, *_SAMPLES[:2]),
    ),
    Property(
        "batch_invariant",
        assert_batch_invariant,
        requires.two_uncoupled_samples,
        follows=(*_DERIVATIVES, *_SAMPLES),
    ),
    Property(
        "coordinate_equivariant",
        assert_coordinate_equivariant,
        requires.single_tensor,
        role="optional",
    ),
    Property("shift_invariant", assert_shift_invariant, role="optional"),
    Property("padding_ignored", assert_padding_ignored, requires.mask, options=_mask),
    Property("descent_direction", assert_descent_direction, requires.second_derivative),
    Property(
        "entry_points_agree",
        assert_entry_points_agree,
        requires.second_derivative,
        remark=describe_refusals,
    ),
    Property(
        "entry_points_agree (fisher)",
        functools.partial(assert_entry_points_agree, curvature="fisher"),
        remark=describe_refusals,
    ),
    Property("mse_collapse", assert_loss_collapses, requires.half_squared_error),
    Property("fixpoint", assert_fixpoint, requires.second_derivative),
    Property("identity_steps_like_base", assert_identity_steps_like_base),
    Property(
        "two_newton_steps_are_one", assert_two_newton_steps_are_one, requires.second_derivative
    ),
)
