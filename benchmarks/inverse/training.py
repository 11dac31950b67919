"""Training one network to invert a model, with an exact stop and resume.

A run is one seed: the initial weights, the batches and the held-out samples each have a generator,
so that all variants of a seed see the same. Seconds are of the processor, of the steps alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.evaluation import measure
from benchmarks.inverse.losses import objective_of
from benchmarks.inverse.networks import Inverter
from benchmarks.inverse.problems import Problem, Samples, problem_of
from benchmarks.runs.cuda_graph import Engine
from benchmarks.runs.precision import network_precision
from benchmarks.runs.randomness import generator
from benchmarks.runs.step_time import time_steps

POINTS: Final = 10  # Of the curve.
_NORMALISATION: Final = 4_096


class InverseTraining:
    """The state of a training: network, optimiser, generators, curve.

    Args:
        config: of the run.
        seeds: the one seed.
        data: not used: samples are drawn.
        device: where network and model are.
    """

    def __init__(
        self, config: InverseConfig, seeds: Sequence[int], data: object, device: torch.device
    ) -> None:
        self.config, self.device = config, device
        (seed,) = self.seeds = tuple(seeds)
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, Any]] = []
        self._problem = problem_of(config.data)
        self._batches = generator(seed, "data")
        self._held_out = held_out_samples(config, seed).to(device)
        self._network = _initial_network(config, self._problem, seed).to(device)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=config.lr)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimizer, config.total_steps
        )
        self._objective = objective_of(config)
        self._chunk = max(1, config.total_steps // POINTS)

    @property
    def engine(self) -> Engine:
        """What takes the steps: this family captures none."""
        return Engine(self._timed_step, "eager")

    @property
    def finished(self) -> bool:
        """Whether all steps of the configuration are done."""
        return self.step >= self.config.total_steps

    def advance(self) -> int:
        """Train to the next point of the curve; returns the number of steps."""
        steps = min(self._chunk, self.config.total_steps - self.step)
        for _ in range(steps):
            self._timed_step()
        self.step += steps
        self._add_point()
        return steps

    def seconds_per_step(self, steps: int) -> float:
        """The mean seconds of so many steps; not to be continued after it."""
        return time_steps(self._timed_step, steps, self.device)

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to continue bit for bit."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "batches": self._batches.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve = list(state["curve"])
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._batches.set_state(state["batches"])

    @torch.no_grad()
    def predict(self) -> tuple[Tensor, Samples]:
        """The network's outputs for the held-out samples, and these."""
        outputs: Tensor = self._network(self._held_out.targets)
        return outputs, self._held_out

    def _next_batch(self) -> Samples:
        config = self.config
        return self._problem.sample(config.batch_size, config.snr, self._batches).to(self.device)

    def _timed_step(self) -> None:
        """One step on the next batch; drawing the batch takes no time of training."""
        samples = self._next_batch()
        start = self._now()
        self._one_step(samples.targets)
        self.seconds += self._now() - start

    def _one_step(self, targets: Tensor) -> None:
        with network_precision(self.config.precision, self.device):
            outputs = self._network(targets)
        loss = self._objective(outputs.float(), targets)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._schedule.step()

    def _now(self) -> float:
        """Seconds of the processor; of the clock where a device computes."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return time.perf_counter()
        return time.process_time()

    def _add_point(self) -> None:
        found = measure(self._problem, *self.predict())
        self.curve.append(curve_point(self.step, self.seconds, found))


def curve_point(step: int, seconds: float, found: Mapping[str, float]) -> dict[str, Any]:
    """A point of the curve of a run: a list has a value for each seed, to six digits."""
    values = {**found, "ms": 1000 * seconds / step}
    numbers = {name: [float(f"{value:.6g}")] for name, value in values.items()}
    return {"step": step, "seconds": round(seconds, 4), **numbers}


def held_out_samples(config: InverseConfig, seed: int) -> Samples:
    """The samples of the evaluation: those of the test are drawn after those of the validation."""
    problem, draws = problem_of(config.data), generator(seed, "evaluation")
    samples = problem.sample(config.evaluation_samples, config.snr, draws)
    if config.split == "test":
        samples = problem.sample(config.evaluation_samples, config.snr, draws)
    return samples


def _initial_network(config: InverseConfig, problem: Problem, seed: int) -> Inverter:
    # The same for all seeds: it belongs to the problem.
    signals = problem.sample(_NORMALISATION, None, generator(0, "split")).clean
    deviation = signals.std(0)
    deviation = torch.where(deviation > 0.0, deviation, 1.0)
    return Inverter(
        signals.shape[1],
        problem.outputs,
        config.width,
        (signals.mean(0), deviation),
        generator(seed, "initialisation"),
    )
