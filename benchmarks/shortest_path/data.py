"""The maps that runs are trained and evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.terrain import generate_terrain
from benchmarks.shortest_path.warcraft import DOI, FOLDER, Maps, read_warcraft


def load_maps(configs: Sequence[PathConfig], data_dir: Path | None) -> dict[str, Maps]:
    """The parts of the data, as large as the largest of the configurations needs them.

    Args:
        configs: of the runs, all on the same kind of data.
        data_dir: the folder of the Warcraft set.

    Raises:
        InputError: the files of the Warcraft set are missing or damaged.
    """
    if configs[0].data == "warcraft":
        if data_dir is None:
            raise InputError(
                f"--data warcraft needs --data-dir, the folder of the folder {FOLDER} of the "
                f"Warcraft set, doi {DOI}; --data terrain makes maps of the same kind"
            )
        return read_warcraft(data_dir)
    evaluated = max(config.evaluation_maps for config in configs)
    maps = max(config.maps for config in configs)
    return generate_terrain({"train": maps, "validation": evaluated, "test": evaluated})
