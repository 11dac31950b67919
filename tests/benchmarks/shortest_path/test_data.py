"""The maps that runs need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.data import load_maps
from benchmarks.shortest_path.presets import QUICK
from benchmarks.shortest_path.terrain import generate_maps, write_terrain


def test_the_data_is_as_large_as_the_largest_configuration_needs() -> None:
    wanted = [replace(QUICK, maps=3, evaluation_maps=2), replace(QUICK, maps=2, evaluation_maps=4)]
    parts = load_maps(wanted, None)
    sizes = {part: len(maps) for part, maps in parts.items()}
    assert sizes == {"train": 3, "validation": 4, "test": 4}
    assert np.array_equal(parts["train"].images, generate_maps(3, 0, "train").images)


def test_warcraft_comes_from_its_folder(tmp_path: Path) -> None:
    config = replace(QUICK, data="warcraft")
    with pytest.raises(InputError, match="--data warcraft needs --data-dir"):
        load_maps([config], None)
    with pytest.raises(InputError, match=r"doi 10\.17617/3\.YJCQ5S"):
        load_maps([config], tmp_path)
    write_terrain(tmp_path, {"train": 3, "validation": 1, "test": 2}, seed=4)
    assert len(load_maps([config], tmp_path)["test"]) == 2
