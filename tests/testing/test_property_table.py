"""The table lists every property once, under the name of its assert function."""

from __future__ import annotations

from newton_optim import testing
from newton_optim.testing._property_table import OPTIONAL, PROPERTIES


def test_every_assert_function_has_a_row() -> None:
    rows = {prop.name for prop in PROPERTIES if "(" not in prop.name}
    functions = {name for name in testing.__all__ if name.startswith("assert_")}
    assert {f"assert_{name}" for name in rows} == functions


def test_names_are_unique() -> None:
    names = [prop.name for prop in PROPERTIES]
    assert len(names) == len(set(names))


def test_required_properties_come_first() -> None:
    roles = [prop.role for prop in PROPERTIES]
    assert roles[:2] == ["required", "required"]
    assert "required" not in roles[2:]


def test_optional_properties_are_those_that_a_loss_may_promise() -> None:
    assert OPTIONAL == ("coordinate_equivariant", "shift_invariant")
