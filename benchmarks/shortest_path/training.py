"""Training one network through shortest paths, with an exact stop and resume.

A run is one seed: the order of the maps, the initial weights and the noise each have a generator,
so that all variants of a seed see the same. Maps and noise are on the network's device. A step
reads its batch and its noise from tensors that stay where they are, so that it can be captured;
the last batch of an epoch, which may be smaller, is not. Seconds are those of the steps, without
the evaluation after each epoch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks.runs.adam import moments, ready_adam
from benchmarks.runs.cuda_graph import Engine, capture_step
from benchmarks.runs.device import wait_for
from benchmarks.runs.precision import network_precision
from benchmarks.runs.randomness import generator
from benchmarks.runs.step_time import time_steps
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.losses import draw_noise, path_objective, solve
from benchmarks.shortest_path.maps import MapsOnDevice
from benchmarks.shortest_path.networks import initial_network, network_on
from benchmarks.shortest_path.warcraft import Maps

_STEPS_PER_CHUNK: Final = 20  # The most steps between two checkpoints.
_EVALUATION_BATCH: Final = 100


class PathTraining:
    """The state of a training: network, optimiser, generators, the order of the epoch, curve.

    Args:
        config: of the run.
        seeds: the one seed.
        parts: of the data.
        device: where network, data and solvers are.

    Raises:
        InputError: the data has fewer maps than the configuration takes.
    """

    def __init__(
        self,
        config: PathConfig,
        seeds: Sequence[int],
        parts: Mapping[str, Maps],
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        (seed,) = self.seeds = tuple(seeds)
        self.step, self.epoch, self.seconds = 0, 0, 0.0
        self.curve: list[dict[str, Any]] = []
        self._train = MapsOnDevice(parts, "train", config.maps, device)
        self._test = MapsOnDevice(parts, config.split, config.evaluation_maps, device)
        self._normalisation = self._train.statistics()
        self._generators = {
            "data": generator(seed, "data"),
            "noise": generator(seed, "noise", device),
        }
        network = initial_network(config.network, generator(seed, "initialisation"))
        self._network = network_on(network, device)
        self._optimizer = ready_adam(self._network.parameters(), config.lr, fused=False)
        self._objective = path_objective(config)
        # Of the epoch: the maps that are still to come, and the sum of the losses so far.
        self._left = torch.zeros(0, dtype=torch.int64, device="cpu")
        self._loss_sum = torch.zeros((), device=device)
        # Of a step: a whole batch, and its noise.
        size = min(config.batch_size, len(self._train))
        self._batch = torch.zeros(size, dtype=torch.int64, device=device)
        self._noise = draw_noise(config, size, generator(seed, "noise", device))
        self._engine: Engine | None = None

    @property
    def finished(self) -> bool:
        """Whether all epochs of the configuration are done."""
        return self.epoch >= self.config.epochs

    @property
    def engine(self) -> Engine:
        """What takes the steps of whole batches; captured when this is first looked at."""
        if self._engine is None:
            self._engine = capture_step(self._whole_step, self._state_of_step(), self.device)
        return self._engine

    def advance(self) -> int:
        """Train for a chunk of steps, at most to the end of the epoch; returns their number."""
        start = time.perf_counter()
        if len(self._left) == 0:
            self._begin_epoch()
        batches = self._left.split(self.config.batch_size)[:_STEPS_PER_CHUNK]
        for batch in batches:
            self._one_step(batch.to(self.device, non_blocking=True))
        self._left = self._left[sum(map(len, batches)) :].clone()
        self.step += len(batches)
        wait_for(self.device)
        self.seconds += time.perf_counter() - start
        if len(self._left) == 0:
            self.epoch += 1
            self._add_point()
        return len(batches)

    def seconds_per_step(self, steps: int) -> float:
        """The mean seconds of so many steps of whole batches; not to be continued after it."""
        return time_steps(lambda: self._one_step(self._batch), steps, self.device)

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to continue bit for bit."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "curve": self.curve,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "generators": {name: one.get_state() for name, one in self._generators.items()},
            "left": self._left,
            "loss_sum": self._loss_sum,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        self.step, self.epoch, self.seconds = state["step"], state["epoch"], state["seconds"]
        self.curve = list(state["curve"])
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        for name, one in self._generators.items():
            one.set_state(state["generators"][name])
        self._left = state["left"].clone()
        self._loss_sum = state["loss_sum"].to(self.device, copy=True)
        self._engine = None  # It would go on with the tensors from before.

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """The share of maps whose path is the true one, and the mean ratio of path costs.

        The ratio is what the path that is found costs, by the true costs, over what the true path
        costs: 1 is the best.
        """
        hits, ratios = [], []
        for batch in torch.arange(len(self._test), device=self.device).split(_EVALUATION_BATCH):
            predicted, paths = self.predict(batch)
            found = solve(predicted)
            weights = self._test.weights[batch].double()
            hits.append((found == paths).all((-2, -1)))
            costs, best = ((one * weights).sum((-2, -1)) for one in (found, paths))
            ratios.append(costs / best)
        return torch.cat(hits).double().mean().item(), torch.cat(ratios).cpu().mean().item()

    @torch.no_grad()
    def predict(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The network's costs of some maps of the evaluation, and their true paths."""
        images, paths = self._test.take(batch, self._normalisation)
        self._network.eval()
        with network_precision(self.config.precision, self.device):
            costs: Tensor = self._network(images)
        self._network.train()
        return costs.float(), paths

    def _begin_epoch(self) -> None:
        order = self._generators["data"]
        self._left = torch.randperm(len(self._train), generator=order, device="cpu")
        self._loss_sum.zero_()
        rate = self.config.rate(self.epoch)
        for group in self._optimizer.param_groups:
            if group["lr"] != rate:
                group["lr"] = rate
                self._engine = None  # A graph has the rate of its capture.

    def _one_step(self, batch: Tensor) -> None:
        noise = draw_noise(self.config, len(batch), self._generators["noise"])
        if len(batch) < len(self._batch):
            self._step_on(batch, noise)
            return
        engine = self.engine
        self._batch.copy_(batch)
        if noise is not None and self._noise is not None:
            self._noise.copy_(noise)
        engine.run()

    def _whole_step(self) -> None:
        self._step_on(self._batch, self._noise)

    def _step_on(self, batch: Tensor, noise: Tensor | None) -> None:
        """One step; the loss is differentiated first, then the network, each in its precision."""
        images, paths = self._train.take(batch, self._normalisation)
        with network_precision(self.config.precision, self.device):
            outputs = self._network(images)
        costs = outputs.detach().float().requires_grad_()
        loss = self._objective(costs, paths, noise)
        (gradient,) = torch.autograd.grad(loss, costs)
        self._optimizer.zero_grad()
        with network_precision(self.config.precision, self.device):
            outputs.backward(gradient.to(outputs.dtype))
        self._optimizer.step()
        self._loss_sum += loss.detach() * len(batch)

    def _state_of_step(self) -> list[Tensor]:
        """All tensors that a step changes and the next one reads."""
        weights = self._network.state_dict().values()
        return [*weights, *moments(self._optimizer), self._loss_sum]

    def _add_point(self) -> None:
        em, ratio = self.evaluate()
        loss = self._loss_sum.item() / len(self._train)
        point: dict[str, Any] = {"step": self.step, "epoch": self.epoch, "seconds": self.seconds}
        # A list has a value for each seed.
        self.curve.append({**point, "loss": [loss], "em": [em], "ratio": [ratio]})
