"""Tables, from records written by hand."""

from __future__ import annotations

import math

import pytest
import scipy.stats

from benchmarks.runs.errors import InputError
from benchmarks.runs.measures import Measure
from benchmarks.runs.table import (
    Row,
    header,
    markdown_table,
    p_value,
    summary,
    table_lines,
    text_table,
)
from tests.benchmarks.runs.toy import ERROR, SCORE

MEASURES = (SCORE, ERROR)


def row(label: str, scores: list[float], first_seed: int = 0) -> Row:
    records = [
        {"seed": seed, "score": score, "error": score / 2}
        for seed, score in enumerate(scores, start=first_seed)
    ]
    return Row(label, records)


def test_tests_are_against_the_first_row_and_of_the_first_measure() -> None:
    a, b = [0.1, 0.2, 0.4], [0.5, 0.55, 0.7]
    first, second = table_lines([row("plain", a), row("newton", b)], MEASURES)
    assert first == ("plain", "23.3 ± 15.3", "0.12 ± 0.08", "", "")
    welch = scipy.stats.ttest_ind(b, a, equal_var=False).pvalue
    paired = scipy.stats.ttest_rel(b, a).pvalue
    assert second[3:] == (p_value(welch), p_value(paired))


def test_the_paired_test_takes_common_seeds_only() -> None:
    first, second = row("plain", [0.1, 0.2, 0.4, 0.3]), row("newton", [0.5, 0.9, 0.7], 1)
    paired = scipy.stats.ttest_rel([0.5, 0.9, 0.7], [0.2, 0.4, 0.3]).pvalue
    assert table_lines([first, second], MEASURES)[1][4] == p_value(paired)


def test_one_seed_has_no_deviation_and_no_test() -> None:
    assert summary([12.34]) == "12.3"
    assert table_lines([row("a", [0.5]), row("b", [0.7])], MEASURES)[1][3:] == ("–", "–")
    assert p_value(math.nan) == "–"
    assert p_value(1e-9) == "<0.0001"


def test_a_measure_says_how_it_is_written() -> None:
    measures = (SCORE, Measure("ratio", "cost", unit="", scale=1.0, digits=3))
    rows = [Row("plain", [{"seed": 0, "score": 0.5, "ratio": 1.2345}])]
    assert header(measures) == ("", "score %", "cost", "p (Welch)", "p (paired)")
    assert table_lines(rows, measures) == [("plain", "50.0", "1.234", "", "")]


def test_a_record_without_the_measure_is_named() -> None:
    with pytest.raises(InputError, match="a line of 'plain' has no 'ratio'"):
        row("plain", [0.5]).values(Measure("ratio", "cost"))


def test_layouts() -> None:
    lines = [("plain", "1.0"), ("much longer", "23.0")]
    text = text_table("title", ("", "EM %"), lines).splitlines()
    assert text[0] == "title"
    assert text[-2] == "much longer  23.0"
    assert markdown_table(("", "EM"), lines).splitlines()[1] == "| --- | --: |"


@pytest.mark.parametrize("values", [[], [1.0, 2.0]])
def test_summary_of_nothing_is_nan(values: list[float]) -> None:
    assert summary(values) == ("1.5 ± 0.7" if values else "nan")
