"""The file of chosen numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.chosen import CHOSEN, with_chosen, write_chosen
from benchmarks.runs.errors import InputError
from benchmarks.runs.table import Row
from benchmarks.runs.tuning import Choice
from tests.benchmarks.runs.toy import BASE, TOY, ToyConfig

FISHER = newton_cell(replace(BASE, curvature="fisher", damping=1.0))
SQUARE = newton_cell(replace(FISHER.config, shape="square"))


def choice(cell: Cell[ToyConfig], value: float) -> Choice[ToyConfig]:
    return Choice(cell, [Row("", [])], cell.candidates.index(value))


def test_what_is_written_is_read_by_the_same_cells(tmp_path: Path) -> None:
    choices = [choice(FISHER, 0.01), choice(SQUARE, 3000.0)]
    path = write_chosen(tmp_path, TOY, choices, [100])
    assert path == tmp_path / CHOSEN
    plain, fisher, square = with_chosen(tmp_path, TOY, [Cell(BASE), FISHER, SQUARE])
    assert plain == Cell(BASE)
    assert fisher == newton_cell(replace(FISHER.config, damping=0.01))
    assert square.config.damping == 3000
    assert [entry["seeds"] for entry in json.loads(path.read_text())] == [[100], [100]]


def test_the_size_of_the_runs_does_not_matter(tmp_path: Path) -> None:
    write_chosen(tmp_path, TOY, [choice(FISHER, 0.01)], [100])
    longer = replace(FISHER, config=replace(FISHER.config, steps=99))
    (found,) = with_chosen(tmp_path, TOY, [longer])
    assert found.config == replace(longer.config, damping=0.01)


def test_a_new_choice_replaces_that_of_its_cell_alone(tmp_path: Path) -> None:
    write_chosen(tmp_path, TOY, [choice(FISHER, 0.01), choice(SQUARE, 0.1)], [100])
    write_chosen(tmp_path, TOY, [choice(SQUARE, 10.0)], [101])
    fisher, square = with_chosen(tmp_path, TOY, [FISHER, SQUARE])
    assert (fisher.config.damping, square.config.damping) == (0.01, 10.0)
    assert len(json.loads((tmp_path / CHOSEN).read_text())) == 2


def test_a_cell_without_a_choice_is_named(tmp_path: Path) -> None:
    write_chosen(tmp_path, TOY, [choice(FISHER, 0.01)], [100])
    with pytest.raises(InputError, match=r"has no damping for square, 3 steps: fisher.*--tune"):
        with_chosen(tmp_path, TOY, [SQUARE])


@pytest.mark.parametrize("text", ["nonsense", "[1]", '{"a": 1}', '[{"knob": 1}]'])
def test_a_foreign_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / CHOSEN).write_text(text)
    with pytest.raises(InputError, match=r"chosen\.json (cannot be read|is not a file)"):
        with_chosen(tmp_path, TOY, [FISHER])
