"""From a configuration and its seeds to lines of results: skip, resume, train, append."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import torch

from benchmarks._checkpoint import Checkpoint
from benchmarks._errors import InputError
from benchmarks._results import Record, Results
from benchmarks._training import Training

CHECKPOINT_SECONDS: Final = 20.0
CHECKPOINTS: Final = "checkpoints"


class RunConfig(Protocol):
    """What every configuration of a run tells."""

    @property
    def key(self) -> str:
        """The hash that names it."""
        ...

    @property
    def steps(self) -> int:
        """Of the whole training."""
        ...

    @property
    def split(self) -> str:
        """The part of the data that is evaluated."""
        ...

    def asdict(self) -> dict[str, Any]:
        """The choices as plain values."""
        ...


class Trainer(Protocol):
    """A training of some seeds that can be stopped and resumed, such as `Training`.

    In the points of its curve, a list holds one value for each seed; anything else is theirs in
    common. What the last point has for each seed, its loss apart, is the result.
    """

    seeds: tuple[int, ...]
    device: torch.device
    seconds: float
    step: int
    curve: list[dict[str, Any]]

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        ...

    def advance(self) -> int:
        """Train for a while; gives how many steps that were."""
        ...

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on bit for bit."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        ...


def select_device(name: str) -> torch.device:
    """The device that ``auto``, ``cpu`` or ``cuda`` names."""
    if name not in {"auto", "cpu", "cuda"}:
        raise InputError(f"--device must be one of auto, cpu, cuda, got {name}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this machine or this PyTorch has none")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def run(
    config: RunConfig,
    seeds: Sequence[int],
    data: Any,
    device: torch.device,
    results: Results,
    *,
    trainer: Callable[..., Trainer] = Training,
    progress: Callable[[int], None] = lambda steps: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> list[Record]:
    """The records of all ``seeds``: those that are there, and the others trained and appended.

    Args:
        config: of the runs.
        seeds: that are asked for; those without a line are trained together.
        data: its parts.
        device: to train on.
        results: where the lines are, and beside them the checkpoints.
        trainer: makes the training of `(config, seeds, data, device)`.
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
        training = trainer(config, missing, data, device)
        _train(training, checkpoint, progress, checkpoint_seconds)
        results.append(_records(config, training))
        checkpoint.remove()
    of_config = {r["seed"]: r for r in results.read() if r["key"] == config.key}
    return [of_config[seed] for seed in seeds]


def _train(
    training: Trainer,
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


def _records(config: RunConfig, training: Trainer) -> list[Record]:
    common: dict[str, Any] = {
        "key": config.key,
        "config": config.asdict(),
        "torch": torch.__version__,
        "device": _device_name(training.device),
        "threads": torch.get_num_threads(),
        "seconds": round(training.seconds, 3),
        "stacked_seeds": len(training.seeds),
    }
    measures = [
        name
        for name, value in training.curve[-1].items()
        if isinstance(value, list) and name != "loss"
    ]
    records = []
    for index, seed in enumerate(training.seeds):
        curve = [
            {name: _of_seed(value, index) for name, value in point.items()}
            for point in training.curve
        ]
        results = {name: curve[-1][name] for name in measures}
        records.append({"seed": seed, **results, **common, "curve": curve})
    return records


def _of_seed(value: Any, index: int) -> Any:
    if isinstance(value, list):
        value = value[index]
    # A loss that is not a number is no number in JSON either.
    return value if math.isfinite(value) else None


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    from platform import machine, processor

    return f"CPU ({processor() or machine()})"
