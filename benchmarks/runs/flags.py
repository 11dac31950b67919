"""The flags that the commands of all families share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Eigenvalues = Annotated[
    str | None, typer.Option(help="Of the Hessian: raw (the paper) | absolute | clamp.")
]
Damping = Annotated[float | None, typer.Option(help="λ; by default the library's own.")]
Rate = Annotated[float | None, typer.Option(help="Adam's rate at the start of training.")]
BatchSize = Annotated[int | None, typer.Option(help="Training examples in a batch.")]
Seeds = Annotated[str | None, typer.Option(help="Such as 0-7, or 0,2,5.")]
Device = Annotated[str, typer.Option(help="auto | cpu | cuda.")]
Out = Annotated[Path, typer.Option(help="Folder for lines, tables and figures.")]
Tune = Annotated[
    bool, typer.Option("--tune", help="Try the candidates for λ and other tuned numbers instead.")
]
