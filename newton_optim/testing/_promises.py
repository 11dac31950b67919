"""What a loss may be declared to be: the names that ``check_loss(expect=)`` takes."""

from __future__ import annotations

from typing import Final

PROMISES: Final = (
    "coordinate_equivariant",
    "shift_invariant",
    "coupled",
    "first_order",
    "piecewise_constant",
)
"""The first two are checked when they are promised; the others limit what is checked."""
