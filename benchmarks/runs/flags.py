"""The flags that the commands of all families share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Eigenvalues = Annotated[
    str | None, typer.Option(help="Of the Hessian: raw (the paper) | absolute | clamp.")
]
Damping = Annotated[float | None, typer.Option(help="λ; by default the library's own.")]
Precision = Annotated[str | None, typer.Option(help="Of the network: fp32 | tf32 | bf16.")]
Rate = Annotated[float | None, typer.Option(help="Adam's rate at the start of training.")]
BatchSize = Annotated[int | None, typer.Option(help="Training examples in a batch.")]
Seeds = Annotated[str | None, typer.Option(help="Such as 0-7, or 0,2,5.")]
Device = Annotated[str, typer.Option(help="auto | cpu | cuda.")]
Out = Annotated[Path, typer.Option(help="Folder for lines, tables and figures.")]
Scale = Annotated[
    str | None,
    typer.Option(help="Share of the steps, such as 0.1, or steps=0.1,seeds=0.3."),
]
Tune = Annotated[
    bool,
    typer.Option("--tune", help="Choose λ and other tuned numbers among their candidates instead."),
]
Numbers = Annotated[
    str,
    typer.Option(
        "--lambda", help="preset (of the tables: the paper's) | own (those that --tune chose)."
    ),
]
Listing = Annotated[
    bool, typer.Option("--list", help="List the cells and the time that is left; train nothing.")
]
Measure = Annotated[
    bool,
    typer.Option(
        "--measure", help="With --list: take ten steps, on made-up data, where nothing has run."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="With --list: one JSON object per line.")]
Shard = Annotated[
    str | None, typer.Option(help="i/k: do the i-th of k parts of the work, without tables.")
]
