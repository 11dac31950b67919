"""A diagnosis as text: findings, then the recommendation and its reasons."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from newton_optim._diagnosis._measurements import Rounding
from newton_optim._diagnosis._rules import explodes
from newton_optim.curvature import RelativeDamping
from newton_optim.curvature._base import Curvature

if TYPE_CHECKING:
    from newton_optim._diagnosis._diagnosis import Diagnosis

_WIDTH = 100
_LABEL = 22
_RULE = "─" * _WIDTH


def table(d: Diagnosis) -> str:
    """Two columns, at most 100 characters wide: what was looked at, and what was found."""
    head = f"{d.name}: {d.num_samples} samples of {d.num_outputs} outputs"
    findings = [_row(*row) for row in (*_numerics(d), *_gradients(d), *_curvature(d), *_costs(d))]
    return "\n".join([head, _RULE, *findings, _RULE, *(_row(*row) for row in _recommendation(d))])


def _row(label: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=label.ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _numerics(d: Diagnosis) -> Iterator[tuple[str, str]]:
    if d.problem is not None:
        yield "problem", d.problem
    for r in d.roundings:
        yield f"float32, outputs × {r.spread:g}", _rounding(r)
    if d.times_differentiable is not None:
        yield "differentiable", ("no", "once", "twice")[d.times_differentiable]
    if d.is_random is not None:
        agreement = (
            ""
            if d.hessian_agreement is None
            else (f"; cosine of the Hessians of two draws {d.hessian_agreement:.2f}")
        )
        yield "random", f"{'yes' if d.is_random else 'no'}{agreement}"
    if d.is_coupled is not None:
        yield "samples", "coupled" if d.is_coupled else "independent"


def _rounding(r: Rounding) -> str:
    parts = [
        f"{r.off:.0%} off by > 1 %",
        f"longest/median {number(r.longest)} (float64 {number(r.longest_float64)})",
        f"cosine {'–' if math.isnan(r.cosine) else f'{r.cosine:.2f}'}",
    ]
    if r.nonfinite > 0.0:
        parts.append(f"{r.nonfinite:.0%} not finite")
    return ", ".join([*parts, "EXPLODES"] if explodes(r) else parts)


def _gradients(d: Diagnosis) -> Iterator[tuple[str, str]]:
    if d.nonfinite:
        yield "not finite", f"{d.nonfinite:.0%} of the samples"
    if d.median_gradient is None or d.longest_over_median is None:
        return
    text = f"median {number(d.median_gradient)}, longest/median {number(d.longest_over_median)}"
    if d.vanishing is not None:
        text += f", {d.vanishing:.0%} vanishing"
    yield "gradients", text
    if d.gradient_step_leaves is None:
        yield "one gradient step", "does not solve it: no parabola along the gradient"
    else:
        does = "solves it" if d.solved_by_one_gradient_step else "does not solve it"
        yield "one gradient step", f"{does}: leaves {number(d.gradient_step_leaves)}"
    if d.descent:
        leaves = (f"{name} {number(left)}" for name, left in d.descent.items())
        yield "ten steps leave", ", ".join(leaves)


def _curvature(d: Diagnosis) -> Iterator[tuple[str, str]]:
    if d.negative_curvature is None:
        return
    yield "negative curvature", f"{d.negative_curvature:.0%} of the samples"
    text = "0" if d.condition is None else f"condition {number(d.condition)}"
    text += f", rank {d.rank} of {d.num_outputs}"
    if d.hessian_error is not None:
        text += f"; float32 off by {number(d.hessian_error)} of its size"
    yield "C, the mean Hessian", text
    if d.newton_cosine is not None:
        yield "Newton step", f"cosine with the gradient {d.newton_cosine:.2f}"


def _costs(d: Diagnosis) -> Iterator[tuple[str, str]]:
    if d.milliseconds:
        times = (f"{name} {ms:.2g} ms" for name, ms in d.milliseconds.items())
        yield "cost of a step", ", ".join(times)
    for note in d.notes:
        yield "not measured", note


def _recommendation(d: Diagnosis) -> Iterator[tuple[str, str]]:
    yield "recommended", d.verdict
    if d.door is not None and d.curvature is not None:
        yield "use", call(d.door, d.curvature, d.damping)
    for i, reason in enumerate(d.reasons):
        yield "" if i else "because", reason


def call(door: str, curvature: Curvature, damping: float | RelativeDamping) -> str:
    """The call, as one would write it."""
    loss = "loss_fn" if door == "NewtonLoss" else "loss_fn(outputs), outputs"
    defaults = vars(type(curvature)())
    options = (f'{name}="{v}"' for name, v in vars(curvature).items() if v != defaults[name])
    made = f"{type(curvature).__name__}({', '.join(options)})"
    if isinstance(damping, RelativeDamping):
        lam = f"RelativeDamping({damping.c:g})"
    else:
        lam = f"{damping:g}"
    return f"{door}({loss}, curvature={made}, damping={lam})"


def number(x: float) -> str:
    """Two digits, without an exponent where it can be read."""
    if x != 0.0 and abs(x) < 1e-6:
        return "< 1e-6" if x > 0.0 else "> -1e-6"
    return f"{x:,.0f}" if 100.0 <= abs(x) < 1e6 else f"{x:.2g}"
