"""Comparisons with the plain loss, from lines by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inverse.comparison import compare_folder
from benchmarks.inverse.config import InverseConfig
from benchmarks.runs.errors import InputError
from benchmarks.runs.results import Results
from tests.benchmarks.inverse.settings import LEAST_SQUARES, NEWTON, SMALL

DOUBLE = replace(SMALL, factor=2)
FIVE = replace(SMALL, factor=5)


def write(folder: Path, config: InverseConfig, losses: list[float], seconds: float) -> None:
    records = [
        {
            "seed": seed,
            "loss": loss,
            "median": loss / 2,
            "clean": loss / 4,
            "key": config.key,
            "config": config.asdict(),
            "seconds": seconds,
        }
        for seed, loss in enumerate(losses)
    ]
    Results(folder).append(records)


def lines_of(text: str, label: str) -> list[list[str]]:
    """The columns of the lines of a row."""
    return [line.split("  ") for line in text.splitlines() if line.startswith(label)]


def test_equal_steps_and_equal_seconds(tmp_path: Path) -> None:
    write(tmp_path, SMALL, [4.0, 8.0, 6.0], seconds=1.0)
    write(tmp_path, DOUBLE, [2.0, 4.0, 3.0], seconds=2.0)
    write(tmp_path, FIVE, [0.1, 0.1, 0.1], seconds=5.0)
    write(tmp_path, NEWTON, [1.0, 2.1, 1.4], seconds=1.8)
    write(tmp_path, LEAST_SQUARES, [0.5, 0.5, 0.5], seconds=9.0)
    write(tmp_path, replace(SMALL, split="validation"), [9.0, 9.0, 9.0], seconds=1.0)
    text = compare_folder(tmp_path)
    assert (tmp_path / "comparison.txt").read_text() in text
    steps, seconds = lines_of(text, "NL (Gauss-Newton, sample)")
    geometric = (1.0 * 2.1 * 1.4 / (4.0 * 8.0 * 6.0)) ** (1 / 3)
    assert any(f"{geometric:.3f} [" in cell for cell in steps)
    assert any(f"{2 * geometric:.3f} [" in cell for cell in seconds)
    assert "1.80" in " ".join(steps)
    assert "plain, 2× steps" in " ".join(seconds)
    assert "0.90" in " ".join(seconds)
    assert "least squares" not in text
    assert text.count("\nplain") == 0


def test_the_longest_plain_loss_where_none_is_long_enough(tmp_path: Path) -> None:
    write(tmp_path, SMALL, [4.0, 8.0], seconds=1.0)
    write(tmp_path, DOUBLE, [2.0, 4.0], seconds=2.0)
    write(tmp_path, NEWTON, [1.0, 2.1], seconds=3.0)
    _, seconds = lines_of(compare_folder(tmp_path), "NL (Gauss-Newton, sample)")
    assert "plain, 2× steps" in " ".join(seconds)
    assert "1.50" in " ".join(seconds)


def test_a_test_is_counted_once(tmp_path: Path) -> None:
    write(tmp_path, SMALL, [4.0, 8.0, 6.0], seconds=2.0)
    write(tmp_path, replace(SMALL, lr=0.5), [40.0, 80.0, 60.0], seconds=2.0)
    write(tmp_path, NEWTON, [1.0, 2.1, 1.4], seconds=1.8)
    (line,) = lines_of(compare_folder(tmp_path), "NL (Gauss-Newton, sample)")
    geometric = (1.0 * 2.1 * 1.4 / (4.0 * 8.0 * 6.0)) ** (1 / 3)
    assert any(f"{geometric:.3f} [" in cell for cell in line)


def test_p_values_are_corrected_over_all_tables(tmp_path: Path) -> None:
    for data in ("decay", "oscillator"):
        write(tmp_path, replace(SMALL, data=data), [4.0, 8.0, 6.0], seconds=9.0)
        write(tmp_path, replace(NEWTON, data=data), [1.0, 2.1, 1.4], seconds=1.0)
    alone = tmp_path / "alone"
    write(alone, SMALL, [4.0, 8.0, 6.0], seconds=9.0)
    write(alone, NEWTON, [1.0, 2.1, 1.4], seconds=1.0)
    few, many = (compare_folder(folder) for folder in (alone, tmp_path))

    def corrected(text: str) -> float:
        line = next(line for line in text.splitlines() if line.startswith("NL"))
        return float(line.split()[-3])

    assert corrected(many) == pytest.approx(2 * corrected(few), rel=0.01)


def test_nothing_to_compare(tmp_path: Path) -> None:
    write(tmp_path, NEWTON, [1.0], seconds=1.0)
    with pytest.raises(InputError, match="has no plain runs with others beside them"):
        compare_folder(tmp_path)
