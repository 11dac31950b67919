"""The yardstick: it finds what made clean signals, and what a grid finds for noisy ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.least_squares import LeastSquaresFits
from benchmarks.inverse.losses import half_square, residuals_of
from tests.benchmarks.inverse.settings import LEAST_SQUARES

CPU = torch.device("cpu")


def fits(config: InverseConfig) -> LeastSquaresFits:
    return LeastSquaresFits(config, (0,), None, CPU)


def test_clean_signals_are_fitted_exactly() -> None:
    one = fits(replace(LEAST_SQUARES, snr=None))
    assert one.advance() == 7
    assert one.finished
    (point,) = one.curve
    assert point["loss"][0] < 1e-9
    assert point["parameters"][0] < 1e-3
    assert point["step"] == 7
    assert point["ms"][0] > 0


@pytest.mark.parametrize("loss", ["squared", "prior"])
def test_noisy_signals_are_fitted_as_well_as_on_a_grid(loss: str) -> None:
    config = replace(LEAST_SQUARES, loss=loss, snr=20.0)
    one = fits(config)
    target = one.state()["found"].new_tensor([1.0] * 6 + [0.8] * 4 + [0.5] * 2).double()
    axis = torch.linspace(-4, 4, 161, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)

    def losses(outputs: torch.Tensor) -> torch.Tensor:
        return half_square(residuals_of(config)(outputs, target.expand(len(outputs), -1)))

    best = losses(grid).min()
    found = losses(one.fit(target)[None])[0]
    assert found <= best
    assert found > 0.9 * best


def test_a_stopped_run_goes_on() -> None:
    config = replace(LEAST_SQUARES, evaluation_samples=25)
    through, stopped = fits(config), fits(config)
    assert [through.advance(), through.advance()] == [20, 5]
    stopped.advance()
    assert not stopped.finished
    resumed = fits(config)
    resumed.restore(stopped.state())
    resumed.advance()
    assert resumed.finished
    assert resumed.curve[0]["loss"] == through.curve[0]["loss"]
