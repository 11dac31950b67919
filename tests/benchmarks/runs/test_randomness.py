"""The streams of random numbers."""

from __future__ import annotations

import torch

from benchmarks.runs.randomness import STREAMS, generator


def test_streams_and_seeds_differ_from_each_other() -> None:
    drawn = [
        tuple(torch.randint(2**31, (4,), generator=generator(seed, stream), device="cpu").tolist())
        for seed in range(5)
        for stream in STREAMS
    ]
    assert len(set(drawn)) == len(drawn)


def test_a_stream_starts_at_the_same_place_every_time() -> None:
    first, second = (torch.rand(3, generator=generator(7, "data"), device="cpu") for _ in range(2))
    assert torch.equal(first, second)
