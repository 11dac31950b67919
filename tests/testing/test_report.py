"""The report as a table, and by name."""

from __future__ import annotations

import pytest

from newton_optim.testing import LossReport, PropertyResult

REPORT = LossReport(
    "a loss",
    (
        PropertyResult("usable", "passed", ""),
        PropertyResult("finite", "failed", "the gradient of sample 0 is not finite " * 4),
        PropertyResult("derivatives_match", "not applicable", "the loss has no method"),
        PropertyResult("deterministic", "passed", "a remark"),
    ),
)


def test_the_table() -> None:
    head, rule, *rows = str(REPORT).splitlines()
    assert head == "a loss: 2 passed, 1 failed, 1 not applicable"
    assert rule == "-" * len(head)
    assert rows[0] == "usable             passed"
    assert rows[1].startswith("finite             failed          the gradient of sample 0")
    assert rows[2].startswith(" " * 35 + "is not finite the gradient")
    assert rows[-2] == "derivatives_match  not applicable  the loss has no method"
    assert rows[-1] == "deterministic      passed          a remark"
    assert max(map(len, rows)) <= 100


def test_what_failed() -> None:
    assert REPORT.failed == ["finite"]
    assert not REPORT.ok
    assert LossReport("a loss", REPORT.results[:1]).ok


def test_results_by_name() -> None:
    assert REPORT["deterministic"].detail == "a remark"
    with pytest.raises(KeyError, match="colour"):
        REPORT["colour"]


def test_a_failure_that_follows_is_no_cause() -> None:
    followed = PropertyResult("fixpoint", "follows", "differs", follows="finite")
    report = LossReport("a loss", (*REPORT.results, followed))
    assert report.failed == ["finite"]
    head, *rows = str(report).splitlines()
    assert head == "a loss: 2 passed, 1 failed, 1 from the same cause, 1 not applicable"
    assert rows[-1] == "fixpoint           follows         from finite: differs"
