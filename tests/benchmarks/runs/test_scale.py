"""From ``--scale`` to shares."""

from __future__ import annotations

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.runs.scale import Scale, parse_scale


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Scale()),
        ("0.1", Scale(steps=0.1)),
        ("steps=0.1", Scale(steps=0.1)),
        ("seeds=0.5", Scale(seeds=0.5)),
        ("steps=0.1, seeds=1", Scale(steps=0.1, seeds=1.0)),
    ],
)
def test_shares(text: str | None, expected: Scale) -> None:
    assert parse_scale(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "nan", "a", "0.1,0.2", "epochs=0.1", "seeds=", "0.1,steps=0.2"]
)
def test_bad_scales_are_named(text: str) -> None:
    with pytest.raises(InputError, match=r"--scale must be like 0\.1 or"):
        parse_scale(text)


def test_the_first_seeds_are_taken_and_at_least_one() -> None:
    assert Scale(seeds=0.21).first(range(10)) == [0, 1, 2]
    assert Scale(seeds=0.01).first([7, 8]) == [7]
    assert Scale().first([7, 8]) == [7, 8]
