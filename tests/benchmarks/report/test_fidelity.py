"""The page that says where the paper says what."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from benchmarks.families import FAMILIES
from benchmarks.report.fidelity import render_fidelity
from benchmarks.runs.family import Family
from benchmarks.runs.paper import Paper
from tests.benchmarks.runs.toy import TOY


def test_what_rows_share_stands_once_and_what_is_theirs_in_their_lines() -> None:
    text = render_fidelity([TOY])
    assert "| steps | 1,000 | a toy box |" in text
    assert "| lr | [0.1] | a toy box |" in text  # The paper does not print it.
    rows = [line for line in text.splitlines() if line.startswith("| Table 1")]
    assert rows == [
        "| Table 1 | none | – | 40.00 ± 1.50 |",
        "| Table 1 | fisher | 1 | 40.00 ± 1.50 |",
    ]


PAPERS = [family for family in FAMILIES if family.paper.rows()]


@pytest.mark.parametrize("family", PAPERS, ids=lambda family: family.name)
def test_every_field_has_its_place(family: Family[Any]) -> None:
    assert family.paper.sources.keys() == {one.name for one in fields(family.config_class)}


def test_a_family_that_the_paper_does_not_have_is_left_out() -> None:
    own = replace(TOY, paper=Paper(seeds=5, row=lambda config: None))
    assert render_fidelity([own]) == render_fidelity([])


def test_all_rows_of_the_paper_are_there() -> None:
    text = render_fidelity(FAMILIES)
    counts = {"Table 1": 24, "Section 4.1": 2, "Table 2": 8, "Table 3": 24}
    assert {place: text.count(f"\n| {place} |") for place in counts} == counts
