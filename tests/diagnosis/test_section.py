"""Every section is part of the measurements."""

from __future__ import annotations

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._section import Section


def test_no_section_is_forgotten() -> None:
    assert set(Section.__subclasses__()) == set(Measurements.__bases__)
