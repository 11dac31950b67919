"""Every mutant is caught by the property that it violates, and every property catches one."""

from __future__ import annotations

import re

import pytest

from newton_optim import testing
from tests.testing.mutants import MUTANTS


def test_every_property_catches_a_mutant() -> None:
    properties = {name for name in testing.__all__ if name.startswith("assert_")}
    assert {mutant.caught_by.__name__ for mutant in MUTANTS.values()} == properties


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str) -> None:
    mutant = MUTANTS[name]
    with pytest.raises(AssertionError) as caught:
        mutant.caught_by(*mutant.args, **mutant.options)
    assert re.search(mutant.says, str(caught.value)), caught.value
