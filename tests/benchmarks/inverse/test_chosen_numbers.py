"""The file of chosen numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inverse.chosen_numbers import (
    PRESETS_FILE,
    numbers_of,
    problem_key,
    read_numbers,
)
from benchmarks.inverse.variants import VARIANTS
from benchmarks.runs.errors import InputError
from tests.benchmarks.inverse.settings import PRIOR, SMALL

PLAIN = VARIANTS[0]


def test_numbers_belong_to_a_problem_and_a_variant(tmp_path: Path) -> None:
    path = tmp_path / "chosen.json"
    path.write_text(json.dumps({"decay, SNR 100": {"plain": {"lr": 0.2}}}))
    numbers = read_numbers(path)
    assert numbers_of(numbers, SMALL, PLAIN) == {"lr": 0.2}
    assert numbers_of(numbers, SMALL, VARIANTS[1]) == {}
    assert numbers_of(numbers, PRIOR, PLAIN) == {}


def test_keys_name_problem_noise_and_loss() -> None:
    assert problem_key(PRIOR) == "decay, SNR 100, prior"
    assert problem_key(replace(SMALL, data="wave", snr=None)) == "wave"


def test_no_file_no_numbers(tmp_path: Path) -> None:
    assert read_numbers(tmp_path / "none.json") == {}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match=r"broken.json cannot be read"):
        read_numbers(tmp_path / "broken.json")


def test_the_numbers_of_the_presets_are_candidates() -> None:
    grids = {variant.name: variant.grid for variant in VARIANTS}
    for problem in read_numbers(PRESETS_FILE).values():
        for name, numbers in problem.items():
            assert numbers.keys() == grids[name].keys()
            for knob, value in numbers.items():
                assert value in grids[name][knob]
