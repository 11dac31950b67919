"""Maps of a generated terrain: pictures to learn costs from, costs, and unique shortest paths.

They have the format of the published Warcraft set. Every tile has a kind (sand, grass, forest, rock
or water), and kinds come in regions. A kind has a cost, a colour and a pattern, and within a kind a
darker tile costs more. So a picture determines all of the costs, but no single pixel does: colours
of kinds overlap, patterns are shifted at random in a tile, and there is noise on everything.

Where costs depend on a few kinds alone, most maps have several paths of the same least cost. Here
the best path is unique, with a margin: it stays the best even if each of its tiles costs
``MARGIN`` more. Maps without such a path are drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.shortest_path.warcraft import (
    PARTS,
    SIDE,
    TILE,
    Array,
    Maps,
    write_warcraft,
)
from newton_optim.paths import grid_shortest_path

# Sand, grass, forest, rock, water.
COSTS: Final = np.array([0.8, 1.5, 3.0, 5.5, 9.0])
COLOURS: Final = np.array(
    [(196, 172, 122), (118, 152, 78), (84, 124, 66), (134, 124, 114), (76, 112, 152)]
)
SPREAD: Final = 0.25  # How much more the darkest tile of a kind costs than the middle one.
MARGIN: Final = 0.05
SIZES: Final = {"train": 10_000, "validation": 1_000, "test": 1_000}  # The published set's.

_REGION: Final = 1.0  # The radius of a region, in tiles.
_SHADING: Final = 0.25  # How much darker the darkest tile is than the middle one.
_CONTRAST: Final = 14.0  # Standard deviations, in units of a byte: of the patterns,
_TINT: Final = 10.0  # of the colour of a tile,
_GRAIN: Final = 14.0  # and of the noise of every pixel.
_MAPS_PER_DRAW: Final = 250


def generate_maps(count: int, seed: int, part: str) -> Maps:
    """Maps that depend on the arguments alone.

    Args:
        count: how many.
        seed: of the set.
        part: ``"train"``, ``"validation"`` or ``"test"``; each has its own stream.

    Returns:
        The maps; those of a smaller count are the first ones of a larger count.
    """
    random = np.random.default_rng([seed, list(PARTS).index(part)])
    chunks: list[tuple[Array, ...]] = []
    while sum(len(chunk[0]) for chunk in chunks) < count:
        chunks.append(_draw_maps(random))
    images, weights, paths = (np.concatenate(parts)[:count] for parts in zip(*chunks, strict=True))
    return Maps(images, weights, paths)


def generate_terrain(sizes: Mapping[str, int] = SIZES, *, seed: int = 0) -> dict[str, Maps]:
    """The parts of a set, ``"train"``, ``"validation"`` and ``"test"``, of the given sizes."""
    return {part: generate_maps(sizes[part], seed, part) for part in PARTS}


def write_terrain(folder: Path, sizes: Mapping[str, int] = SIZES, *, seed: int = 0) -> None:
    """Write a set below ``folder``, as `12x12/*.npy`, all files or none."""
    write_warcraft(folder, generate_terrain(sizes, seed=seed))


def has_margin(weights: Array, paths: Array) -> Array:
    """Whether the path is the unique best one, by ``MARGIN`` per tile, shape `(N,)`.

    Another path of cost d more, without k of the path's tiles, is found to be better when every
    tile of the path costs ``MARGIN`` more, unless d is above k times that.
    """
    raised = weights.astype(np.float32) + np.float32(MARGIN) * paths
    alike: Array = (_cheapest_paths(raised) == paths).all((1, 2))
    return alike


def _draw_maps(random: np.random.Generator) -> tuple[Array, Array, Array]:
    """Pictures, costs and paths of the maps, out of ``_MAPS_PER_DRAW``, that have the margin."""
    kinds, shades = _draw_tiles(random, _MAPS_PER_DRAW)
    weights = (COSTS[kinds] * (1 + SPREAD * shades)).astype(np.float16)
    paths = _cheapest_paths(weights)
    kept = has_margin(weights, paths)
    return _paint(random, kinds[kept], shades[kept]), weights[kept], paths[kept]


def _draw_tiles(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Kinds, in regions, and shades in [-1, 1], 1 the darkest; both `(count, 12, 12)`."""
    place = np.arange(SIDE)
    bumps = np.exp(-0.5 * ((place[:, None] - place) / _REGION) ** 2)
    smoothing = bumps / np.sqrt((bumps**2).sum(1, keepdims=True))
    noise = random.standard_normal((count, len(COSTS), SIDE, SIDE))
    kinds: Array = (smoothing @ noise @ smoothing.T).argmax(1)
    shades = random.uniform(-1, 1, (count, SIDE, SIDE))
    return kinds, shades


def _paint(random: np.random.Generator, kinds: Array, shades: Array) -> Array:
    """The pictures, bytes of shape `(N, 96, 96, 3)`."""
    colours = COLOURS[kinds] + _TINT * random.standard_normal((*kinds.shape, 3), np.float32)
    colours *= (1 - _SHADING * shades)[..., None]
    # A pattern repeats from tile to tile, each time shifted at random.
    rows, columns = np.arange(TILE)[:, None], np.arange(TILE)
    shifts = random.integers(TILE, size=(2, *kinds.shape, 1, 1))
    rows, columns = (rows + shifts[0]) % TILE, (columns + shifts[1]) % TILE
    patterns = _CONTRAST * _patterns()[kinds[..., None, None], rows, columns]
    # (N, 12, 12, 8, 8, 3)
    tiles = colours[..., None, None, :].astype(np.float32) + patterns[..., None]
    tiles += _GRAIN * random.standard_normal(tiles.shape, np.float32)
    rows_first = tiles.round().clip(0, 255).astype(np.uint8).swapaxes(2, 3)
    pictures: Array = rows_first.reshape(len(kinds), SIDE * TILE, SIDE * TILE, 3)
    return pictures


def _patterns() -> Array:
    """One for each kind, mean 0 and deviation 1, shape `(5, 8, 8)`: the same cosines, turned."""
    y, x = np.mgrid[:TILE, :TILE] * (2 * np.pi / TILE)
    waves = [np.cos(x + y), np.cos(2 * x), np.cos(2 * x) * np.cos(2 * y), np.cos(x - 2 * y)]
    patterns = np.stack([*waves, np.cos(2 * y)]).astype(np.float32)
    scaled: Array = patterns / patterns.std((1, 2), keepdims=True)
    return scaled


def _cheapest_paths(weights: Array) -> Array:
    paths: Array = grid_shortest_path(torch.from_numpy(weights)).numpy().astype(np.uint8)
    return paths
