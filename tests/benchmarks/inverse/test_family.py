"""The family: its data, its trainers and its measures."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmarks.inverse.family import INVERSE
from benchmarks.inverse.least_squares import LeastSquaresFits
from benchmarks.inverse.training import InverseTraining
from tests.benchmarks.inverse.settings import LEAST_SQUARES, SMALL


def test_each_solver_has_its_trainer() -> None:
    assert INVERSE.load([SMALL], None) is None
    cpu = torch.device("cpu")
    assert isinstance(INVERSE.trainer(SMALL, (0,), None, cpu), InverseTraining)
    assert isinstance(INVERSE.trainer(LEAST_SQUARES, (0,), None, cpu), LeastSquaresFits)


def test_the_outcome_is_the_end_of_the_curve() -> None:
    keys = ("loss", "median", "clean", "parameters", "failed", "ms")
    points = [dict.fromkeys(keys, 2.0), dict.fromkeys(keys, 1.0)]
    assert INVERSE.outcome(points) == dict.fromkeys(keys, 1.0)


def test_finished_runs_are_found_again() -> None:
    assert SMALL.key == "71deb21218cf3836"
    assert replace(LEAST_SQUARES, snr=20.0).key == "afdb1aff817723e4"
