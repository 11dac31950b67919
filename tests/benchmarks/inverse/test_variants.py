"""The variants: as many trials for each, and found again from a configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.inverse.variants import LEAST_SQUARES, VARIANTS, Variant, variant_of
from tests.benchmarks.inverse.settings import SMALL

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)


@each_variant
def test_every_variant_has_six_trials_at_one_cost(variant: Variant) -> None:
    trials = variant.trials(SMALL)
    assert len(set(trials)) == 6
    assert len({trial.total_steps for trial in trials}) == 1
    assert all(variant_of(trial) is variant for trial in trials)


@each_variant
def test_numbers_that_are_not_chosen_are_candidates(variant: Variant) -> None:
    assert variant.config(SMALL, {}) in variant.trials(SMALL)
    assert variant.config(SMALL, {"lr": 0.5}).lr == 0.5


def test_names_are_unique() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)


def test_other_configurations_are_no_variant() -> None:
    assert variant_of(replace(SMALL, factor=7)) is None
    assert variant_of(replace(SMALL, solver="least-squares")) == LEAST_SQUARES
