"""From a configuration and its seeds to lines of results: skip, resume, train, append."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch

from benchmarks._checkpoint import Checkpoint
from benchmarks._config import Config
from benchmarks._data import Digits
from benchmarks._errors import InputError
from benchmarks._results import Record, Results
from benchmarks._training import Training

CHECKPOINT_SECONDS: Final = 20.0
CHECKPOINTS: Final = "checkpoints"


def select_device(name: str) -> torch.device:
    """The device that ``auto``, ``cpu`` or ``cuda`` names."""
    if name not in {"auto", "cpu", "cuda"}:
        raise InputError(f"--device must be one of auto, cpu, cuda, got {name}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this machine or this PyTorch has none")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def run(
    config: Config,
    seeds: Sequence[int],
    digits: Mapping[str, Digits],
    device: torch.device,
    results: Results,
    *,
    progress: Callable[[int], None] = lambda steps: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> list[Record]:
    """The records of all ``seeds``: those that are there, and the others trained and appended.

    Args:
        config: of the runs.
        seeds: that are asked for; those without a line are trained together.
        digits: the parts of the data.
        device: to train on.
        results: where the lines are, and beside them the checkpoints.
        progress: is told how many steps (of all seeds together) were done.
        checkpoint_seconds: the shortest time between two checkpoints.

    Returns:
        One record a seed, in the order of ``seeds``.
    """
    finished = results.finished(config.key)
    missing = [seed for seed in seeds if seed not in finished]
    progress(0 if missing else config.steps)
    if missing:
        checkpoint = Checkpoint(results.folder / CHECKPOINTS, config.key, missing)
        training = Training(config, missing, digits, device)
        _train(training, checkpoint, progress, checkpoint_seconds)
        results.append(_records(training))
        checkpoint.remove()
    of_config = {r["seed"]: r for r in results.read() if r["key"] == config.key}
    return [of_config[seed] for seed in seeds]


def _train(
    training: Training,
    checkpoint: Checkpoint,
    progress: Callable[[int], None],
    checkpoint_seconds: float,
) -> None:
    """Train to the end, from the checkpoint if there is one."""
    if (state := checkpoint.load()) is not None:
        training.restore(state)
        progress(training.step)
    saved = time.monotonic()
    while not training.finished:
        steps = training.advance()
        if time.monotonic() - saved >= checkpoint_seconds and not training.finished:
            checkpoint.save(training.state())
            saved = time.monotonic()
        progress(steps)


def _records(training: Training) -> list[Record]:
    common: dict[str, Any] = {
        "key": training.config.key,
        "config": training.config.asdict(),
        "torch": torch.__version__,
        "device": _device_name(training.device),
        "threads": torch.get_num_threads(),
        "seconds": round(training.seconds, 3),
        "stacked_seeds": len(training.seeds),
    }
    records = []
    for index, seed in enumerate(training.seeds):
        curve = [
            {
                "step": point["step"],
                # A loss that is not a number is no number in JSON either.
                "loss": loss if math.isfinite(loss := point["loss"][index]) else None,
                "em": point["em"][index],
                "ew": point["ew"][index],
            }
            for point in training.curve
        ]
        last = curve[-1]
        records.append({"seed": seed, "em": last["em"], "ew": last["ew"], **common, "curve": curve})
    return records


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    from platform import machine, processor

    return f"CPU ({processor() or machine()})"
