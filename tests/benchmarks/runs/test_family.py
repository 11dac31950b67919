"""A family as a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tests.benchmarks.runs.toy import TOY


def test_the_first_preset_is_the_main_one() -> None:
    assert TOY.main_preset == "small"


def test_a_family_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        TOY.name = "other"
