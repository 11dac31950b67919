"""The flags that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from benchmarks.runs.command import run_command
from benchmarks.runs.flags import (
    BatchSize,
    Damping,
    Device,
    Eigenvalues,
    Json,
    Listing,
    Numbers,
    Out,
    Rate,
    Scale,
    Seeds,
    Shard,
    Tune,
)


def test_each_flag_has_its_type() -> None:
    app, seen = typer.Typer(add_completion=False), []

    @app.command()
    def command(
        eigenvalues: Eigenvalues = None,
        damping: Damping = None,
        lr: Rate = None,
        batch_size: BatchSize = None,
        seeds: Seeds = None,
        device: Device = "auto",
        out: Out = Path("results"),
        tune: Tune = False,
        scale: Scale = None,
        numbers: Numbers = "preset",
        listing: Listing = False,
        json: Json = False,
        shard: Shard = None,
    ) -> None:
        seen.append(locals())

    arguments = "--eigenvalues raw --damping 1 --lr 1e-3 --batch-size 5 --seeds 0,2 --tune"
    arguments += " --scale 0.1 --lambda own --list --json --shard 1/2"
    assert run_command(app, "name", [*arguments.split(), "--device", "cpu", "--out", "a/b"]) == 0
    expected: dict[str, Any] = {
        "eigenvalues": "raw",
        "damping": 1.0,
        "lr": 1e-3,
        "batch_size": 5,
        "seeds": "0,2",
        "device": "cpu",
        "out": Path("a/b"),
        "tune": True,
        "scale": "0.1",
        "numbers": "own",
        "listing": True,
        "json": True,
        "shard": "1/2",
    }
    assert {name: seen[0][name] for name in expected} == expected
