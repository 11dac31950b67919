"""The table lists every property once, under the name of its assert function."""

from __future__ import annotations

from newton_optim import testing
from newton_optim.testing._promises import PROMISES
from newton_optim.testing._property_table import PROPERTIES


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


def test_every_optional_property_may_be_promised() -> None:
    optional = {prop.name for prop in PROPERTIES if prop.role == "optional"}
    assert optional == {"coordinate_equivariant", "shift_invariant"}
    assert optional < set(PROMISES)


def test_a_property_follows_from_rows_above_it() -> None:
    names = [prop.name for prop in PROPERTIES]
    for prop in PROPERTIES:
        assert all(names.index(cause) < names.index(prop.name) for cause in prop.follows)
