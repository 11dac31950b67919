"""Batches: drawn a chunk ahead, the same whatever is done with them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from benchmarks.runs.randomness import generator
from benchmarks.sorting.batches import Batches
from benchmarks.sorting.digits import Digits


def batches(digits: Digits, seeds: tuple[int, ...], *, side_by_side: bool = False) -> Batches:
    generators = [generator(seed, "data") for seed in seeds]
    return Batches(digits, generators, 4, (3, 5), side_by_side=side_by_side)


@pytest.mark.parametrize("side_by_side", [False, True])
def test_steps_take_the_batches_of_the_chunk_in_turn(
    digits: Mapping[str, Digits], side_by_side: bool
) -> None:
    train = digits["train"]
    one = batches(train, (0, 1), side_by_side=side_by_side)
    one.draw()
    for indices in one.indices:
        images, labels = one.take()
        assert torch.equal(images, train.pictures(indices, side_by_side=side_by_side))
        assert torch.equal(labels, train.values(indices))


def test_the_buffers_stay_where_they_are(digits: Mapping[str, Digits]) -> None:
    """A captured step reads and writes them."""
    one = batches(digits["train"], (0,))
    places = []
    for _ in range(2):
        one.draw()
        places.append((one.indices.data_ptr(), one.take()[0].data_ptr(), one.take()[0].data_ptr()))
    assert places[0] == places[1]
    assert places[0][1] == places[0][2]


def test_a_seed_draws_what_it_draws_alone(digits: Mapping[str, Digits]) -> None:
    together, alone = batches(digits["train"], (3, 4)), batches(digits["train"], (4,))
    for _ in range(2):
        together.draw()
        alone.draw()
        assert torch.equal(together.indices[:, 1], alone.indices[:, 0])
