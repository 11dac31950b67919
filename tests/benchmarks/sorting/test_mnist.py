"""MNIST's files: written by the tests, read as they are, refused when damaged."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.runs.errors import InputError
from benchmarks.sorting.mnist import Array, read_mnist

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_NAMES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def small_mnist(train: int = 7, test: int = 5) -> tuple[Array, Array, Array, Array]:
    random = np.random.default_rng(0)
    parts: list[Array] = []
    for size in (train, test):
        parts.append(random.integers(0, 256, (size, 28, 28)).astype(np.uint8))
        parts.append(random.integers(0, 10, size).astype(np.uint8))
    return parts[0], parts[1], parts[2], parts[3]


def idx(array: Array) -> bytes:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder: Path, *, packed: bool = False) -> tuple[Array, Array, Array, Array]:
    parts = small_mnist()
    for name, array in zip((*NAMES, *TEST_NAMES), parts, strict=True):
        content = idx(array)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return parts


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files(tmp_path: Path, packed: bool) -> None:
    written = write_idx(tmp_path, packed=packed)
    for found, expected in zip(read_mnist(tmp_path), written, strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("x_train", "y_train", "x_test", "y_test"),
    ],
)
def test_npz(tmp_path: Path, names: tuple[str, ...]) -> None:
    written = small_mnist()
    np.savez(tmp_path / "mnist.npz", **dict(zip(names, written, strict=True)))
    for found, expected in zip(read_mnist(tmp_path), written, strict=True):
        assert np.array_equal(found, expected)


def damage_length(folder: Path) -> None:
    path = folder / NAMES[0]
    path.write_bytes(path.read_bytes()[:-3])


def damage_header(folder: Path) -> None:
    (folder / NAMES[1]).write_bytes(b"\0\0\x08\x01\0")


def damage_magic(folder: Path) -> None:
    (folder / NAMES[1]).write_bytes(b"<html>not found</html>")


def remove_one(folder: Path) -> None:
    (folder / TEST_NAMES[1]).unlink()


def wrong_labels(folder: Path) -> None:
    (folder / NAMES[1]).write_bytes(idx(np.full(7, 11, dtype=np.uint8)))


def too_few_labels(folder: Path) -> None:
    (folder / NAMES[1]).write_bytes(idx(np.zeros(6, dtype=np.uint8)))


def flat_images(folder: Path) -> None:
    (folder / NAMES[0]).write_bytes(idx(np.zeros((7, 784), dtype=np.uint8)))


def broken_gzip(folder: Path) -> None:
    (folder / NAMES[0]).unlink()
    (folder / f"{NAMES[0]}.gz").write_bytes(b"\x1f\x8bnonsense")


def text_as_npz(folder: Path) -> None:
    (folder / "mnist.npz").write_text("not an archive")


def objects_in_npz(folder: Path) -> None:
    images = np.array([{"a": 1}], dtype=object)
    np.savez(
        folder / "mnist.npz",
        train_images=images,
        train_labels=images,
        test_images=images,
        test_labels=images,
    )


def foreign_npz(folder: Path) -> None:
    np.savez(folder / "mnist.npz", something=np.zeros(3))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_length, r"must hold 5488 bytes .* it holds 5485"),
        (damage_header, "ends within its header"),
        (damage_magic, "not an IDX file"),
        (remove_one, "holds neither mnist.npz nor t10k-labels"),
        (wrong_labels, "digits from 0 to 9"),
        (too_few_labels, "labels must be 7 integers"),
        (flat_images, r"of shape \(M, 28, 28\)"),
        (broken_gzip, "cannot be read"),
        (text_as_npz, "cannot be read as an npz file"),
        (objects_in_npz, "cannot be read as an npz file"),
        (foreign_npz, "it holds something"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, damage: object, message: str) -> None:
    write_idx(tmp_path)
    assert callable(damage)
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        read_mnist(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_mnist(tmp_path / "nowhere")
