"""From ``--shard`` to a part of the work."""

from __future__ import annotations

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.runs.shard import Shard, parse_shard


def test_the_shards_take_each_piece_once() -> None:
    work = list("abcdefg")
    parts = [parse_shard(f"{index}/3") for index in (1, 2, 3)]
    taken = [part.take(work) for part in parts if part is not None]
    assert sorted(piece for part in taken for piece in part) == work
    assert taken[0] == ["a", "d", "g"]
    assert str(parts[0]) == "1/3"


def test_without_a_shard_there_is_all_of_it() -> None:
    assert parse_shard(None) is None
    assert parse_shard("2/2") == Shard(2, 2)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "-1/2", "a/b", "1/2/3"])
def test_bad_shards_are_named(text: str) -> None:
    with pytest.raises(InputError, match="--shard must be i/k"):
        parse_shard(text)
