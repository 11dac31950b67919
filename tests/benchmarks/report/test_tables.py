"""Finished runs, gathered into tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.report.tables import tables_of
from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.family import SHORTEST_PATH
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.family import SORTING
from tests.benchmarks.report.records import records

PLAIN = SortingConfig()
EXACT = replace(PLAIN, source="ours", loss="exact")


def test_the_plain_loss_comes_first() -> None:
    (table,) = tables_of([*records(EXACT, [0.5], ew=0.6), *records(PLAIN, [0.4], ew=0.5)])
    assert table.family is SORTING
    assert table.configs == [PLAIN, EXACT]
    assert [row.label for row in table.rows] == ["probability (field), plain", "exact, plain"]
    assert [len(row.records) for row in table.rows] == [1, 1]


def test_each_family_has_its_own_tables() -> None:
    path = PathConfig()
    found = tables_of([*records(PLAIN, [0.4], ew=0.5), *records(path, [0.4], ratio=1.1)])
    assert [table.family for table in found] == [SORTING, SHORTEST_PATH]
    assert [table.title for table in found] == [SORTING.title(PLAIN), SHORTEST_PATH.title(path)]


def test_validation_runs_are_left_out_and_the_first_of_equal_runs_counts() -> None:
    chosen = replace(PLAIN, split="validation")
    (table,) = tables_of(
        [
            *records(chosen, [0.9], ew=0.9),
            *records(PLAIN, [0.4, 0.5], ew=0.5),
            *records(PLAIN, [0.7], ew=0.5),
        ]
    )
    (row,) = table.rows
    assert [record["em"] for record in row.records] == [0.4, 0.5]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"colour": "red"}, "a configuration of another version: .*colour"),
        ({"benchmark": "juggling"}, "unknown benchmark 'juggling'"),
        ({"n": 0}, "--n must be at least 1"),
    ],
)
def test_foreign_configurations_are_named(config: dict[str, Any], message: str) -> None:
    (record,) = records(PLAIN, [0.5], ew=0.5)
    with pytest.raises(InputError, match=message):
        tables_of([{**record, "config": config}])


def test_a_line_of_another_version_is_named() -> None:
    """Its choices may be those of today; but they meant another computation."""
    (record,) = records(PLAIN, [0.5], ew=0.5)
    with pytest.raises(InputError, match="of another version: key 0123"):
        tables_of([{**record, "key": "0123"}])
