"""Tables 7 and 8: their cells, and steps that take as long as theirs."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmarks.shortest_path.paper import FULL
from benchmarks.shortest_path.rehearsal import rehearse
from benchmarks.shortest_path.runtimes import paper_times


def test_the_tables_have_8_and_24_cells_with_their_plain_losses() -> None:
    rows = paper_times()
    configs = [row.config for row in rows]
    # A plain loss stands once in a table for each of its Newton losses.
    assert len(rows) == len(set(configs)) == 32
    assert {config.plain() for config in configs} <= set(configs)
    times = {row.name: row.time for row in rows}
    assert times["relaxed Bellman-Ford (for), L2² (β=10), NL (Fisher), λ=3000"] == "0:11"
    assert times["Fenchel-Young (σ=0.1, 30 samples), NL (Hessian), raw, λ=1000"] == "0:50"


def test_a_rehearsal_takes_whole_batches() -> None:
    config = replace(FULL, data="terrain", network="tiles", batch_size=3)
    one = rehearse(config, [7, 8], torch.device("cpu"))
    assert one.seeds == (7,)
    assert one.config.maps == 3
    assert one.seconds_per_step(2) > 0
