"""The command ``python -m benchmarks.sorting``.

With no argument it is the main job: four-digit numbers made of scikit-learn's bundled digits are
sorted by a small network that is trained through SoftSort, with the plain loss, with both Newton
losses and with the controls. It leaves a table, a figure and one JSON line per run in the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.runs.command import run_command
from benchmarks.runs.family_command import run_family
from benchmarks.runs.flags import (
    BatchSize,
    Damping,
    Device,
    Eigenvalues,
    Json,
    Listing,
    Measure,
    Numbers,
    Out,
    Precision,
    Rate,
    Scale,
    Seeds,
    Shard,
    Tune,
)
from benchmarks.sorting.family import SORTING

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def sorting(
    preset: Annotated[
        str | None,
        typer.Option(help="main | table1 | cauchy15 | figure4 | figure6 | runtimes | controls."),
    ] = None,
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
    temperature: Annotated[float | None, typer.Option(help="τ; by default the paper's.")] = None,
    steepness: Annotated[float | None, typer.Option(help="β; by default the paper's.")] = None,
    n: Annotated[int | None, typer.Option(help="Numbers in a set.")] = None,
    loss: Annotated[str | None, typer.Option(help="probability | exact.")] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Of operator and second derivative: field (the paper's) | ours."),
    ] = None,
    curvature: Annotated[str | None, typer.Option(help="none | hessian | fisher.")] = None,
    eigenvalues: Eigenvalues = None,
    damping: Damping = None,
    clip: Annotated[
        float | None, typer.Option(help="Longest output gradient of a sample, plain loss only.")
    ] = None,
    normalise: Annotated[
        bool | None,
        typer.Option("--normalise", help="Scale output gradients to length 1, plain loss only."),
    ] = None,
    lr: Rate = None,
    steps: Annotated[int | None, typer.Option(help="Steps of training.")] = None,
    batch_size: BatchSize = None,
    evaluation_sets: Annotated[int | None, typer.Option(help="Sets of the evaluation.")] = None,
    validate_every: Annotated[
        int | None, typer.Option(help="Steps between two validations.")
    ] = None,
    validation_sets: Annotated[int | None, typer.Option(help="Sets of the validation.")] = None,
    scale: Scale = None,
    seeds: Seeds = None,
    data: Annotated[str | None, typer.Option(help="digits | mnist14 (14x14) | mnist.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of mnist.npz or of the four IDX files (or .gz).")
    ] = None,
    precision: Precision = None,
    device: Device = "auto",
    out: Out = Path("results/sorting"),
    numbers: Numbers = "preset",
    tune: Tune = False,
    listing: Listing = False,
    measure: Measure = False,
    json: Json = False,
    shard: Shard = None,
) -> None:
    """Train ranking networks through relaxed sorting, with and without Newton losses.

    Without arguments: the main job. With --preset: all cells of that table or figure of the paper,
    at the paper's λ and rate. Beside it, --operator, --distribution, --n, --loss and --curvature
    select among the cells (as in --curvature none,fisher), and the other flags change the cells
    that they apply to. With any of the flags from --operator to --lr and no preset: that one cell,
    and the plain loss to compare it with.

    --steps, --batch-size, --evaluation-sets, --validate-every, --validation-sets, --scale, --seeds
    and --data change the size of whatever is run. Runs that have a line in the folder's runs.jsonl
    are skipped; a stopped run is resumed from its checkpoint. Several processes may share a folder.

    --tune runs the candidates on validation digits, with seeds of its own, prints what it chooses
    and writes it to chosen.json, which --lambda own reads.
    """
    run_family(SORTING, locals())  # The flags by name.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.sorting", arguments)
