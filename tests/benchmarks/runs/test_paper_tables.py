"""The paper's figures: how many there are, and their sums, added up from the paper itself."""

from __future__ import annotations

import pytest

from benchmarks.runs.paper_tables import paper_table


def minutes(time: str) -> int:
    hours, rest = time.split(":")
    return 60 * int(hours) + int(rest)


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("table1", 4 * 2 * 3 + 2),
        ("table2", 4 * 2),
        ("table2_damping", 4),
        ("table3", 3 * 3 * 3 - 3),
        ("table4", 4 * 2 * 2),
        ("table5", 3 * 3 * 2 - 3),
        ("table6", 3 * 2 * 3),
        ("table7", 4 * 2),
        ("table8", 3 * 3 * 3 - 3),
        ("table9", 5),
    ],
)
def test_every_cell_is_there_once(table: str, cells: int) -> None:
    values = {"em", "ew", "damping", "time", "plain"} | ({"fisher"} if table == "table9" else set())
    places = [
        tuple(sorted((k, str(v)) for k, v in entry.items() if k not in values))
        for entry in paper_table(table)
    ]
    assert len(places) == len(set(places)) == cells


@pytest.mark.parametrize(
    ("table", "measure", "means", "deviations"),
    [
        ("table1", "em", 1484.0, 166.89),
        ("table1", "ew", 2172.63, 134.8),
        ("table2", "em", 761.17, 2.56),
        ("table3", "em", 1851.03, 58.26),
    ],
)
def test_the_sums_are_the_papers(table: str, measure: str, means: float, deviations: float) -> None:
    found = [entry[measure] for entry in paper_table(table)]
    assert sum(mean for mean, _ in found) == pytest.approx(means)
    assert sum(deviation for _, deviation in found) == pytest.approx(deviations)


def test_the_sums_of_the_dampings_are_the_papers() -> None:
    sums = {
        table: sum(entry["damping"] for entry in paper_table(table))
        for table in ("table2_damping", "table4", "table5")
    }
    assert sums == pytest.approx({"table2_damping": 8000.0, "table4": 221.92, "table5": 12000.3})


def test_the_sums_of_the_times_are_the_papers() -> None:
    sums = {
        table: sum(minutes(entry["time"]) for entry in paper_table(table))
        for table in ("table6", "table7", "table8")
    }
    assert sums == {"table6": 1799, "table7": 101, "table8": 695}


def test_nobody_can_change_the_figures() -> None:
    paper_table("table1")[0]["em"] = None
    assert paper_table("table1")[0]["em"] == [71.33, 2.05]
