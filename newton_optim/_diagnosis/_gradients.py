"""How long the gradients of the samples are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from newton_optim._diagnosis._comparison import ratio, share
from newton_optim._diagnosis._probe import Derivatives
from newton_optim._diagnosis._section import Section

# A gradient this much shorter than the longest has vanished.
_VANISHED = 1e-3

# A sample is solved if its loss is above the batch's lowest by less than this share of the mean.
_SOLVED = 1e-2

_NOT_PER_SAMPLE = (
    "vanishing gradients: only a loss of shape (N,) shows which samples are solved already."
)


@dataclass(frozen=True, kw_only=True)
class Gradients(Section):
    """Lengths of gradients, and which samples have none."""

    nonfinite: float | None = None
    median_gradient: float | None = None
    longest_over_median: float | None = None
    zero_gradients: float | None = None
    vanishing: float | None = None


def gradients(found: Derivatives, *, loss_per_sample: bool) -> Gradients:
    """Compare the gradients of the samples that are not solved.

    A solved sample may have a short gradient. Which samples are solved is known only with
    ``loss_per_sample``; without it, all samples are compared.
    """
    nonfinite = share(~(found.kept & found.value.isfinite()))
    lengths, values = found.gradient[found.kept].norm(dim=1), found.value[found.kept]
    notes = () if loss_per_sample else (_NOT_PER_SAMPLE,)
    if len(lengths) == 0:
        return Gradients(nonfinite=nonfinite, notes=notes)
    unsolved, vanishing = lengths, None
    if loss_per_sample and bool(values.isfinite().all()):
        excess = values - values.min()
        unsolved = lengths[excess >= _SOLVED * excess.mean()]
        vanishing = float((unsolved < _VANISHED * lengths.max()).sum()) / len(lengths)
    return Gradients(
        nonfinite=nonfinite,
        median_gradient=float(lengths.median()),
        longest_over_median=ratio(unsolved.max(), unsolved.median()),
        zero_gradients=share(lengths == 0),
        vanishing=vanishing,
        notes=notes,
    )


def fisher_damping(median_gradient: float | None) -> float:
    """The λ that suits an empirical Fisher: the square of the median gradient, to one digit.

    It is 1 where that square is zero, not finite or not known.
    """
    length = median_gradient or 0.0
    square = length * length
    return float(f"{square:.0e}") if 0.0 < square < math.inf else 1.0
