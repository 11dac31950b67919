"""Choosing numbers: on validation digits, by mean EM."""

from __future__ import annotations

from typing import Any

from benchmarks._config import Config
from benchmarks._presets import Cell, main_cells
from benchmarks._table import Measure
from benchmarks._tuning import best, candidates, tuning_report


def runs(*values: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"seed": seed, "em": em, "ew": ew} for seed, (em, ew) in enumerate(values)]


def test_candidates_are_judged_on_validation_digits() -> None:
    tried = candidates(main_cells())
    assert len(tried) == sum(cell.knob is not None for cell in main_cells())
    for cell, configs in tried:
        assert {config.split for config in configs} == {"validation"}
        assert cell.knob is not None
        assert [getattr(config, cell.knob) for config in configs] == list(cell.candidates)


def test_the_highest_mean_em_is_chosen_then_the_highest_ew() -> None:
    assert best([runs((0.1, 0.9)), runs((0.3, 0.4)), runs((0.2, 0.9))]) == 1
    assert best([runs((0.3, 0.4)), runs((0.3, 0.5))]) == 1


def test_of_a_falling_measure_the_least_is_chosen() -> None:
    measures = (Measure("em", "EM %"), Measure("ew", "cost", rising=False))
    assert best([runs((0.3, 1.5)), runs((0.3, 1.2)), runs((0.2, 1.0))], measures) == 1


def test_the_report_marks_what_is_chosen() -> None:
    config = Config(curvature="fisher", damping=1.0)
    cells = [Cell(config.plain()), Cell(config, "damping", (0.1, 10.0))]
    text = tuning_report(cells, lambda tried: runs((tried.damping or 0.0, 0.5)))
    chosen = [line for line in text.splitlines() if "chosen" in line]
    assert len(chosen) == 1
    assert chosen[0].startswith("10  ← chosen")
    assert "probability, NL (Fisher)" in text
