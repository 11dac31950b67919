"""Training: what variants share, exact resume, seconds of the steps alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.training import InverseTraining, curve_point, held_out_samples
from tests.benchmarks.inverse.settings import (
    ADAPTIVE,
    CLIPPED,
    FISHER,
    HESSIAN,
    NEWTON,
    PRIOR,
    SMALL,
)
from tests.settings import DEVICE


def training(config: InverseConfig, seed: int = 0) -> InverseTraining:
    return InverseTraining(config, (seed,), None, DEVICE)


def finish(one: InverseTraining) -> InverseTraining:
    while not one.finished:
        one.advance()
    return one


def without_times(one: InverseTraining) -> list[dict[str, object]]:
    return [{k: v for k, v in point.items() if k not in {"ms", "seconds"}} for point in one.curve]


@pytest.mark.parametrize("config", [SMALL, CLIPPED, NEWTON, ADAPTIVE, HESSIAN, FISHER, PRIOR])
def test_every_variant_trains(config: InverseConfig) -> None:
    one = finish(training(config))
    assert one.step == one.curve[-1]["step"] == config.total_steps
    assert all(value.isfinite().all() for value in one.state()["network"].values())
    point = one.curve[-1]
    assert point["ms"][0] > 0
    assert 0 <= point["failed"][0] <= 1


def test_it_learns() -> None:
    config = replace(SMALL, steps=200, batch_size=50, width=32, evaluation_samples=100)
    curve = finish(training(config)).curve
    assert len(curve) == 10
    assert curve[-1]["loss"][0] < 0.5 * curve[0]["loss"][0]


def test_variants_of_a_seed_share_network_batches_and_evaluation() -> None:
    plain, newton = training(SMALL, 3), training(NEWTON, 3)
    for name, value in plain.state()["network"].items():
        torch.testing.assert_close(newton.state()["network"][name], value, rtol=0, atol=0)
    torch.testing.assert_close(
        plain.predict()[1].targets, newton.predict()[1].targets, rtol=0, atol=0
    )
    plain.advance()
    newton.advance()
    assert torch.equal(plain.state()["batches"], newton.state()["batches"])


def test_seeds_and_splits_differ() -> None:
    validation = replace(SMALL, split="validation")
    found = [
        held_out_samples(config, seed).targets for config in (SMALL, validation) for seed in (0, 1)
    ]
    assert len({one.sum().item() for one in found}) == 4


@pytest.mark.parametrize("config", [SMALL, ADAPTIVE])
def test_a_stopped_run_ends_as_if_it_had_not_been_stopped(config: InverseConfig) -> None:
    through = finish(training(config))
    stopped = training(config)
    for _ in range(3):
        stopped.advance()
    resumed = training(config)
    resumed.restore(stopped.state())
    assert without_times(finish(resumed)) == without_times(through)


def test_the_rate_falls_to_zero() -> None:
    state = finish(training(replace(SMALL, factor=2))).state()
    assert state["step"] == 16
    assert state["optimizer"]["param_groups"][0]["lr"] == pytest.approx(0.0, abs=1e-12)


def test_points_have_six_digits() -> None:
    point = curve_point(4, 2.00001, {"loss": 1.23456789e-5})
    assert point == {"step": 4, "seconds": 2.0, "loss": [1.23457e-5], "ms": [500.002]}
