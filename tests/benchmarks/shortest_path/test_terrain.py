"""The terrain maps: unique shortest paths, costs that a picture shows, the published format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from sklearn.ensemble import ExtraTreesRegressor

from benchmarks.shortest_path import terrain
from benchmarks.shortest_path.terrain import (
    COSTS,
    MARGIN,
    SIZES,
    SPREAD,
    generate_maps,
    generate_terrain,
    has_margin,
    write_terrain,
)
from benchmarks.shortest_path.warcraft import Array, Maps, read_warcraft


@pytest.fixture(scope="module")
def maps() -> Maps:
    return generate_maps(200, 0, "train")


def distances(weights: Array, start: int) -> Array:
    """Dijkstra's least costs from one tile to all, both ends included, shape `(12, 12)`."""
    place = np.arange(144).reshape(12, 12)
    edges = []
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            rows, columns = slice(max(i, 0), 12 + min(i, 0)), slice(max(j, 0), 12 + min(j, 0))
            back = slice(max(-i, 0), 12 + min(-i, 0)), slice(max(-j, 0), 12 + min(-j, 0))
            if (i, j) != (0, 0):
                edges.append((place[rows, columns].ravel(), place[back].ravel()))
    source, target = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    costs = weights.astype(np.float64).ravel()
    graph = coo_matrix((costs[target], (source, target)), shape=(144, 144)).tocsr()
    found: Array = costs[start] + dijkstra(graph, indices=start)
    return found.reshape(12, 12)


def gap(weights: Array, path: Array) -> float:
    """How much the best path costs less than the best one through a tile that is not on it.

    Sums of float16 costs are exact in float64, so 0 is a tie and nothing else is.
    """
    through = distances(weights, 0) + distances(weights, 143) - weights.astype(np.float64)
    best = (weights.astype(np.float64) * path).sum()
    assert best == through.min()
    return float(through[path == 0].min() - best)


def test_paths_are_the_only_best_ones(maps: Maps) -> None:
    gaps = [gap(*one) for one in zip(maps.weights, maps.paths, strict=True)]
    # What is cheaper by MARGIN for every tile of the path off which the other one goes.
    assert min(gaps) >= MARGIN * (1 - 1e-5)


def test_the_margin_is_that_of_the_tiles_that_another_path_leaves_out() -> None:
    path = np.eye(12, dtype=np.uint8)
    weights = np.full((4, 12, 12), 9.0, np.float16)
    weights[:, path == 1] = 1.0
    # Around (5, 5), instead of that tile alone.
    for one, excess in zip(weights, (0.0, 0.5, 0.9, 1.1), strict=True):
        one[4, 5] = one[5, 6] = (1 + excess * MARGIN) / 2
    assert has_margin(weights, np.stack([path] * 4)).tolist() == [False, False, False, True]


def test_costs_are_those_of_kinds_and_shades(maps: Maps) -> None:
    weights = maps.weights.astype(np.float64)
    low, high = COSTS * (1 - SPREAD), COSTS * (1 + SPREAD)
    rounding = 1 + np.finfo(np.float16).eps
    within = np.stack(
        [
            (a <= weights * rounding) & (weights <= b * rounding)
            for a, b in zip(low, high, strict=True)
        ]
    )
    assert within.any(0).all()
    assert within.mean((1, 2, 3)).min() > 0.1  # No kind is missing.
    assert len(np.unique(maps.weights)) > 1000


def test_kinds_come_in_regions(maps: Maps) -> None:
    kinds, _ = terrain._draw_tiles(np.random.default_rng(0), 300)
    alike = (kinds[:, 1:] == kinds[:, :-1]).mean()
    assert alike > 0.4  # 0.2 if each tile were drawn alone.
    assert np.bincount(kinds.ravel()).min() > 0.15 * kinds.size


def test_a_picture_tells_its_costs_and_neither_a_pixel_nor_the_colour_does() -> None:
    train, test = generate_maps(60, 0, "train"), generate_maps(20, 0, "test")

    def score(features: object) -> float:
        assert callable(features)
        trees = ExtraTreesRegressor(30, n_jobs=1, random_state=0)
        trees.fit(features(tiles(train)), train.weights.ravel().astype(np.float64))
        found: float = trees.score(features(tiles(test)), test.weights.ravel().astype(np.float64))
        return found

    assert score(whole) > 0.985
    assert score(lambda one: one.mean((1, 2))) < 0.975
    assert score(lambda one: one[:, 3, 3]) < 0.85


def test_within_a_kind_a_darker_tile_costs_more(maps: Maps) -> None:
    light, weights = tiles(maps).mean((1, 2, 3)), maps.weights.ravel().astype(np.float64)
    for cost in COSTS[:3]:  # Those whose costs are no other kind's.
        own = abs(weights / cost - 1) < SPREAD
        assert np.corrcoef(light[own], weights[own])[0, 1] < -0.8


def tiles(maps: Maps) -> Array:
    """The tiles of all maps, shape `(144 N, 8, 8, 3)`."""
    split = maps.images.reshape(-1, 12, 8, 12, 8, 3).swapaxes(2, 3)
    return split.reshape(-1, 8, 8, 3).astype(np.float32)


def whole(tiles: Array) -> Array:
    """The colour, and how it changes along and across the rows."""
    grey = tiles.mean(-1)
    changes = [np.abs(np.diff(grey, axis=axis)).mean((1, 2)) for axis in (1, 2)]
    return np.column_stack([tiles.mean((1, 2)), *changes])


def test_parts_and_seeds_differ_and_nothing_else_does() -> None:
    sizes = {"train": 5, "validation": 4, "test": 3}
    parts = generate_terrain(sizes, seed=1)
    assert {part: len(maps) for part, maps in parts.items()} == sizes
    starts = [maps.images[0] for maps in parts.values()]
    starts += [maps.images[0] for maps in generate_terrain(sizes, seed=2).values()]
    assert len(np.unique(np.stack(starts), axis=0)) == len(starts)
    again = generate_maps(3, 1, "train")
    assert np.array_equal(again.images, parts["train"].images[:3])
    assert np.array_equal(again.weights, parts["train"].weights[:3])


def test_a_set_is_as_large_as_the_published_one() -> None:
    assert SIZES == {"train": 10_000, "validation": 1_000, "test": 1_000}


def test_more_maps_than_a_chunk_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terrain, "_MAPS_PER_DRAW", 10)
    maps = generate_maps(25, 0, "train")
    assert len(maps) == 25
    assert len(np.unique(maps.weights, axis=0)) == 25


def test_a_set_is_written_in_the_published_layout(tmp_path: Path) -> None:
    sizes = {"train": 4, "validation": 2, "test": 3}
    write_terrain(tmp_path, sizes, seed=5)
    expected = generate_terrain(sizes, seed=5)
    for part, found in read_warcraft(tmp_path).items():
        for name, array in found.arrays().items():
            assert np.array_equal(array, expected[part].arrays()[name])
