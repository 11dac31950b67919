"""From a configuration and its seeds to lines of results: skip, resume, train, append."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch

from benchmarks.runs.checkpoint import Checkpoint
from benchmarks.runs.config import ConfigT
from benchmarks.runs.device import device_name
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.runs.results import Record, Results
from benchmarks.runs.trainer import Trainer

CHECKPOINT_SECONDS: Final = 20.0
CHECKPOINTS: Final = "checkpoints"


def run(
    family: Family[ConfigT],
    config: ConfigT,
    seeds: Sequence[int],
    data: Any,
    device: torch.device,
    results: Results,
    *,
    progress: Callable[[int], None] = lambda steps: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> list[Record]:
    """The records of all ``seeds``: those that are there, and the others trained and appended.

    Args:
        family: how the configuration is trained, and what is measured.
        config: of the runs.
        seeds: that are asked for; those without a line are trained together.
        data: that the family has loaded.
        device: to train on.
        results: where the lines are, and beside them the checkpoints.
        progress: called with the number of steps (of all seeds together) that were done.
        checkpoint_seconds: the shortest time between two checkpoints.

    Returns:
        One record per seed, in the order of ``seeds``.
    """
    finished = results.finished(config.key)
    missing = [seed for seed in seeds if seed not in finished]
    progress(0 if missing else config.total_steps)
    if missing:
        checkpoint = Checkpoint(results.folder / CHECKPOINTS, config.key, missing)
        training = family.trainer(config, missing, data, device)
        _train(training, checkpoint, progress, checkpoint_seconds)
        results.append(_records(family, config, training))
        checkpoint.remove()
    of_config = {record["seed"]: record for record in results.read() if record["key"] == config.key}
    return [of_config[seed] for seed in seeds]


def _train(
    training: Trainer,
    checkpoint: Checkpoint,
    progress: Callable[[int], None],
    checkpoint_seconds: float,
) -> None:
    """Train to the end, from the checkpoint if there is one."""
    if (state := checkpoint.load()) is not None:
        _check_device(checkpoint, state, training.device)
        training.restore(state)
        progress(training.step)
    saved = time.monotonic()
    while not training.finished:
        steps = training.advance()
        if time.monotonic() - saved >= checkpoint_seconds and not training.finished:
            checkpoint.save({**training.state(), "device": training.device.type})
            saved = time.monotonic()
        progress(steps)


def _check_device(checkpoint: Checkpoint, state: Mapping[str, Any], device: torch.device) -> None:
    """Generators, and so the noise, of one kind of device are nothing to another."""
    made_on = state.get("device", device.type)
    if made_on != device.type:
        raise InputError(
            f"--device: {checkpoint.path} was made on {made_on}; resume it there, or delete it"
        )


def _records(family: Family[ConfigT], config: ConfigT, training: Trainer) -> list[Record]:
    common: dict[str, Any] = {
        "key": config.key,
        "config": config.asdict(),
        "torch": torch.__version__,
        "device": device_name(training.device),
        "engine": training.engine.name,
        "threads": torch.get_num_threads(),
        "seconds": round(training.seconds, 3),
        "stacked_seeds": len(training.seeds),
    }
    records = []
    for index, seed in enumerate(training.seeds):
        curve = [
            {name: _of_seed(value, index) for name, value in point.items()}
            for point in training.curve
        ]
        records.append({"seed": seed, **family.outcome(curve), **common, "curve": curve})
    return records


def _of_seed(value: Any, index: int) -> Any:
    if isinstance(value, list):
        value = value[index]
    return value if math.isfinite(value) else None  # JSON has no NaN and no infinity.
