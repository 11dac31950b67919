"""The picture of the page on inverse problems: ``python docs/inverse_pictures.py``.

Left, decays of seed 0 of ``python -m benchmarks.inverse --preset evidence --data ivim --snr 100``,
fitted by networks that are trained here, with the plain loss and with its Newton loss. Right, the
held-out loss of all seeds against the seconds of training, from ``docs/results/inverse``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent))

from benchmarks.inverse.config import InverseConfig  # noqa: E402
from benchmarks.inverse.family import INVERSE  # noqa: E402
from benchmarks.inverse.measures import LOSS  # noqa: E402
from benchmarks.inverse.names import treatment  # noqa: E402
from benchmarks.inverse.problems import problem_of  # noqa: E402
from benchmarks.inverse.problems.decay import B_VALUES  # noqa: E402
from benchmarks.inverse.training import InverseTraining  # noqa: E402
from benchmarks.inverse.variants import variant_of  # noqa: E402
from benchmarks.runs.plots import draw_curves  # noqa: E402
from benchmarks.runs.results import RUNS, read_records  # noqa: E402
from benchmarks.runs.table import Row  # noqa: E402

ROWS = {"plain": "C0", "plain, 5x": "C1", "gauss-newton, shared": "C2"}
SAMPLES = (0, 1, 2)


def chosen_configs() -> dict[str, InverseConfig]:
    """The drawn variants of the preset, by name."""
    preset = INVERSE.presets["evidence"]
    found = {}
    for cell in preset.cells(preset.base):
        variant = variant_of(cell.config)
        if (cell.config.data, cell.config.snr) == ("ivim", 100.0) and variant is not None:
            found[variant.name] = cell.config
    return {name: found[name] for name in ROWS}


def fitted(config: InverseConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Fitted, noisy and clean signals of the samples that are drawn."""
    training = InverseTraining(config, (0,), None, torch.device("cpu"))
    while not training.finished:
        training.advance()
    outputs, samples = training.predict()
    chosen = torch.tensor(SAMPLES)
    found = problem_of(config.data).simulate(outputs[chosen], samples.targets[chosen])
    return found, samples.targets[chosen], samples.clean[chosen]


def draw_decays(axes: Any, configs: dict[str, InverseConfig]) -> None:
    """Three decays, one above the other: residuals are drawn ten times as large."""
    for name in ("plain", "gauss-newton, shared"):
        found, targets, clean = fitted(configs[name])
        for index in range(len(SAMPLES)):
            label = treatment(configs[name]) if index == 0 else None
            axes.plot(B_VALUES, 10 * (found - clean)[index] + index, color=ROWS[name], label=label)
            if name == "plain":
                noise = 10 * (targets - clean)[index] + index
                axes.plot(B_VALUES, noise, ".", color="grey", label=None if index else "measured")
                axes.axhline(index, color="black", linewidth=0.5)
    axes.set(xlabel="b [s/mm²]", ylabel="10 × (signal - clean signal), three decays", yticks=[])
    axes.legend(fontsize="small")


def draw_losses(axes: Any, configs: dict[str, InverseConfig]) -> None:
    """The held-out loss against seconds."""
    records = read_records(ROOT / "results/inverse" / RUNS)
    rows = []
    for config in configs.values():
        of_config = [record for record in records if record["key"] == config.key]
        rows.append(Row(treatment(config), of_config))
    draw_curves(axes, rows, LOSS, along="seconds")
    axes.set(xlabel="seconds of training", ylabel=LOSS.axis("of held-out samples"))
    axes.set(xscale="log", yscale="log")
    axes.legend(fontsize="small")


def draw() -> None:
    """Write the picture."""
    torch.set_num_threads(1)
    configs = chosen_configs()
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_decays(left, configs)
    draw_losses(right, configs)
    figure.savefig(ROOT / "images/inverse_problems.png", dpi=100)


if __name__ == "__main__":
    draw()
