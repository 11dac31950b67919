"""All sections of the measurements as one value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from newton_optim._diagnosis._cost import Cost
from newton_optim._diagnosis._coupling import Coupling
from newton_optim._diagnosis._descent import Descent
from newton_optim._diagnosis._differentiability import Differentiability
from newton_optim._diagnosis._gradient_step import GradientStep
from newton_optim._diagnosis._gradients import Gradients
from newton_optim._diagnosis._hessians import Hessians, Jacobians
from newton_optim._diagnosis._randomness import Randomness
from newton_optim._diagnosis._rounding import Roundings
from newton_optim._diagnosis._section import Section
from newton_optim._diagnosis._subject import Subject


@dataclass(frozen=True, kw_only=True)
class Measurements(
    Subject,
    Differentiability,
    Randomness,
    Roundings,
    Gradients,
    Coupling,
    GradientStep,
    Hessians,
    Jacobians,
    Cost,
    Descent,
):
    """What is measured of a loss: the fields of all sections.

    A field is declared in its section and nowhere else. A section that was not reached keeps its
    defaults.
    """

    @classmethod
    def of(cls, sections: Iterable[Section]) -> Measurements:
        """Join the sections, a :class:`Subject` among them, and their notes."""
        fields: dict[str, Any] = {}
        notes: tuple[str, ...] = ()
        for section in sections:
            fields |= vars(section)
            notes += section.notes
        return cls(**fields | {"notes": notes})
