"""What is done to the loss of a problem: the rows of every table, and what is tuned for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final

from benchmarks.inverse.config import InverseConfig

RATES: Final = (1e-2, 2e-2, 4e-2)
# As many trials for the plain loss, which has its rate alone.
PLAIN_RATES: Final = (5e-3, 1e-2, 2e-2, 3e-2, 5e-2, 1e-1)


@dataclass(frozen=True)
class Variant:
    """One row of a table.

    Args:
        name: of the variant, in files of chosen numbers.
        changes: to the plain configuration.
        grid: the candidates of each number that is tuned.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def trials(self, plain: InverseConfig) -> list[InverseConfig]:
        """The configurations among which the best is chosen; as many for every variant."""
        numbers = [dict(zip(self.grid, one, strict=True)) for one in product(*self.grid.values())]
        return [self._change(plain, one) for one in numbers]

    def config(self, plain: InverseConfig, chosen: Mapping[str, float]) -> InverseConfig:
        """The variant with chosen numbers, and a middle candidate where there is none."""
        middle = {name: values[len(values) // 2] for name, values in self.grid.items()}
        return self._change(plain, middle | dict(chosen))

    def _change(self, plain: InverseConfig, numbers: Mapping[str, Any]) -> InverseConfig:
        return replace(plain, **{**self.changes, **numbers})


_PLAIN: Final = {"lr": PLAIN_RATES}
_CLIPPED: Final = {"lr": RATES, "clip": (0.01, 0.1)}
_NEWTON: Final = {"lr": RATES, "damping": (0.1, 1.0)}

# The library's default for Gauss-Newton is a shared 0.3, with steps of at most 0.1.
_SHARED: Final = {"lr": RATES, "damping": (0.1, 0.3)}
_BOUNDED: Final = {"lr": RATES, "clip": (0.03, 0.1)}

VARIANTS: Final = (
    Variant("plain", {}, _PLAIN),
    Variant("plain, 2x", {"factor": 2}, _PLAIN),
    Variant("plain, 3x", {"factor": 3}, _PLAIN),
    Variant("plain, 5x", {"factor": 5}, _PLAIN),
    Variant("clipped", {}, _CLIPPED),
    Variant("fisher", {"curvature": "fisher", "scope": "batch"}, _NEWTON),
    Variant(
        "hessian",
        {"curvature": "hessian", "scope": "sample", "eigenvalues": "absolute"},
        _NEWTON,
    ),
    Variant("gauss-newton, batch", {"curvature": "gauss-newton", "scope": "batch"}, _NEWTON),
    Variant("gauss-newton", {"curvature": "gauss-newton", "scope": "sample"}, _NEWTON),
    Variant("gauss-newton, shared", {"curvature": "gauss-newton", "scope": "shared"}, _SHARED),
    Variant(
        "gauss-newton, bounded",
        {"curvature": "gauss-newton", "scope": "shared", "damping": 0.3},
        _BOUNDED,
    ),
    Variant(
        "levenberg-marquardt",
        {"curvature": "levenberg-marquardt", "scope": "sample", "inner_steps": 1},
        _NEWTON,
    ),
)
LEAST_SQUARES: Final = Variant("least squares", {"solver": "least-squares"})


def variant_of(config: InverseConfig) -> Variant | None:
    """The variant that a configuration is, whatever its numbers; ``None`` if it is none of them."""
    for variant in (*VARIANTS, LEAST_SQUARES):
        numbers = {name: getattr(config, name) for name in variant.grid}
        if variant.config(config.plain(), numbers) == config:
            return variant
    return None
