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

ROWS = ("plain", "plain, 3x", "gauss-newton, shared")
SAMPLES = (0, 5, 8)


def chosen_configs() -> dict[str, InverseConfig]:
    """The drawn variants of the preset, by name."""
    preset = INVERSE.presets["evidence"]
    found = {}
    for cell in preset.cells(preset.base):
        variant = variant_of(cell.config)
        if (cell.config.data, cell.config.snr) == ("ivim", 100.0) and variant is not None:
            found[variant.name] = cell.config
    return {name: found[name] for name in ROWS}


def train(config: InverseConfig) -> InverseTraining:
    """Train the network of seed 0."""
    training = InverseTraining(config, (0,), None, torch.device("cpu"))
    while not training.finished:
        training.advance()
    return training


def draw_decays(axes: Any, configs: dict[str, InverseConfig]) -> None:
    """Three decays as they are measured, and as networks fit them."""
    for name, style in (("plain", "--"), ("gauss-newton, shared", "-")):
        config = configs[name]
        outputs, samples = train(config).predict()
        found = problem_of(config.data).simulate(outputs, samples.targets)
        for number, sample in enumerate(SAMPLES):
            label = treatment(config) if number == 0 else None
            colour = f"C{number + 3}"
            axes.plot(B_VALUES, found[sample], style, color=colour, label=label)
            axes.plot(B_VALUES, samples.targets[sample], "o", color=colour, markersize=4)
    axes.set(xlabel="b [s/mm²]", ylabel="signal (points: measured)", yscale="log")
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
