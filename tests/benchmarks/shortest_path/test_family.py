"""The shortest-path family: the runs that it finds again."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.shortest_path.family import SHORTEST_PATH
from tests.benchmarks.keys import keys_of, preset_digest


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        (
            {},
            [
                "ee7107474a460bd8",
                "87cdc2735732e88d",
                "ff2866ffbc7aa5cb",
                "749da3c902e93457",
            ],
        ),
        ({"data": "warcraft"}, ["774ed0e9c9859bb3", "671ded56bf240065", "11745c8aadec1702"]),
        (
            {"curvature": "hessian", "damping": 2.0, "samples": 3, "epochs": 4},
            ["48c3521990b94127", "6c95ce1a4ce1701c"],
        ),
        ({"loss": "while-l1"}, ["114f68bc1e0c6284"]),
        (
            {
                "loss": "while-l2",
                "curvature": "gauss-newton",
                "damping": 10.0,
                "lr": 0.01,
                "maps": 20,
            },
            ["de7d71733bc9b14b", "bf9337cc6441173d"],
        ),
        (
            {"sigma": 0.2, "curvature": "fisher", "network": "resnet"},
            ["1f6f1738bd3cecaf", "1deea5cffa54771d"],
        ),
        (
            {"loss": "smoothed-algorithm", "curvature": "hessian", "eigenvalues": "clamp"},
            ["c5c332e4da259aa2", "94a736e1ea3046b2"],
        ),
        ({"loss": "smoothed-loss", "samples": 30, "batch_size": 70}, ["90e3f7df2d91a27f"]),
    ],
)
def test_finished_runs_are_found_again(flags: dict[str, Any], keys: list[str]) -> None:
    assert keys_of(SHORTEST_PATH, flags)[: len(keys)] == keys


@pytest.mark.parametrize(
    ("preset", "digest"),
    [
        ("quick", "bb26bc0457d53f55"),
        ("table2", "b6343222c663f65c"),
        ("table3", "812a509249d1d7e8"),
    ],
)
def test_all_keys_of_a_preset_are_what_they_were(preset: str, digest: str) -> None:
    assert preset_digest(SHORTEST_PATH, preset) == digest
