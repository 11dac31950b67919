"""Training all seeds of one configuration together, with an exact stop and resume.

The parameters of the seeds are stacked, and one Adam steps them all: it works element by element,
so every seed takes the steps that it would take alone. Batches are drawn ahead, a chunk of steps at
a time, and lie on the device; within a chunk the host reads nothing back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks.runs.cuda_graph import capture_step
from benchmarks.runs.randomness import generator
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.digits import DIGITS_PER_NUMBER, Digits, evaluation_sets
from benchmarks.sorting.networks import NETWORKS, initial_parameters
from benchmarks.sorting.objective import sorting_objective
from benchmarks.sorting.selection import VALIDATED_ELEMENTS

CHUNK: Final = 100  # Steps between two reads of the device; checkpoints lie on these borders.
_EVALUATION_BATCH: Final = 100


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
        self._train, self._test = digits["train"].to(device), digits[config.split].to(device)
        self._sets = self._draw_sets(self._test, config.evaluation_sets)
        self._validation = digits["validation"].to(device)
        validated = self._draw_sets(self._validation, config.validation_sets)
        self._validation_sets = [indices[:, :VALIDATED_ELEMENTS] for indices in validated]
        # Sorting draws no noise; its generators stay because checkpoints hold their state.
        self._generators = {
            stream: [generator(seed, stream) for seed in seeds] for stream in ("data", "noise")
        }
        self._network = NETWORKS[config.data]
        self._objective = sorting_objective(config, device)
        drawn = initial_parameters(
            self._network, [generator(seed, "initialisation") for seed in seeds]
        )
        self._parameters = {
            name: value.to(device).requires_grad_() for name, value in drawn.items()
        }
        self._optimizer = self._make_optimizer()
        batch = (len(seeds), config.batch_size, config.n, DIGITS_PER_NUMBER)
        self._drawn = torch.zeros((CHUNK, *batch), dtype=torch.int64, device="cpu")
        self._batches = self._drawn.to(device, copy=True)
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self._loss_sum = torch.zeros(len(seeds), device=device)
        self._run_step: Callable[[], None] | None = None

    @property
    def finished(self) -> bool:
        """Whether all steps of the configuration are done."""
        return self.step >= self.config.steps

    def advance(self) -> int:
        """Train for one chunk, or what is left of the steps; returns how many steps that was."""
        start = time.perf_counter()
        if self._run_step is None:
            self._run_step = capture_step(
                self._one_step, list(self._tensors().values()), self.device
            )
        steps = min(CHUNK, self.config.steps - self.step)
        self._draw_batches()
        for _ in range(steps):
            self._run_step()
        self.step += steps
        # On the first border of a chunk that a validation is due at, and at the last step.
        every = self.config.validate_every
        if self.finished or self.step // every > (self.step - steps) // every:
            self._add_point(steps)
        self.seconds += time.perf_counter() - start
        return steps

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

    def _make_optimizer(self) -> torch.optim.Adam:
        """Adam with its state made at once, so that it can be saved, restored and captured."""
        parameters = list(self._parameters.values())
        optimizer = torch.optim.Adam(
            parameters, lr=self.config.lr, fused=True, capturable=self.device.type == "cuda"
        )
        for parameter in parameters:
            optimizer.state[parameter] = {
                "step": torch.zeros((), device=self.device),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }
        return optimizer

    def _tensors(self) -> dict[str, Tensor]:
        """All tensors that a step changes and the next one reads, by name."""
        tensors = dict(self._parameters)
        for name, parameter in self._parameters.items():
            for part, value in self._optimizer.state[parameter].items():
                tensors[f"{name}.{part}"] = value
        return tensors

    def _draw_batches(self) -> None:
        """Fill the chunk's batches; always a whole chunk, so that its borders do not matter."""
        shape = (CHUNK, *self._drawn.shape[2:])
        for seed, one in enumerate(self._generators["data"]):
            self._drawn[:, seed] = torch.randint(
                len(self._train), shape, generator=one, device="cpu"
            )
        self._batches.copy_(self._drawn)
        self._position.zero_()
        self._loss_sum.zero_()

    def _one_step(self) -> None:
        """One step of all seeds: no branch on values, nothing read back."""
        indices = self._batches.index_select(0, self._position).squeeze(0)
        images, labels = self._train.numbers(indices)
        losses = self._objective(self._network(self._parameters, images), labels)
        self._optimizer.zero_grad()
        losses.sum().backward()
        self._optimizer.step()
        self._loss_sum += losses.detach()
        self._position += 1

    def _add_point(self, steps: int) -> None:
        em, ew = self.evaluate()
        point = {
            "step": self.step,
            "loss": (self._loss_sum / steps).tolist(),
            "validation": self.validate().tolist(),
            "em": em.tolist(),
            "ew": ew.tolist(),
        }
        self.curve.append(point)

    def evaluate(self) -> tuple[Tensor, Tensor]:
        """EM and EW of every seed on the fixed sets, both of shape `(S,)` and in [0, 1].

        EM is the share of sets whose n ranks are all right, EW the share of elements at their right
        rank; both are measured as the field does, from the order of the scores alone.
        """
        right = self._right_ranks(self._test, self._sets)
        return right.all(-1).double().mean(1), right.double().mean((1, 2))

    def validate(self) -> Tensor:
        """EM of the first five elements of the sets of validation, shape `(S,)`."""
        right = self._right_ranks(self._validation, self._validation_sets)
        return right.all(-1).double().mean(1)

    @torch.no_grad()
    def _right_ranks(self, digits: Digits, sets: Sequence[Tensor]) -> Tensor:
        """Which ranks are right, on the CPU: `(S, sets, n)`."""
        hits = []
        for indices in sets:
            images, labels = digits.numbers(indices)
            scores = self._network(self._parameters, images.expand(len(self.seeds), *images.shape))
            order = labels.argsort(dim=-1, stable=True)
            hits.append((scores.argsort(dim=-1, stable=True) == order).cpu())
        return torch.cat(hits, dim=1)

    def _draw_sets(self, digits: Digits, sets: int) -> Sequence[Tensor]:
        drawn = evaluation_sets(digits, self.config.n, sets).to(self.device)
        return list(drawn.split(_EVALUATION_BATCH))
