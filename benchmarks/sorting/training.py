"""Training all seeds of one configuration together, with an exact stop and resume.

The parameters of the seeds are stacked, and one Adam steps them all: it works element by element,
so every seed takes the steps that it would take alone. Batches are drawn ahead, a chunk of steps at
a time, and lie on the device; within a chunk the host reads nothing back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks.runs.adam import ready_adam
from benchmarks.runs.cuda_graph import Engine, capture_step
from benchmarks.runs.precision import network_precision
from benchmarks.runs.randomness import generator
from benchmarks.runs.step_time import time_steps
from benchmarks.sorting.batches import Batches
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.digits import Digits
from benchmarks.sorting.evaluation import Evaluation
from benchmarks.sorting.networks import NETWORKS, initial_parameters
from benchmarks.sorting.objective import sorting_objective
from benchmarks.sorting.selection import VALIDATED_ELEMENTS

CHUNK: Final = 100  # Steps between two reads of the device; checkpoints lie on these borders.


class SortingTraining:
    """The state of a training of several seeds: parameters, Adam's moments, generators, curve.

    Args:
        config: of the run.
        seeds: that are trained together.
        digits: the parts of the data.
        device: where data and step are.
    """

    def __init__(
        self,
        config: SortingConfig,
        seeds: Sequence[int],
        digits: Mapping[str, Digits],
        device: torch.device,
    ) -> None:
        self.config, self.seeds, self.device = config, tuple(seeds), device
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, Any]] = []
        self.network = NETWORKS[config.data]
        parts = {name: part.to(device) for name, part in digits.items()}
        self.test = Evaluation(parts[config.split], config.n, config.evaluation_sets)
        self.validation = Evaluation(
            parts["validation"], config.n, config.validation_sets, VALIDATED_ELEMENTS
        )
        # Sorting draws no noise; its generators stay because checkpoints hold their state.
        self._generators = {
            stream: [generator(seed, stream) for seed in seeds] for stream in ("data", "noise")
        }
        self.batches = Batches(
            parts["train"],
            self._generators["data"],
            CHUNK,
            (config.batch_size, config.n),
            side_by_side=self.network.side_by_side,
        )
        self._objective = sorting_objective(config, device)
        drawn = initial_parameters(
            self.network, [generator(seed, "initialisation") for seed in seeds]
        )
        self._parameters = {
            name: value.to(device).requires_grad_() for name, value in drawn.items()
        }
        self._optimizer = ready_adam(self._parameters.values(), config.lr, fused=True)
        self._loss_sum = torch.zeros(len(seeds), device=device)
        self._engine: Engine | None = None

    @property
    def finished(self) -> bool:
        """Whether all steps of the configuration are done."""
        return self.step >= self.config.steps

    @property
    def engine(self) -> Engine:
        """What takes the steps; the step is captured when this is first looked at."""
        if self._engine is None:
            self._engine = capture_step(self._one_step, list(self._tensors().values()), self.device)
        return self._engine

    def advance(self) -> int:
        """Train for one chunk, or what is left of the steps; returns how many steps that was."""
        start = time.perf_counter()
        engine = self.engine
        steps = min(CHUNK, self.config.steps - self.step)
        self.batches.draw()
        self._loss_sum.zero_()
        for _ in range(steps):
            engine.run()
        self.step += steps
        # On the first border of a chunk that a validation is due at, and at the last step.
        every = self.config.validate_every
        if self.finished or self.step // every > (self.step - steps) // every:
            self._add_point(steps)
        self.seconds += time.perf_counter() - start
        return steps

    def seconds_per_step(self, steps: int) -> float:
        """The mean seconds of so many steps, at most a chunk; not to be continued after it."""
        engine = self.engine
        self.batches.draw()
        return time_steps(engine.run, steps, self.device)

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to continue bit for bit."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "tensors": {name: value.detach().cpu() for name, value in self._tensors().items()},
            "generators": {
                stream: [one.get_state() for one in generators]
                for stream, generators in self._generators.items()
            },
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve = list(state["curve"])
        for name, value in self._tensors().items():
            value.copy_(state["tensors"][name])
        for stream, generators in self._generators.items():
            for one, saved in zip(generators, state["generators"][stream], strict=True):
                one.set_state(saved)

    def _tensors(self) -> dict[str, Tensor]:
        """All tensors that a step changes and the next one reads, by name."""
        tensors = dict(self._parameters)
        for name, parameter in self._parameters.items():
            for part, value in self._optimizer.state[parameter].items():
                tensors[f"{name}.{part}"] = value
        return tensors

    def _one_step(self) -> None:
        """One step of all seeds: no branch on values, nothing read back.

        The loss is differentiated first, then the network: each in its own precision.
        """
        images, labels = self.batches.take()
        with network_precision(self.config.precision, self.device):
            outputs = self.network(self._parameters, images)
        scores = outputs.detach().float().requires_grad_()
        losses = self._objective(scores, labels)
        (gradient,) = torch.autograd.grad(losses.sum(), scores)
        self._optimizer.zero_grad()
        with network_precision(self.config.precision, self.device):
            outputs.backward(gradient.to(outputs.dtype))
        self._optimizer.step()
        self._loss_sum += losses.detach()

    def _add_point(self, steps: int) -> None:
        em, ew = self.evaluate(self.test)
        validation, _ = self.evaluate(self.validation)
        self.curve.append(
            {
                "step": self.step,
                "loss": (self._loss_sum / steps).tolist(),
                "validation": validation.tolist(),
                "em": em.tolist(),
                "ew": ew.tolist(),
            }
        )

    def evaluate(self, sets: Evaluation) -> tuple[Tensor, Tensor]:
        """EM and EW of every seed on fixed sets, both of shape `(S,)` and in [0, 1]."""
        with network_precision(self.config.precision, self.device):
            return sets.shares(self.network, self._parameters)
