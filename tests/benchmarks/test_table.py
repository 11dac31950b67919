"""Tables, from records written by hand."""

from __future__ import annotations

import math

import pytest
import scipy.stats

from benchmarks._table import (
    Measure,
    Row,
    cells,
    header,
    markdown_table,
    p_value,
    summary,
    text_table,
)


def row(label: str, ems: list[float], first_seed: int = 0) -> Row:
    records = [
        {
            "seed": seed,
            "em": em,
            "ew": em / 2,
            "curve": [{"step": 5, "em": 0.0, "ew": 0.0}, {"step": 9, "em": em, "ew": em / 2}],
        }
        for seed, em in enumerate(ems, start=first_seed)
    ]
    return Row(label, records)


def test_tests_are_against_the_first_row() -> None:
    a, b = [0.1, 0.2, 0.4], [0.5, 0.55, 0.7]
    first, second = cells([row("plain", a), row("newton", b)])
    assert first == ("plain", "23.3 ± 15.3", "11.7 ± 7.6", "", "")
    welch = scipy.stats.ttest_ind(b, a, equal_var=False).pvalue
    paired = scipy.stats.ttest_rel(b, a).pvalue
    assert second[3:] == (p_value(welch), p_value(paired))


def test_the_paired_test_takes_common_seeds_only() -> None:
    first, second = row("plain", [0.1, 0.2, 0.4, 0.3]), row("newton", [0.5, 0.9, 0.7], 1)
    paired = scipy.stats.ttest_rel([0.5, 0.9, 0.7], [0.2, 0.4, 0.3]).pvalue
    assert cells([first, second])[1][4] == p_value(paired)


def test_one_seed_has_no_deviation_and_no_test() -> None:
    assert summary([12.34]) == "12.3"
    assert cells([row("a", [0.5]), row("b", [0.7])])[1][3:] == ("–", "–")
    assert p_value(math.nan) == "–"
    assert p_value(1e-9) == "<0.0001"


def test_other_measures_have_their_own_columns() -> None:
    measures = (Measure("em", "EM %"), Measure("ratio", "cost", scale=1.0, digits=3))
    rows = [Row("plain", [{"seed": 0, "em": 0.5, "ratio": 1.2345}])]
    assert header(measures) == ("", "EM %", "cost", "p (Welch)", "p (paired)")
    assert cells(rows, measures) == [("plain", "50.0", "1.234", "", "")]


def test_layouts() -> None:
    lines = [("plain", "1.0"), ("much longer", "23.0")]
    text = text_table("title", ("", "EM %"), lines).splitlines()
    assert text[0] == "title"
    assert text[-2] == "much longer  23.0"
    assert markdown_table(("", "EM"), lines).splitlines()[1] == "| --- | --: |"


@pytest.mark.parametrize("values", [[], [1.0, 2.0]])
def test_summary_of_nothing_is_nan(values: list[float]) -> None:
    assert summary(values) == ("1.5 ± 0.7" if values else "nan")
