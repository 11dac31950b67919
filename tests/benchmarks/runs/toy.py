"""A minimal family, to test what all families share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.checks import check_choice, check_counts
from benchmarks.runs.config import RunConfig
from benchmarks.runs.cuda_graph import Engine
from benchmarks.runs.family import Family, Preset
from benchmarks.runs.measures import Measure
from benchmarks.runs.paper import Paper, PaperFigure, PaperRow
from benchmarks.runs.plots import draw_curves, draw_ends, make_figure, save_figure
from benchmarks.runs.randomness import generator
from benchmarks.runs.results import Results
from benchmarks.runs.table import Row

SCORE = Measure("score", "score")
ERROR = Measure("error", "error", unit="", scale=1.0, digits=2, rising=False)


@dataclass(frozen=True, kw_only=True)
class ToyConfig(RunConfig):
    benchmark: ClassVar[str] = "toy"
    version: ClassVar[int] = 1
    curvatures: ClassVar[tuple[str, ...]] = ("none", "hessian", "fisher", "gauss-newton")
    length: ClassVar[str] = "steps"

    shape: str = "round"
    steps: int = 3
    lr: float = 0.1
    batch_size: int = 2

    def __post_init__(self) -> None:
        check_choice("shape", self.shape, ("round", "square"))
        check_counts(self, "steps")
        super().__post_init__()

    @property
    def total_steps(self) -> int:
        return self.steps


class ToyTraining:
    """A random walk for each seed; its length is the score, in per cent."""

    def __init__(
        self, config: ToyConfig, seeds: Sequence[int], data: str, device: torch.device
    ) -> None:
        assert data == "toy data"
        self.config, self.seeds, self.device = config, tuple(seeds), device
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, Any]] = []
        self._walks = torch.zeros(len(seeds), device="cpu")
        self._generators = [generator(seed, "data") for seed in seeds]

    @property
    def engine(self) -> Engine:
        return Engine(lambda: None, "eager")

    @property
    def finished(self) -> bool:
        return self.step >= self.config.steps

    def advance(self) -> int:
        draws = [torch.rand((), generator=one, device="cpu") for one in self._generators]
        self._walks = self._walks + torch.stack(draws)
        self.step += 1
        self.seconds += 0.25
        score = (self._walks / self.config.steps).tolist()
        error = (1 - self._walks / self.config.steps).tolist()
        # Of the loss, one value that JSON has no word for.
        loss = [float("nan")] * len(self.seeds)
        self.curve.append({"step": self.step, "loss": loss, "score": score, "error": error})
        return 1

    def seconds_per_step(self, steps: int) -> float:
        return 0.25

    def state(self) -> dict[str, Any]:
        states = [one.get_state() for one in self._generators]
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "walks": self._walks,
            "generators": states,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve, self._walks = list(state["curve"]), state["walks"]
        for one, saved in zip(self._generators, state["generators"], strict=True):
            one.set_state(saved)


BASE = ToyConfig()
LARGE = replace(BASE, steps=50)


def main_cells(base: ToyConfig) -> list[Cell[ToyConfig]]:
    return [Cell(base), newton_cell(replace(base, curvature="fisher", damping=1.0))]


def large_cells(base: ToyConfig) -> list[Cell[ToyConfig]]:
    square = replace(base, shape="square")
    asked = newton_cell(replace(square, curvature="gauss-newton", damping=1.0), on_request=True)
    return [*main_cells(base), *main_cells(square), asked]


def single_config(base: ToyConfig, chosen: Mapping[str, Any]) -> ToyConfig:
    return replace(base, **chosen)


def load(configs: Sequence[ToyConfig], data_dir: Path | None) -> str:
    return "toy data"


def title(config: ToyConfig) -> str:
    return f"{config.shape}, {config.steps} steps"


def label(config: ToyConfig, reference: ToyConfig) -> str:
    rate = "" if config.lr == reference.lr else f", rate {config.lr:g}"
    damping = "" if config.damping is None else f", λ={config.damping:g}"
    return config.curvature + damping + rate


def plot(path: Path, title: str, rows: Sequence[Row]) -> None:
    figure, (curves, ends) = make_figure((2, 1), width=6)
    draw_curves(curves, rows, SCORE, along="step")
    draw_ends(ends, rows, SCORE)
    curves.set(title=title)
    save_figure(figure, path)


def outcome(curve: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"score": curve[-1]["score"], "error": curve[-1]["error"]}


def paper_row(config: ToyConfig) -> PaperRow[ToyConfig] | None:
    """The paper has round toys, of 1,000 steps, at one of two rates."""
    if config.curvature not in {"none", "fisher"}:
        return None
    damping = 1.0 if config.curvature == "fisher" else None
    return PaperRow(
        place="Table 1",
        config=ToyConfig(steps=1_000, curvature=config.curvature, damping=damping),
        figures={"score": PaperFigure(40.0, 1.5)},
        unsaid={"lr": (0.1, 0.2), "batch_size": ()},
    )


def main_paper_configs() -> list[ToyConfig]:
    return [BASE, replace(BASE, curvature="fisher", damping=1.0)]


def rehearsal(config: ToyConfig, seeds: Sequence[int], device: torch.device) -> ToyTraining:
    return ToyTraining(config, seeds, "toy data", device)


def sketch(folder: Path, device: torch.device) -> str:
    Results(folder)
    (folder / "sketch.txt").write_text("a toy")
    return "a sketch of a toy"


TOY = Family(
    name="toy",
    config_class=ToyConfig,
    presets={
        "small": Preset(base=BASE, cells=main_cells, seeds="0-1", tuning_seeds="100-101"),
        "large": Preset(base=LARGE, cells=large_cells, seeds="0-9", tuning_seeds="100"),
    },
    drawings={"sketch": sketch},
    size_flags=("steps", "batch_size"),
    selectors=("shape", "curvature"),
    single=single_config,
    load=load,
    trainer=ToyTraining,
    rehearsal=rehearsal,
    outcome=outcome,
    stacked=True,
    title=title,
    label=label,
    measures=(SCORE, ERROR),
    plot=plot,
    legend="Toys: the score is the length of a walk.",
    conclusion="Nothing may be concluded from toys.",
    paper=Paper(
        seeds=5,
        row=paper_row,
        rows=lambda: [row for row in map(paper_row, main_paper_configs()) if row],
        sources=dict.fromkeys((one.name for one in fields(ToyConfig)), "a toy box"),
    ),
)
