"""The sorting benchmark: ``python -m benchmarks.sorting`` (see ``--help``).

With no argument it is the main job: four-digit numbers made of scikit-learn's bundled digits are
sorted by a small network that is trained through SoftSort, with the plain loss, with both Newton
losses and with the controls; a table, a figure and one JSON line a run are left in the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks._command import run_command
from benchmarks._job import Job, run_job
from benchmarks._plan import plan_cells, plan_seeds
from benchmarks._runner import select_device

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def sorting(
    preset: Annotated[str | None, typer.Option(help="main | table1.")] = None,
    operator: Annotated[
        str | None, typer.Option(help="softsort | neuralsort | odd_even | bitonic.")
    ] = None,
    distribution: Annotated[
        str | None,
        typer.Option(
            help="Of a network's swaps: logistic | cauchy | gaussian | reciprocal | optimal | "
            "logistic_phi."
        ),
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="τ; the paper's unless given.")] = None,
    steepness: Annotated[float | None, typer.Option(help="β; the paper's unless given.")] = None,
    n: Annotated[int | None, typer.Option(help="Numbers in a set.")] = None,
    loss: Annotated[str | None, typer.Option(help="probability | exact.")] = None,
    curvature: Annotated[str | None, typer.Option(help="none | hessian | fisher.")] = None,
    eigenvalues: Annotated[
        str | None, typer.Option(help="Of the Hessian: raw (the paper) | absolute | clamp.")
    ] = None,
    damping: Annotated[
        float | None, typer.Option(help="λ; the library's own default unless given.")
    ] = None,
    clip: Annotated[
        float | None, typer.Option(help="Longest output gradient of a sample, plain loss only.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Adam's rate.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of training.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Sets in a batch.")] = None,
    evaluation_sets: Annotated[int | None, typer.Option(help="Sets of the evaluation.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Such as 0-7, or 0,2,5.")] = None,
    data: Annotated[str | None, typer.Option(help="digits | mnist.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of mnist.npz or of the four IDX files (or .gz).")
    ] = None,
    device: Annotated[str, typer.Option(help="auto | cpu | cuda.")] = "auto",
    out: Annotated[Path, typer.Option(help="Folder for lines, tables and figures.")] = Path(
        "results/sorting"
    ),
    tune: Annotated[
        bool, typer.Option("--tune", help="Try the grids of λ, rate and clipping instead.")
    ] = False,
) -> None:
    """Train ranking networks through relaxed sorting, with and without Newton losses.

    Without arguments: the main job. With --preset: all cells of that table, or those of its cells
    that --operator, --distribution, --n, --loss and --curvature name. With any of the flags from
    --operator to --lr and no preset: that one cell, and the plain loss to compare it with.

    --steps, --batch-size, --evaluation-sets, --seeds and --data change the size of whatever is run.
    Runs that have their line in the folder's runs.jsonl are not run again; a stopped one goes on
    from its checkpoint.

    --tune runs the grids on validation digits, with seeds 100-107 unless --seeds is given, and
    prints what it chooses.
    """
    choices: dict[str, Any] = {
        "operator": operator,
        "distribution": distribution,
        "temperature": temperature,
        "steepness": steepness,
        "n": n,
        "loss": loss,
        "curvature": curvature,
        "eigenvalues": eigenvalues,
        "damping": damping,
        "clip": clip,
        "lr": lr,
    }
    size: dict[str, Any] = {
        "data": data,
        "steps": steps,
        "batch_size": batch_size,
        "evaluation_sets": evaluation_sets,
    }
    cells = plan_cells(preset, choices, size)
    job = Job(
        name=preset or ("cell" if any(v is not None for v in choices.values()) else "main"),
        cells=cells,
        seeds=plan_seeds(seeds, preset, tune),
        device=select_device(device),
        data_dir=data_dir,
        out=out,
    )
    print(run_job(job, tune=tune))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.sorting", arguments)


if __name__ == "__main__":
    sys.exit(main())
