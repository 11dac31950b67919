"""What every section of the measurements has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """A few numbers that are measured together.

    A section is a subclass whose fields are attributes of :class:`Diagnosis`, where they are
    documented; ``None`` (or empty) is what does not apply or could not be measured.

    Args:
        notes: what was not measured, and why.
        problem: why nothing more could be measured.
    """

    notes: tuple[str, ...] = ()
    problem: str | None = None
