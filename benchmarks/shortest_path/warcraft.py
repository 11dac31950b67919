"""Maps with their costs and shortest paths, in the files of the published Warcraft set.

The set (doi 10.17617/3.YJCQ5S) belongs to Vlastelica et al., `Differentiation of Blackbox
Combinatorial Solvers <https://arxiv.org/abs/1912.02175>`_. Nothing is downloaded, and nothing is
unpickled: arrays of objects are refused.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.runs.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

SIDE: Final = 12  # Of a map, in tiles.
TILE: Final = 8  # Its side, in pixels.
FOLDER: Final = f"{SIDE}x{SIDE}"
DOI: Final = "10.17617/3.YJCQ5S"
# Our names of the parts, and what the names of their files start with.
PARTS: Final = {"train": "train", "validation": "val", "test": "test"}
# What a file's name ends with: the dtype and the shape of one of its N entries.
_ARRAYS: Final[dict[str, tuple[type[np.generic], tuple[int, ...]]]] = {
    "maps": (np.uint8, (SIDE * TILE, SIDE * TILE, 3)),
    "vertex_weights": (np.float16, (SIDE, SIDE)),
    "shortest_paths": (np.uint8, (SIDE, SIDE)),
}


@dataclass(frozen=True)
class Maps:
    """N maps of 12×12 tiles, the cost of every tile and the cheapest path.

    Args:
        images: RGB, each tile 8×8 pixels, unsigned bytes, shape `(N, 96, 96, 3)`.
        weights: the costs of the tiles, above 0, float16, shape `(N, 12, 12)`.
        paths: 1 on the cheapest path from the top left to the bottom right over the 8 neighbours,
            0 elsewhere, unsigned bytes, shape `(N, 12, 12)`.

    Raises:
        InputError: an array has another dtype, shape or N, or values that it cannot have.
    """

    images: Array
    weights: Array
    paths: Array

    def __post_init__(self) -> None:
        for name, array in self.arrays().items():
            dtype, shape = _ARRAYS[name]
            if array.dtype != dtype or array.shape != (len(self), *shape) or len(self) == 0:
                raise InputError(
                    f"{name} must be {np.dtype(dtype)} of shape "
                    f"({', '.join(map(str, ('N', *shape)))}), N at least 1 and the same for all; "
                    f"found {array.dtype} of shape {array.shape}"
                )
        if not (np.isfinite(self.weights) & (self.weights > 0)).all():
            raise InputError("vertex_weights must be finite and above 0")
        if self.paths.max() > 1 or not (self.paths[:, 0, 0] & self.paths[:, -1, -1]).all():
            raise InputError("shortest_paths must be 0 or 1, and 1 at both ends")

    def __len__(self) -> int:
        return len(self.images) if self.images.ndim else 0

    def arrays(self) -> dict[str, Array]:
        """The arrays under the names of their files."""
        return dict(zip(_ARRAYS, (self.images, self.weights, self.paths), strict=True))


def read_warcraft(folder: Path) -> dict[str, Maps]:
    """The maps below ``folder``, in three parts.

    Args:
        folder: holds `12x12/{train,val,test}_{maps,vertex_weights,shortest_paths}.npy`, the files
            of the published set or those that ``write_warcraft`` has written.

    Returns:
        The parts ``"train"``, ``"validation"`` and ``"test"``.

    Raises:
        InputError: a file is missing, damaged or not what its name says.
    """
    paths = {part: _paths_of(folder / FOLDER, prefix) for part, prefix in PARTS.items()}
    missing = [path for files in paths.values() for path in files if not path.is_file()]
    if missing:
        raise InputError(
            f"{missing[0]} is missing: --data-dir must hold {FOLDER}/"
            f"{{{','.join(PARTS.values())}}}_{{{','.join(_ARRAYS)}}}.npy of the Warcraft set, "
            f"doi {DOI}; --data terrain makes maps of the same kind and needs no files"
        )
    return {part: _read_part(files) for part, files in paths.items()}


def write_warcraft(folder: Path, parts: Mapping[str, Maps]) -> None:
    """Write all files of `read_warcraft` below ``folder``, or none at all.

    They are written beside their final place, and one renaming moves all of them there.

    Args:
        folder: of the folder `12x12`; made if it does not exist.
        parts: ``"train"``, ``"validation"`` and ``"test"``.

    Raises:
        InputError: there is a folder `12x12` already; it is left alone.
    """
    final = folder / FOLDER
    if final.exists():
        raise InputError(f"{final} exists already and is not overwritten")
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{FOLDER}.{os.getpid()}.tmp"
    try:
        temporary.mkdir()
        for part, prefix in PARTS.items():
            arrays = parts[part].arrays().values()
            for path, array in zip(_paths_of(temporary, prefix), arrays, strict=True):
                np.save(path, array, allow_pickle=False)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _paths_of(folder: Path, prefix: str) -> list[Path]:
    return [folder / f"{prefix}_{name}.npy" for name in _ARRAYS]


def _read_part(paths: list[Path]) -> Maps:
    arrays = [_read_array(path) for path in paths]
    try:
        return Maps(*arrays)
    except InputError as error:
        raise InputError(f"{paths[0].parent}, {paths[0].stem}: {error}") from None


def _read_array(path: Path) -> Array:
    try:
        # What np.load does with an npy file; an archive, which it would take too, is refused.
        with path.open("rb") as file:
            array: Array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # A damaged header fails in many ways.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as an npy file: {reason}") from error
    return array
