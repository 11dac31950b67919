"""What a property can see is written once, in its docstring, and the page shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from newton_optim import testing
from tests.testing.documented import table, what_it_sees

PAGE = Path(__file__).parents[2] / "docs/testing.md"


@pytest.mark.parametrize("name", [n for n in testing.__all__ if n.startswith("assert_")])
def test_every_property_says_what_it_sees_and_what_it_does_not(name: str) -> None:
    assert all(what_it_sees(getattr(testing, name)))


def test_the_page_has_the_table_of_the_docstrings() -> None:
    assert "\n".join(table()) in PAGE.read_text(encoding="utf-8")
