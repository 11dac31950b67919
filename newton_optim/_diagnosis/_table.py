"""A diagnosis as text: findings, then the recommendation and its reasons."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._recommendation import Recommendation
from newton_optim._diagnosis._rounding import Rounding
from newton_optim.curvature import RelativeDamping
from newton_optim.curvature._base import Curvature

_WIDTH = 88
_LABEL = 22
_LINE = "─" * _WIDTH
_NO_BREAK = "\N{NO-BREAK SPACE}"

_Rows = Iterator[tuple[str, str]]


def table(m: Measurements, advice: Recommendation) -> str:
    """Two columns, at most 88 characters wide: what was looked at, and what was found.

    A text that is too long continues on the next lines; nothing is cut.
    """
    head = f"{m.name}: {m.num_samples} samples of {m.num_outputs} outputs"
    findings = (*_numerics(m), *_gradients(m), *_curvature(m), *_costs(m))
    return "\n".join(
        [
            textwrap.fill(head, _WIDTH),
            textwrap.fill(opening(advice), _WIDTH, break_on_hyphens=False),
            _LINE,
            *(_row(*row) for row in findings),
            _LINE,
            *(_row(*row) for row in _recommended(advice)),
        ]
    )


def opening(advice: Recommendation) -> str:
    """One sentence that says what to do."""
    verdict = advice.verdict
    if advice.curvature is None:
        return f"Change the loss before you train: {verdict}."
    if advice.entry_point is None:
        return f"Train with {verdict}."
    if "fix the loss" in verdict:
        return f"Fix the loss: its gradient {verdict.partition(':')[0]}."
    return f"Train with {call(advice.entry_point, advice.curvature, advice.damping)}."


def _row(label: str, text: str) -> str:
    row = textwrap.fill(
        text,
        _WIDTH,
        initial_indent=label.ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
    )
    return row.replace(_NO_BREAK, " ")


def _listed(parts: Iterable[str]) -> str:
    """The parts with commas between them; a line breaks only after a comma."""
    return ", ".join(part.replace(" ", _NO_BREAK) for part in parts)


def _numerics(m: Measurements) -> _Rows:
    if m.problem is not None:
        yield "problem", m.problem
    for r in m.roundings:
        yield f"float32, outputs × {r.spread:g}", _rounding(r)
    if m.times_differentiable is not None:
        yield "differentiable", ("no", "once", "twice")[m.times_differentiable]
    if m.is_random is not None:
        agreement = (
            ""
            if m.hessian_agreement is None
            else f"; cosine of the Hessians of two draws {m.hessian_agreement:.2f}"
        )
        yield "random", f"{'yes' if m.is_random else 'no'}{agreement}"
    if m.is_stateful:
        yield "repeated call", "differs: the loss keeps a state or a generator of its own"
    if m.is_coupled is not None:
        yield "samples", "coupled" if m.is_coupled else "independent"


def _rounding(r: Rounding) -> str:
    median, median64 = map(number, (r.longest_over_median, r.longest_over_median_float64))
    parts = [
        f"{r.share_wrong:.0%} off by > 1 %",
        f"longest/median {median} (float64 {median64})",
        f"cosine {'–' if math.isnan(r.cosine) else f'{r.cosine:.2f}'}",
    ]
    if r.share_nonfinite > 0.0:
        parts.append(f"{r.share_nonfinite:.0%} not finite")
    if r.share_nonfinite_float64 > 0.0:
        parts.append(f"{r.share_nonfinite_float64:.0%} not finite in float64 either")
    return _listed([*parts, "EXPLODES"] if r.explodes else parts)


def _gradients(m: Measurements) -> _Rows:
    if m.nonfinite:
        yield "not finite", f"{m.nonfinite:.0%} of the samples"
    if m.nonfinite_hessians:
        yield "Hessian not finite", f"{m.nonfinite_hessians:.0%} of the samples"
    if m.median_gradient is None or m.longest_over_median is None:
        return
    lengths = [
        f"median {number(m.median_gradient)}",
        f"longest/median {number(m.longest_over_median)}",
    ]
    if m.zero_gradients:
        lengths.append(f"{m.zero_gradients:.0%} exactly zero")
    if m.vanishing is not None:
        lengths.append(f"{m.vanishing:.0%} vanishing")
    yield "gradients", _listed(lengths)
    if m.gradient_step_leaves is not None:
        yield (
            "one gradient step",
            _one_step(m.gradient_step_leaves, bool(m.solved_by_one_gradient_step)),
        )
    elif m.solved_by_one_gradient_step is not None:
        yield "one gradient step", "does not solve it: the loss has no minimum along the gradient"
    if m.descent:
        yield "ten steps leave", _listed(f"{name} {_left(x)}" for name, x in m.descent.items())


def _one_step(leaves: float, solves: bool) -> str:
    if leaves > 1.0:
        return "does not solve it: the curvature changes along the way, and it overshoots"
    return f"{'solves it' if solves else 'does not solve it'}: {_left(leaves)} of the work is left"


def _left(share: float) -> str:
    """A share of what is left as a percentage of two digits."""
    return f"{number(100.0 * share)}%"


def _curvature(m: Measurements) -> _Rows:
    if m.jacobian_condition is not None:
        yield "residuals", f"median condition of the Jacobians {number(m.jacobian_condition)}"
    if m.negative_curvature is None:
        return
    yield "negative curvature", f"{m.negative_curvature:.0%} of the samples"
    text = "0" if m.condition is None else f"condition {number(m.condition)}"
    text += f", rank {m.rank} of {m.num_outputs}"
    if m.hessian_error is not None:
        text += f"; float32 off by {number(m.hessian_error)} of its size"
    yield "C, the mean Hessian", text
    if m.newton_cosine is not None:
        yield "Newton step", f"cosine with the gradient {m.newton_cosine:.2f}"


def _costs(m: Measurements) -> _Rows:
    if m.milliseconds:
        yield "cost of a step", _listed(f"{k} {ms:.2g} ms" for k, ms in m.milliseconds.items())
    for note in m.notes:
        yield "not measured", note


def _recommended(advice: Recommendation) -> _Rows:
    yield "recommended", advice.verdict
    if advice.entry_point is not None and advice.curvature is not None:
        yield "use", call(advice.entry_point, advice.curvature, advice.damping)
    for i, reason in enumerate(advice.reasons):
        yield "" if i else "because", reason


def call(entry_point: str, curvature: Curvature, damping: float | RelativeDamping) -> str:
    """The call, as it would be written."""
    loss = "loss_fn" if entry_point == "NewtonLoss" else "loss_fn(outputs), outputs"
    defaults = vars(type(curvature)())
    options = (f'{name}="{v}"' for name, v in vars(curvature).items() if v != defaults[name])
    made = f"{type(curvature).__name__}({', '.join(options)})"
    if isinstance(damping, RelativeDamping):
        lam = f"RelativeDamping({damping.c:g}{', shared=True' if damping.shared else ''})"
    else:
        lam = f"{damping:g}"
    return f"{entry_point}({loss}, curvature={made}, damping={lam})"


def number(x: float) -> str:
    """Two digits, without an exponent where it can be read."""
    if x != 0.0 and abs(x) < 1e-6:
        return "< 1e-6" if x > 0.0 else "> -1e-6"
    return f"{x:,.0f}" if 100.0 <= abs(x) < 1e6 else f"{x:.2g}"
