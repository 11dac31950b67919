"""Digits, their split, and the numbers made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.runs.config import SPLITS
from benchmarks.runs.errors import InputError
from benchmarks.sorting.digits import Digits, evaluation_sets, load_digits
from tests.benchmarks.sorting.test_mnist import small_mnist


def test_bundled_digits_are_split_into_disjoint_parts() -> None:
    parts = load_digits("digits", None)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 1257,
        "validation": 180,
        "test": 360,
    }
    images = torch.cat([parts[name].images for name in SPLITS]).flatten(1)
    assert len(images.unique(dim=0)) == 1797  # No image is in two parts.
    assert images.min() == 0.0
    assert images.max() == 1.0


def test_the_split_is_always_the_same() -> None:
    first, second = (load_digits("digits", None)["test"].labels for _ in range(2))
    assert torch.equal(first, second)


def test_numbers_put_the_most_significant_digit_first() -> None:
    images = torch.arange(10.0).view(10, 1, 1).expand(10, 8, 8)
    digits = Digits(images, torch.arange(10))
    indices = torch.tensor([[4, 0, 7, 1], [0, 0, 0, 9]])
    pictures = digits.pictures(indices)
    assert digits.values(indices).tolist() == [4071.0, 9.0]
    assert pictures.shape == (2, 4, 8, 8)
    assert torch.equal(pictures[..., 0, 0].long(), indices)


def test_side_by_side_they_are_one_image_written_where_it_is_asked_for() -> None:
    digits = Digits(torch.rand(10, 28, 28), torch.arange(10))
    indices = torch.randint(10, (2, 3, 4))
    apart = digits.pictures(indices)
    buffer = torch.zeros(2, 3, 28, 4, 28)
    together = digits.pictures(indices, side_by_side=True, out=buffer)
    assert together is buffer
    assert torch.equal(together.flatten(-2), torch.cat(list(apart.unbind(-3)), dim=-1))


def test_bytes_are_divided_by_255_and_nothing_else(tmp_path: Path) -> None:
    arrays = small_mnist(train=5_010)
    names = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(tmp_path / "mnist.npz", **dict(zip(names, arrays, strict=True)))
    expected = arrays[2].astype("float32") / 255
    assert torch.equal(load_digits("mnist", tmp_path)["test"].images, torch.from_numpy(expected))
    half = expected.reshape(-1, 14, 2, 14, 2).mean((2, 4))
    found = load_digits("mnist14", tmp_path)["test"].images
    torch.testing.assert_close(found, torch.from_numpy(half))


def test_evaluation_sets_are_fixed() -> None:
    digits = load_digits("digits", None)["test"]
    first, second = (evaluation_sets(digits, 5, 30) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (30, 5, 4)
    assert first.max() < 360


def test_mnist_keeps_the_last_training_images_for_validation(tmp_path: Path) -> None:
    names = ("train_images", "train_labels", "test_images", "test_labels")
    arrays = dict(zip(names, small_mnist(train=5_010), strict=True))
    np.savez(tmp_path / "mnist.npz", **arrays)
    parts = load_digits("mnist", tmp_path)
    assert [len(parts[name]) for name in SPLITS] == [10, 5_000, 5]
    assert parts["train"].labels.tolist() == arrays["train_labels"][:10].tolist()
    assert parts["validation"].labels.tolist() == arrays["train_labels"][10:].tolist()


def test_mnist_needs_its_folder_and_enough_images(tmp_path: Path) -> None:
    for data in ("mnist", "mnist14"):
        with pytest.raises(InputError, match=f"--data {data} needs --data-dir"):
            load_digits(data, None)
    names = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(tmp_path / "mnist.npz", **dict(zip(names, small_mnist(), strict=True)))
    with pytest.raises(InputError, match="fewer than 5001"):
        load_digits("mnist", tmp_path)
