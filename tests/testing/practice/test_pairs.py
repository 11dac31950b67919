"""Right losses are never flagged; broken ones are caught by the property that names the bug."""

from __future__ import annotations

import os

import pytest

from tests.testing.practice.pairs import PAIRS

SEEDS = range(int(os.environ.get("NEWTON_OPTIM_TEST_PAIR_SEEDS", "1")))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PAIRS)
def test_a_right_loss_passes(name: str, seed: int) -> None:
    report = PAIRS[name].check("right", seed)
    assert report.ok, report


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PAIRS)
def test_a_broken_loss_fails_for_its_bug(name: str, seed: int) -> None:
    report = PAIRS[name].check("broken", seed)
    assert PAIRS[name].caught_by in report.failed, report
