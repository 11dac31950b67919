"""Table 6: its cells, and steps that take as long as theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.sorting.paper import TABLE1
from benchmarks.sorting.rehearsal import rehearse
from benchmarks.sorting.runtimes import paper_times

CPU = torch.device("cpu")


def test_table_6_has_18_cells_with_their_plain_losses() -> None:
    rows = paper_times()
    configs = [row.config for row in rows]
    assert len(set(configs)) == 18
    assert {config.plain() for config in configs} <= set(configs)
    assert {config.distribution for config in configs} == {None, "cauchy"}
    times = {row.name: row.time for row in rows}
    assert times["odd-even network, cauchy (β=100), n=10, NL (Hessian), raw, λ=0.1"] == "6:17"
    assert times["SoftSort (τ=0.1), n=5, plain"] == "1:01"


@pytest.mark.parametrize("data", ["digits", "mnist14"])
def test_a_rehearsal_takes_steps_of_the_same_size(data: str) -> None:
    config = replace(TABLE1, data=data, batch_size=3)
    one = rehearse(config, [0, 1], CPU)
    assert one.seeds == (0, 1)
    assert one.batches.indices.shape[1:] == (2, 3, 5, 4)
    assert one.seconds_per_step(2) > 0


def test_of_the_papers_network_one_seed_is_enough() -> None:
    one = rehearse(replace(TABLE1, batch_size=1), [4, 5], CPU)
    assert one.seeds == (4,)
    assert one.seconds_per_step(1) > 0
