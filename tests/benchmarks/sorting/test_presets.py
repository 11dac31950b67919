"""The cells of the main job, and single configurations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.sorting.presets import CHOSEN_MAIN, MAIN, main_cells, single_config


def test_the_main_job_has_the_comparison_and_its_controls() -> None:
    configs = [cell.config for cell in main_cells()]
    assert configs[0] == MAIN.plain()
    kinds = {(config.loss, config.curvature, config.clip is not None) for config in configs}
    assert kinds >= {
        ("probability", "none", False),
        ("probability", "hessian", False),
        ("probability", "fisher", False),
        ("probability", "none", True),
        ("exact", "none", False),
        ("exact", "hessian", False),
    }
    # The field's own operators wherever the paper has a row; the exact loss is the library's.
    assert {(config.loss, config.source) for config in configs} == {
        ("probability", "field"),
        ("exact", "ours"),
    }
    assert sum(config.normalise for config in configs) == 1
    assert {cell.knob for cell in main_cells()} == {None, "lr", "damping", "clip"}
    assert all(value > 0 for value in CHOSEN_MAIN.values())


def test_mnist_trains_at_the_papers_rate() -> None:
    mnist = replace(MAIN, data="mnist")
    assert {cell.config.lr for cell in main_cells(mnist)} == {1e-3}
    assert {cell.config.curvature for cell in main_cells(mnist)} == {"none", "hessian", "fisher"}
    assert single_config(mnist, {}).lr == 1e-3
    assert single_config(mnist, {"lr": 0.5}).lr == 0.5


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"operator": "neuralsort"}, (1.0, None, None)),
        ({"operator": "softsort", "temperature": 0.3}, (0.3, None, None)),
        ({"operator": "odd_even"}, (None, "cauchy", 10.0)),
        ({"operator": "odd_even", "n": 10}, (None, "cauchy", 100.0)),
        ({"operator": "odd_even", "distribution": "logistic", "n": 10}, (None, "logistic", 10.0)),
        ({"operator": "bitonic", "n": 4, "steepness": 3.0}, (None, "cauchy", 3.0)),
    ],
)
def test_operators_have_the_papers_strength_unless_given(
    chosen: dict[str, Any], expected: tuple[object, ...]
) -> None:
    config = single_config(MAIN, chosen)
    assert (config.temperature, config.distribution, config.steepness) == expected


def test_the_exact_loss_is_the_librarys() -> None:
    assert single_config(MAIN, {"loss": "exact"}).source == "ours"
    assert single_config(MAIN, {"loss": "probability"}).source == "field"
