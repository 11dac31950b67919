"""The files of the Warcraft set: written and read back, all or none, refused when damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.warcraft import Array, Maps, read_warcraft, write_warcraft

NAMES = [
    f"{part}_{kind}.npy"
    for part in ("train", "val", "test")
    for kind in ("maps", "vertex_weights", "shortest_paths")
]


def small_maps(count: int, seed: int = 0) -> Maps:
    """Anything that has the format."""
    random = np.random.default_rng(seed)
    paths = random.integers(0, 2, (count, 12, 12), dtype=np.uint8)
    paths[:, 0, 0] = paths[:, -1, -1] = 1
    return Maps(
        random.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8),
        random.uniform(0.8, 9.2, (count, 12, 12)).astype(np.float16),
        paths,
    )


def small_parts() -> dict[str, Maps]:
    return {"train": small_maps(4, 0), "validation": small_maps(2, 1), "test": small_maps(3, 2)}


def same(first: Maps, second: Maps) -> bool:
    pairs = zip(first.arrays().values(), second.arrays().values(), strict=True)
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)


def test_the_layout_is_the_published_one(tmp_path: Path) -> None:
    written = small_parts()
    write_warcraft(tmp_path / "deep" / "er", written)
    folder = tmp_path / "deep" / "er" / "12x12"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert [path.name for path in folder.parent.iterdir()] == ["12x12"]
    for prefix, part in (("train", "train"), ("val", "validation"), ("test", "test")):
        # NumPy's own reading, as published loaders do it.
        assert np.array_equal(np.load(folder / f"{prefix}_maps.npy"), written[part].images)
        weights = np.load(folder / f"{prefix}_vertex_weights.npy")
        assert weights.dtype == np.float16
        assert np.array_equal(weights, written[part].weights)
        paths = np.load(folder / f"{prefix}_shortest_paths.npy")
        assert paths.dtype == np.uint8
        assert np.array_equal(paths, written[part].paths)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = small_parts()
    write_warcraft(tmp_path, written)
    found = read_warcraft(tmp_path)
    assert list(found) == ["train", "validation", "test"]
    assert all(same(found[part], maps) for part, maps in written.items())


def test_files_of_a_set_are_never_overwritten(tmp_path: Path) -> None:
    write_warcraft(tmp_path, small_parts())
    other = {part: small_maps(1, 9) for part in small_parts()}
    with pytest.raises(InputError, match="12x12 exists already"):
        write_warcraft(tmp_path, other)
    assert same(read_warcraft(tmp_path)["train"], small_parts()["train"])


@pytest.mark.parametrize("successes", [0, 4, 8])
def test_a_write_that_stops_halfway_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, successes: int
) -> None:
    save, calls = np.save, 0

    def save_some(path: Path, array: Array, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > successes:
            raise OSError("no space left")
        save(path, array, **options)

    monkeypatch.setattr(np, "save", save_some)
    with pytest.raises(OSError, match="no space left"):
        write_warcraft(tmp_path, small_parts())
    assert list(tmp_path.iterdir()) == []


def test_one_renaming_puts_all_files_in_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Path, target: Path) -> None:
        assert target == tmp_path / "12x12"
        assert not target.exists()
        assert sorted(path.name for path in self.iterdir()) == sorted(NAMES)
        assert self.parent == target.parent  # Within one file system, it is one operation.
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        write_warcraft(tmp_path, small_parts())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", [NAMES[0], NAMES[4], NAMES[8], None])
def test_missing_files_are_named_with_the_way_out(tmp_path: Path, missing: str | None) -> None:
    if missing is not None:
        write_warcraft(tmp_path, small_parts())
        (tmp_path / "12x12" / missing).unlink()
    with pytest.raises(InputError) as raised:
        read_warcraft(tmp_path)
    text = str(raised.value)
    assert text.startswith(str(tmp_path / "12x12" / (missing or NAMES[0])))
    assert "12x12/{train,val,test}_{maps,vertex_weights,shortest_paths}.npy" in text
    assert "10.17617/3.YJCQ5S" in text
    assert "--data terrain" in text
    assert "\n" not in text


def as_text(path: Path) -> None:
    path.write_text("<html>not found</html>")


def as_nothing(path: Path) -> None:
    path.write_bytes(b"")


def as_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def as_objects(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def as_archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, something=np.zeros(3))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [as_text, as_nothing, as_half, as_objects, as_archive])
@pytest.mark.parametrize("name", [NAMES[0], NAMES[7]])
def test_damaged_files_are_named(tmp_path: Path, damage: Callable[[Path], None], name: str) -> None:
    write_warcraft(tmp_path, small_parts())
    damage(tmp_path / "12x12" / name)
    with pytest.raises(InputError, match=rf"{name} cannot be read as an npy file: .") as raised:
        read_warcraft(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_folder_in_the_place_of_a_file_is_missing_it(tmp_path: Path) -> None:
    write_warcraft(tmp_path, small_parts())
    as_folder(tmp_path / "12x12" / NAMES[3])
    with pytest.raises(InputError, match=r"val_maps\.npy is missing"):
        read_warcraft(tmp_path)


@given(st.binary(min_size=1, max_size=8), st.integers(0, 127))
def test_a_damaged_header_is_named_or_read_as_it_is(
    tmp_path: Path, content: bytes, position: int
) -> None:
    """Whatever stands in a header: an error of one line, or arrays of the format."""
    if not (tmp_path / "12x12").exists():
        write_warcraft(tmp_path, small_parts())
    path = tmp_path / "12x12" / "val_shortest_paths.npy"
    intact = path.read_bytes()
    path.write_bytes(intact[:position] + content + intact[position + len(content) :])
    try:
        outcome = str(len(read_warcraft(tmp_path)["validation"]))
    except InputError as error:
        outcome = str(error)
    finally:
        path.write_bytes(intact)
    assert outcome == "2" or (str(tmp_path) in outcome and "\n" not in outcome)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((3, 96, 96), np.uint8)}, r"maps must be uint8 of shape \(N, 96, 96"),
        ({"images": np.zeros((3, 96, 96, 3), np.float32)}, "maps must be uint8 .*found float32"),
        ({"images": np.uint8(3)}, r"maps must be .*of shape \(\)"),
        ({"weights": np.ones((3, 12, 12), np.float32)}, "vertex_weights must be float16"),
        ({"weights": np.ones((2, 12, 12), np.float16)}, r"found float16 of shape \(2, 12, 12\)"),
        ({"weights": np.ones((3, 18, 18), np.float16)}, r"\(N, 12, 12\).*\(3, 18, 18\)"),
        ({"paths": np.ones((3, 144), np.uint8)}, "shortest_paths must be uint8"),
        ({"paths": np.ones((3, 12, 12), bool)}, "shortest_paths must be uint8.*found bool"),
        ({"weights": np.full((3, 12, 12), np.nan, np.float16)}, "finite and above 0"),
        ({"weights": np.full((3, 12, 12), np.inf, np.float16)}, "finite and above 0"),
        ({"weights": np.zeros((3, 12, 12), np.float16)}, "finite and above 0"),
        ({"paths": np.full((3, 12, 12), 2, np.uint8)}, "must be 0 or 1"),
        ({"paths": np.zeros((3, 12, 12), np.uint8)}, "1 at both ends"),
    ],
)
def test_arrays_of_another_format_are_refused(change: dict[str, Array], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(small_maps(3), **change)


def test_a_set_without_maps_is_refused() -> None:
    maps = small_maps(2)
    empty = {field: getattr(maps, field)[:0] for field in ("images", "weights", "paths")}
    with pytest.raises(InputError, match="N at least 1"):
        Maps(**empty)


def test_files_of_another_format_are_named(tmp_path: Path) -> None:
    write_warcraft(tmp_path, small_parts())
    np.save(tmp_path / "12x12" / "val_vertex_weights.npy", np.ones((2, 12, 12)))
    with pytest.raises(InputError, match="12x12, val_maps: vertex_weights must be float16"):
        read_warcraft(tmp_path)
