"""The shortest-path benchmark: ``python -m benchmarks.shortest_path`` (see ``--help``).

With no argument it is the quick profile: a small network learns the costs of terrain maps from
their shortest paths alone, with plain losses and with their Newton losses; tables, figures and one
JSON line a run are left in the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks._command import run_command
from benchmarks._job import Job, run_job
from benchmarks._path_plan import plan_path_cells, plan_path_seeds
from benchmarks._path_presets import PATHS
from benchmarks._runner import select_device

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def shortest_path(
    preset: Annotated[str | None, typer.Option(help="quick | table2 | table3.")] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="for-l1 | for-l2 | while-l1 | while-l2 (relaxed Bellman-Ford) | smoothed-loss | "
            "smoothed-algorithm | fenchel-young."
        ),
    ] = None,
    curvature: Annotated[
        str | None, typer.Option(help="none | hessian | fisher | gauss-newton.")
    ] = None,
    eigenvalues: Annotated[
        str | None, typer.Option(help="Of the Hessian: raw (the paper) | absolute | clamp.")
    ] = None,
    damping: Annotated[
        float | None, typer.Option(help="λ; the library's own default unless given.")
    ] = None,
    steepness: Annotated[
        float | None, typer.Option(help="β of the relaxed Bellman-Ford; 10 unless given.")
    ] = None,
    sigma: Annotated[float | None, typer.Option(help="σ of the noise; 0.1 unless given.")] = None,
    samples: Annotated[
        int | None, typer.Option(help="Of the noise, for each map; 10 unless given.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Adam's first rate.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of training.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Maps in a batch.")] = None,
    maps: Annotated[int | None, typer.Option(help="Training maps that are used.")] = None,
    evaluation_maps: Annotated[int | None, typer.Option(help="Maps of the evaluation.")] = None,
    network: Annotated[
        str | None, typer.Option(help="resnet (the paper's) | tiles (a small one).")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Such as 0-2, or 0,2,5.")] = None,
    data: Annotated[str | None, typer.Option(help="terrain | warcraft.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the folder 12x12 of the Warcraft set.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto | cpu | cuda.")] = "auto",
    out: Annotated[Path, typer.Option(help="Folder for lines, tables and figures.")] = Path(
        "results/shortest_path"
    ),
    tune: Annotated[bool, typer.Option("--tune", help="Try the grid of λ instead.")] = False,
) -> None:
    """Train a network through shortest paths, with and without Newton losses.

    Without arguments: the quick profile. With --preset: all cells of that table, or those of its
    cells that --loss, --curvature and --samples name. With any of the flags from --loss to --lr
    and no preset: that one cell, and the plain loss to compare it with.

    --epochs, --batch-size, --maps, --evaluation-maps, --network, --seeds and --data change the size
    of whatever is run. Runs that have their line in the folder's runs.jsonl are not run again; a
    stopped one goes on from its checkpoint.

    --tune runs the grid on validation maps, with seeds 100-102 unless --seeds is given, and prints
    what it chooses.
    """
    choices: dict[str, Any] = {
        "loss": loss,
        "curvature": curvature,
        "eigenvalues": eigenvalues,
        "damping": damping,
        "steepness": steepness,
        "sigma": sigma,
        "samples": samples,
        "lr": lr,
    }
    size: dict[str, Any] = {
        "data": data,
        "network": network,
        "maps": maps,
        "epochs": epochs,
        "batch_size": batch_size,
        "evaluation_maps": evaluation_maps,
    }
    cells = plan_path_cells(preset, choices, size)
    job = Job(
        name=preset or ("cell" if any(v is not None for v in choices.values()) else "quick"),
        cells=cells,
        seeds=plan_path_seeds(seeds, preset, tune),
        device=select_device(device),
        data_dir=data_dir,
        out=out,
        benchmark=PATHS,
    )
    print(run_job(job, tune=tune))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.shortest_path", arguments)


if __name__ == "__main__":
    sys.exit(main())
