"""Training one network through shortest paths, with an exact stop and resume.

A run is one seed: the order of the maps, the initial weights and the noise each have a generator,
so that all variants of a seed see the same. The maps are kept on the network's device, as bytes.
Seconds are those of the steps, without the evaluation after each epoch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from benchmarks.runs.errors import InputError
from benchmarks.runs.randomness import generator
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.losses import draw_noise, path_objective, solve
from benchmarks.shortest_path.networks import initial_network
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
        self._train = _MapsOnDevice(parts, "train", config.maps, device)
        self._test = _MapsOnDevice(parts, config.split, config.evaluation_maps, device)
        self._normalisation = self._train.statistics()
        self._generators = {stream: generator(seed, stream) for stream in ("data", "noise")}
        network = initial_network(config.network, generator(seed, "initialisation"))
        self._network = network.to(device)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=config.lr)
        self._objective = path_objective(config)
        # Of the epoch: the maps that are still to come, and the sum of the losses so far.
        self._left = torch.zeros(0, dtype=torch.int64, device="cpu")
        self._loss_sum = torch.zeros((), device=device)

    @property
    def finished(self) -> bool:
        """Whether all epochs of the configuration are done."""
        return self.epoch >= self.config.epochs

    def advance(self) -> int:
        """Train for a chunk of steps, at most to the end of the epoch; returns their number."""
        start = time.perf_counter()
        if len(self._left) == 0:
            self._begin_epoch()
        batches = self._left.split(self.config.batch_size)[:_STEPS_PER_CHUNK]
        for batch in batches:
            self._one_step(batch)
        self._left = self._left[sum(map(len, batches)) :].clone()
        self.step += len(batches)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.seconds += time.perf_counter() - start
        if len(self._left) == 0:
            self.epoch += 1
            self._add_point()
        return len(batches)

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

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """The share of maps whose path is the true one, and the mean ratio of path costs.

        The ratio is what the path that is found costs, by the true costs, over what the true path
        costs: 1 is the best.
        """
        hits, ratios = [], []
        for batch in torch.arange(len(self._test), device="cpu").split(_EVALUATION_BATCH):
            predicted, paths = self.predict(batch)
            found = solve(predicted)
            weights = self._test.weights[batch.to(self.device)].double()
            hits.append((found == paths).all((-2, -1)).cpu())
            costs, best = ((one * weights).sum((-2, -1)) for one in (found, paths))
            ratios.append((costs / best).cpu())
        return torch.cat(hits).double().mean().item(), torch.cat(ratios).mean().item()

    @torch.no_grad()
    def predict(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The network's costs of some maps of the evaluation, and their true paths."""
        images, paths = self._test.take(batch, self._normalisation)
        self._network.eval()
        costs: Tensor = self._network(images)
        self._network.train()
        return costs, paths

    def _begin_epoch(self) -> None:
        order = self._generators["data"]
        self._left = torch.randperm(len(self._train), generator=order, device="cpu")
        self._loss_sum.zero_()
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.rate(self.epoch)

    def _one_step(self, batch: Tensor) -> None:
        images, paths = self._train.take(batch, self._normalisation)
        noise = draw_noise(self.config, len(batch), self._generators["noise"])
        noise = None if noise is None else noise.to(self.device)
        loss = self._objective(self._network(images), paths, noise)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._loss_sum += loss.detach() * len(batch)

    def _add_point(self) -> None:
        em, ratio = self.evaluate()
        loss = self._loss_sum.item() / len(self._train)
        point: dict[str, Any] = {"step": self.step, "epoch": self.epoch, "seconds": self.seconds}
        # A list has a value for each seed.
        self.curve.append({**point, "loss": [loss], "em": [em], "ratio": [ratio]})


class _MapsOnDevice:
    """The first maps of a part: images as bytes `(N, 3, 96, 96)`, costs and paths in float32."""

    def __init__(
        self, parts: Mapping[str, Maps], part: str, count: int, device: torch.device
    ) -> None:
        maps = parts[part]
        if len(maps) < count:
            raise InputError(f"the {part} part has {len(maps):,} maps, but the run needs {count:,}")
        images = np.ascontiguousarray(maps.images[:count].transpose(0, 3, 1, 2))
        self.images = torch.from_numpy(images).to(device)
        self.weights = torch.from_numpy(maps.weights[:count].astype(np.float32)).to(device)
        self.paths = torch.from_numpy(maps.paths[:count].astype(np.float32)).to(device)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, batch: Tensor, normalisation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The images of some maps, normalised, and their paths."""
        mean, deviation = normalisation
        batch = batch.to(self.paths.device)
        return (self.images[batch].float() - mean) / deviation, self.paths[batch]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the three colours, `(3, 1, 1)`."""
        channels = [self.images[:, channel].double() for channel in range(3)]
        pairs = [torch.stack([one.mean(), one.std()]) for one in channels]
        mean, deviation = torch.stack(pairs, 1).float()[..., None, None]
        return mean, deviation
