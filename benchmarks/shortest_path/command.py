"""The command ``python -m benchmarks.shortest_path``.

With no argument it is the quick profile: a small network learns the costs of terrain maps from
their shortest paths alone, with plain losses and with their Newton losses. It leaves tables,
figures and one JSON line per run in the folder.
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
from benchmarks.shortest_path.family import SHORTEST_PATH

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def shortest_path(
    preset: Annotated[
        str | None, typer.Option(help="quick | table2 | table3 | figure3 | figure5 | runtimes.")
    ] = None,
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
    eigenvalues: Eigenvalues = None,
    damping: Damping = None,
    steepness: Annotated[
        float | None, typer.Option(help="β of the relaxed Bellman-Ford; by default 10.")
    ] = None,
    sigma: Annotated[float | None, typer.Option(help="σ of the noise; by default 0.1.")] = None,
    samples: Annotated[
        int | None, typer.Option(help="Samples of the noise for each map; by default 10.")
    ] = None,
    lr: Rate = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of training.")] = None,
    batch_size: BatchSize = None,
    maps: Annotated[int | None, typer.Option(help="Training maps that are used.")] = None,
    evaluation_maps: Annotated[int | None, typer.Option(help="Maps of the evaluation.")] = None,
    network: Annotated[
        str | None, typer.Option(help="resnet (the paper's) | tiles (a small one).")
    ] = None,
    scale: Scale = None,
    seeds: Seeds = None,
    data: Annotated[str | None, typer.Option(help="terrain | warcraft.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder that holds the folder 12x12 of the Warcraft set.")
    ] = None,
    precision: Precision = None,
    device: Device = "auto",
    out: Out = Path("results/shortest_path"),
    numbers: Numbers = "preset",
    tune: Tune = False,
    listing: Listing = False,
    measure: Measure = False,
    json: Json = False,
    shard: Shard = None,
) -> None:
    """Train a network through shortest paths, with and without Newton losses.

    Without arguments: the quick profile. With --preset: all cells of that table or figure of the
    paper, on the Warcraft set unless --data terrain is given, at the paper's λ and rate. Beside it,
    --loss, --curvature and --samples select among the cells (as in --curvature none,fisher;
    gauss-newton, and the Hessian of smoothing of the algorithm, only when they are named), and the
    other flags change the cells that they apply to. With any of the flags from --loss to --lr and
    no preset: that one cell, and the plain loss to compare it with.

    --epochs, --batch-size, --maps, --evaluation-maps, --network, --scale, --seeds and --data change
    the size of whatever is run. Runs that have a line in the folder's runs.jsonl are skipped; a
    stopped run is resumed from its checkpoint. Several processes may share a folder.

    --tune runs the candidates on validation maps, with seeds of its own, prints what it chooses and
    writes it to chosen.json, which --lambda own reads.
    """
    run_family(SHORTEST_PATH, locals())  # The flags by name.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.shortest_path", arguments)
