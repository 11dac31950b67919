"""The yardstick: each sample of the evaluation fitted on its own, by SciPy's least squares."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import Tensor

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.evaluation import measure
from benchmarks.inverse.losses import residuals_of
from benchmarks.inverse.problems import problem_of
from benchmarks.inverse.training import curve_point, held_out_samples
from benchmarks.runs.cuda_graph import Engine
from benchmarks.runs.step_time import time_steps

_CHUNK: Final = 20


class LeastSquaresFits:
    """The fits of one seed's held-out samples; a step is a sample.

    `scipy.optimize.least_squares` with its defaults, from outputs 0, in float64. The simulator is
    the benchmark's own, and so is its Jacobian (forward differences, all of a sample in one batch).

    Args:
        config: of the run.
        seeds: the one seed.
        data: not used: samples are drawn.
        device: SciPy is on the CPU whatever it is.
    """

    def __init__(
        self, config: InverseConfig, seeds: Sequence[int], data: object, device: torch.device
    ) -> None:
        self.config, self.device = config, torch.device("cpu")
        (seed,) = self.seeds = tuple(seeds)
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, Any]] = []
        self._problem = problem_of(config.data)
        self._held_out = held_out_samples(config, seed)
        self._residuals = residuals_of(config)
        self._found = torch.zeros(config.evaluation_samples, self._problem.outputs)

    @property
    def engine(self) -> Engine:
        """What takes the steps."""
        return Engine(self._fit_next, "eager")

    @property
    def finished(self) -> bool:
        """Whether all samples are fitted."""
        return self.step >= self.config.total_steps

    def advance(self) -> int:
        """Fit some samples; returns their number."""
        steps = min(_CHUNK, self.config.total_steps - self.step)
        start = time.process_time()
        for _ in range(steps):
            self._fit_next()
        self.seconds += time.process_time() - start
        if self.finished:
            found = measure(self._problem, self._found, self._held_out)
            self.curve.append(curve_point(self.step, self.seconds, found))
        return steps

    def seconds_per_step(self, steps: int) -> float:
        """The mean seconds of so many fits, at most of all; not to be continued after it."""
        return time_steps(
            self._fit_next, min(steps, self.config.total_steps - self.step), self.device
        )

    def _fit_next(self) -> None:
        self._found[self.step] = self.fit(self._held_out.targets[self.step].double())
        self.step += 1

    def fit(self, target: Tensor) -> Tensor:
        """The outputs `(m,)` whose simulated signals are closest to a target `(k,)`."""

        def residuals(outputs: np.ndarray) -> np.ndarray:
            return self._residuals(torch.from_numpy(outputs)[None], target[None])[0].numpy()

        def jacobian(outputs: np.ndarray) -> np.ndarray:
            steps = np.sqrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(outputs))
            points = np.concatenate([outputs[None], outputs + np.diag(steps)])
            rows = self._residuals(torch.from_numpy(points), target.expand(len(points), -1)).numpy()
            return np.asarray(((rows[1:] - rows[0]) / steps[:, None]).T)

        return torch.from_numpy(
            least_squares(residuals, np.zeros(self._problem.outputs), jacobian).x
        )

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to continue bit for bit."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "found": self._found,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve = list(state["curve"])
        self._found = state["found"].clone()
