"""The smallest example of a strategy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import find, settings
from hypothesis import strategies as st

_QUICKLY = settings(max_examples=40, database=None, derandomize=True, deadline=None)


def example(
    strategy: st.SearchStrategy[Any], has: Callable[[Any], object] = lambda value: True
) -> Any:
    """The smallest value for which ``has`` is true."""
    return find(strategy, lambda value: bool(has(value)), settings=_QUICKLY)
