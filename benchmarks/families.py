"""The families of benchmarks: the one list that a new family is added to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.inverse.family import INVERSE
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.shortest_path.family import SHORTEST_PATH
from benchmarks.sorting.family import SORTING

FAMILIES: Final[tuple[Family[Any], ...]] = (SORTING, SHORTEST_PATH, INVERSE)


def family_of(choices: Mapping[str, Any]) -> Family[Any]:
    """The family that a line's configuration belongs to.

    Args:
        choices: the ``config`` of a line of results.

    Raises:
        InputError: it belongs to none.
    """
    name = choices.get("benchmark", "")
    for family in FAMILIES:
        if family.config_class.benchmark == name:
            return family
    raise InputError(f"a line belongs to the unknown benchmark {name!r}")
