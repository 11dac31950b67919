"""The kit is proved by what it catches, and by what it lets pass."""

from __future__ import annotations

import re

import pytest

from tests.testing.mutants import MUTANTS


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 20


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_by_the_property_that_should_catch_it(name: str) -> None:
    mutant = MUTANTS[name]
    with pytest.raises(AssertionError) as caught:
        mutant.caught_by(*mutant.args, **mutant.options)
    assert re.search(mutant.says, str(caught.value)), caught.value
