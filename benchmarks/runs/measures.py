"""What a family measures of every run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A number that every run has.

    Args:
        key: of the number in a line of results.
        name: of the measure, in tables and figures.
        unit: beside the name; empty for a number without one.
        scale: what the number is multiplied by.
        digits: after the point.
        rising: whether more is better.
    """

    key: str
    name: str
    unit: str = "%"
    scale: float = 100.0
    digits: int = 1
    rising: bool = True

    @property
    def heading(self) -> str:
        """Of a table's column, such as ``EM %``."""
        return f"{self.name} {self.unit}".rstrip()

    def axis(self, words: str) -> str:
        """The label of an axis, such as ``EM at the end [%]``."""
        return f"{self.name} {words}" + (f" [{self.unit}]" if self.unit else "")
