"""The command ``python -m benchmarks.inverse``.

With no argument it is the quick profile: a small network learns to fit IVIM decays, to move a
planar arm and to identify a damped oscillator, with the plain loss, with controls and with Newton
losses. It leaves tables, figures and one JSON line per run in the folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from benchmarks.inverse.chosen_numbers import read_numbers
from benchmarks.inverse.family import INVERSE
from benchmarks.inverse.presets import presets_with
from benchmarks.inverse.tuning import CHOSEN, trials_of, tune
from benchmarks.runs.checks import check_choice
from benchmarks.runs.command import run_command
from benchmarks.runs.device import select_device
from benchmarks.runs.errors import InputError
from benchmarks.runs.family_command import run_family
from benchmarks.runs.flags import (
    BatchSize,
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
from benchmarks.runs.listing import list_cells
from benchmarks.runs.plan import plan_cells, plan_notes
from benchmarks.runs.scale import parse_scale
from benchmarks.runs.seeds import plan_seeds
from benchmarks.runs.shard import parse_shard
from benchmarks.runs.work import Job

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def inverse(
    preset: Annotated[
        str | None, typer.Option(help="quick | evidence | noise | fields | comparison.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="decay | ivim | planar-arm | ur5-arm | oscillator | chain | poisson | dipole | "
            "wave."
        ),
    ] = None,
    snr: Annotated[
        float | None, typer.Option(help="Signal-to-noise ratio; by default the problem's.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="squared | prior (with residuals of the parameters).")
    ] = None,
    solver: Annotated[
        str | None, typer.Option(help="network | least-squares (each sample on its own).")
    ] = None,
    curvature: Annotated[
        str | None,
        typer.Option(help="none | hessian | fisher | gauss-newton | levenberg-marquardt."),
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="Of C: batch | sample | shared (C of samples, one λ).")
    ] = None,
    inner_steps: Annotated[
        int | None, typer.Option(help="Of Levenberg-Marquardt, before the network moves.")
    ] = None,
    eigenvalues: Eigenvalues = None,
    damping: Annotated[
        float | None, typer.Option(help="λ, relative to the mean eigenvalue.")
    ] = None,
    clip: Annotated[
        float | None, typer.Option(help="The longest gradient of a sample at the outputs.")
    ] = None,
    lr: Rate = None,
    factor: Annotated[
        int | None, typer.Option(help="How many times as many steps are trained.")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Of the network's hidden layers.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of training.")] = None,
    batch_size: BatchSize = None,
    evaluation_samples: Annotated[
        int | None, typer.Option(help="Held-out samples of each seed.")
    ] = None,
    scale: Scale = None,
    seeds: Seeds = None,
    data_dir: Annotated[Path | None, typer.Option(help="Not used: samples are drawn.")] = None,
    precision: Precision = None,
    device: Device = "cpu",
    out: Out = Path("results/inverse"),
    numbers: Numbers = "preset",
    tune: Tune = False,
    listing: Listing = False,
    measure: Measure = False,
    json: Json = False,
    shard: Shard = None,
) -> None:
    """Train a network to invert a model that can be simulated, with and without Newton losses.

    Without arguments: the quick profile. --preset evidence: the same problems and more at full
    length, with 8 seeds; noise: decays at four SNR, and with a prior; fields: larger problems.
    Beside a preset, --data, --snr, --loss and --curvature select among its cells. With any of the
    flags from --data to --factor and no preset: that one cell, and the plain loss to compare it
    with. --preset comparison trains nothing: it compares all runs of --out with the plain loss, at
    equal steps and at equal seconds, with corrected p-values.

    Runs that have a line in the folder's runs.jsonl are skipped; a stopped run is resumed from its
    checkpoint. Several processes may share a folder.

    --tune runs as many trials for each variant, on validation samples and seeds of its own, prints
    what it chooses and writes it to chosen.json, which --lambda own reads.
    """
    flags = locals()  # By name.
    with one_thread():
        run_inverse(flags)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes with one thread: the matrices are small, and seconds are comparable."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_inverse(flags: Mapping[str, Any]) -> None:
    """Like every family, but several numbers of a variant are chosen together."""
    if flags["tune"] and flags["preset"] not in INVERSE.drawings:
        print(_tune(flags))
        return
    family = INVERSE
    if flags["numbers"] == "own":
        numbers = read_numbers(flags["out"] / CHOSEN)
        if not numbers:
            raise InputError(f"--lambda own: no {CHOSEN} in {flags['out']}; run --tune first")
        family = replace(INVERSE, presets=presets_with(numbers))
        flags = {**flags, "numbers": "preset"}  # The numbers are in the presets now.
    run_family(family, flags)


def _tune(flags: Mapping[str, Any]) -> str:
    check_choice("lambda", flags["numbers"], ("preset", "own"))
    if flags["numbers"] == "own":
        raise InputError("--tune chooses numbers that --lambda own reads: give one of them")
    if flags["json"] and not flags["listing"]:
        raise InputError("--json goes with --list")
    if flags["measure"] and not flags["listing"]:
        raise InputError("--measure goes with --list")
    preset, scale = flags["preset"], parse_scale(flags["scale"])
    job = Job(
        family=INVERSE,
        name=preset or INVERSE.main_preset,
        cells=plan_cells(INVERSE, preset, flags),
        seeds=plan_seeds(INVERSE, preset, flags["seeds"], tune=True, scale=scale),
        device=select_device(flags["device"]),
        data_dir=flags["data_dir"],
        out=flags["out"],
        notes=plan_notes(INVERSE, preset, flags),
        shard=parse_shard(flags["shard"]),
    )
    if flags["listing"]:
        configs = [config for one in trials_of(job.cells) for config in one.configs]
        return list_cells(job, configs, as_json=flags["json"], measure=flags["measure"])
    return tune(job)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.inverse", arguments)
