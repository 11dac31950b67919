"""Headings and axes of measures."""

from __future__ import annotations

from benchmarks.runs.measures import Measure


def test_a_measure_names_its_column_and_its_axis() -> None:
    em = Measure("em", "EM")
    assert em.heading == "EM %"
    assert em.axis("at the end") == "EM at the end [%]"
    ratio = Measure("ratio", "cost / best", unit="")
    assert ratio.heading == "cost / best"
    assert ratio.axis("at the end") == "cost / best at the end"
