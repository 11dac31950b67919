"""A command that is stopped within a random step, by either signal, ends as if it never was."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs import runner
from benchmarks.shortest_path import command as paths_command
from benchmarks.shortest_path import training as paths_training
from benchmarks.sorting import command as sorting_command
from benchmarks.sorting import training as sorting_training
from tests.benchmarks.commands import lines_of
from tests.settings import DEVICE

pytestmark = pytest.mark.skipif(DEVICE.type != "cpu", reason="bit for bit on the CPU")

SORTING = ["--operator", "softsort", "--curvature", "fisher", "--damping", "1", "--steps", "9"]
SORTING += ["--batch-size", "4", "--evaluation-sets", "20", "--validation-sets", "20"]
PATHS = ["--loss", "fenchel-young", "--curvature", "hessian", "--samples", "2", "--maps", "10"]
PATHS += ["--epochs", "3", "--batch-size", "4", "--evaluation-maps", "4"]
FAMILIES: dict[str, tuple[Any, Any, str, list[str]]] = {
    "sorting": (sorting_command, sorting_training, "CHUNK", [*SORTING, "--seeds", "0-1"]),
    "shortest_path": (
        paths_command,
        paths_training,
        "_STEPS_PER_CHUNK",
        [*PATHS, "--eigenvalues", "absolute", "--seeds", "3"],
    ),
}
# Sends itself a signal in the middle of a step: the gradient is there, Adam has not used it.
STOPPED = """
import os, sys
import torch
from benchmarks.runs import runner
from benchmarks.{family} import command, training

torch.set_num_threads(1)
training.{chunk} = 2
runner.run.__kwdefaults__["checkpoint_seconds"] = 0.0
adam_step, steps = torch.optim.Adam.step, 0

def step(self, *args):
    global steps
    steps += 1
    if steps == {at}:
        os.kill(os.getpid(), {signal})
    return adam_step(self, *args)

torch.optim.Adam.step = step
sys.exit(command.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL], ids=lambda stop: stop.name)
def test_interrupted_is_uninterrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, stop: signal.Signals
) -> None:
    command, training, chunk, flags = FAMILIES[family]
    monkeypatch.setattr(training, chunk, 2)
    monkeypatch.setitem(runner.run.__kwdefaults__, "checkpoint_seconds", 0.0)
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    assert command.main([*flags, "--device", "cpu", "--out", str(straight)]) == 0
    # The plain loss and the Newton loss take nine steps each, and have two steps in a chunk.
    at = random.Random(f"{family} {stop.name}").randint(3, 18)
    script = STOPPED.format(family=family, chunk=chunk, at=at, signal=stop.value)
    arguments = [*flags, "--device", "cpu", "--out", str(stopped)]
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=False
    )
    assert ended.returncode == (130 if stop == signal.SIGINT else -signal.SIGKILL)
    assert len(list((stopped / "checkpoints").glob("*.pt"))) == (at not in {1, 2, 10, 11})
    assert command.main(arguments) == 0
    assert untimed(stopped) == untimed(straight)


def untimed(out: Path) -> list[dict[str, Any]]:
    """The lines without what a clock says."""
    return [
        {
            **{k: v for k, v in line.items() if k not in {"seconds", "curve"}},
            "curve": [
                {k: v for k, v in point.items() if k != "seconds"} for point in line["curve"]
            ],
        }
        for line in lines_of(out)
    ]
