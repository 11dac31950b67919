"""The paper's rows of shortest paths: which configuration is which, every difference is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.shortest_path.paper import FULL, PAPER, RELAXED_RATES, paper_configs, paper_row
from benchmarks.shortest_path.presets import QUICK
from benchmarks.shortest_path.strength import with_loss

SMOOTHED = replace(
    with_loss(FULL, "smoothed-loss", 3), curvature="hessian", eigenvalues="raw", damping=1000.0
)
RELAXED = replace(with_loss(FULL, "for-l1"), curvature="fisher", damping=1000.0)


def test_every_row_of_the_paper_is_itself() -> None:
    configs = [*paper_configs("table2"), *paper_configs("table3")]
    assert len(configs) == len(set(configs)) == 8 + 24
    for config in configs:
        row = paper_row(config)
        assert row is not None
        assert row.config == config
        assert PAPER.differences(config, 10) == []


def test_rates_and_dampings_are_the_papers() -> None:
    found = {
        (one.loss, one.samples, one.curvature): (one.lr, one.damping)
        for one in paper_configs("table3")
    }
    assert found["smoothed-loss", 3, "hessian"] == (1e-3, 1000)
    assert found["smoothed-loss", 30, "fisher"] == (1e-3, 0.1)
    assert found["smoothed-algorithm", 10, "fisher"] == (1e-3, 1000)
    assert found["fenchel-young", 10, "none"] == (1e-2, None)
    assert {(one.loss[-2:], one.damping) for one in paper_configs("table2")} == {
        ("l1", None),
        ("l2", None),
        ("l1", 1000),
        ("l2", 3000),
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sigma": 100.0}, "sigma 100, not 0.1"),
        ({"lr": 1.0}, "lr 1, not 0.001"),
        ({"damping": 1.0}, "damping 1, not 1000"),
        ({"data": "terrain"}, "data terrain, not warcraft"),
        ({"evaluation_maps": 10}, "evaluation maps 10, not 1,000"),
    ],
)
def test_no_field_passes_unseen(change: dict[str, Any], words: str) -> None:
    assert PAPER.differences(replace(SMOOTHED, **change), 10) == [words]


def test_the_rate_of_the_relaxation_is_one_that_the_paper_tried() -> None:
    for rate in RELAXED_RATES:
        assert PAPER.differences(replace(RELAXED, lr=rate), 10) == []
    assert PAPER.differences(replace(RELAXED, lr=0.5), 10) == [
        "lr 0.5, not one of 1, 0.33, 0.1, 0.033, 0.01, 0.0033, 0.001"
    ]


def test_rows_that_the_paper_lacks_are_not_compared() -> None:
    for other in (
        replace(SMOOTHED, samples=5),
        replace(SMOOTHED, eigenvalues="absolute"),
        replace(RELAXED, loss="for-l2", curvature="gauss-newton"),
        replace(SMOOTHED, loss="smoothed-algorithm"),
    ):
        assert PAPER.differences(other, 10) is None


def test_the_quick_profile_is_not_the_papers() -> None:
    assert PAPER.differences(QUICK, 3) == [
        "lr 0.005, not 0.01",
        "batch size 20, not 70",
        "data terrain, not warcraft",
        "network tiles, not resnet",
        "maps 1,000, not 10,000",
        "epochs 10, not 50",
        "evaluation maps 500, not 1,000",
        "3 seeds, not 10",
    ]
