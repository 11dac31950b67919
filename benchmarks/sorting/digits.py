"""Digits, and the four-digit numbers that are made of them.

A number is four images of digits side by side; a sample is a set of n numbers, and the task is to
sort it. The digits of training, validation and test are disjoint: λ and rates are chosen on the
validation digits, what is reported is measured on the test digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.runs.config import SPLITS
from benchmarks.runs.errors import InputError
from benchmarks.runs.randomness import generator
from benchmarks.sorting.mnist import read_mnist

DIGITS_PER_NUMBER: Final = 4
_MNIST_VALIDATION: Final = 5_000


@dataclass(frozen=True)
class Digits:
    """Images of single digits with their labels.

    Args:
        images: shape `(M, H, W)`, float32.
        labels: the digits, shape `(M,)`.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Digits:
        """The same digits, resident on ``device``."""
        return Digits(self.images.to(device), self.labels.to(device))

    def pictures(
        self, indices: Tensor, *, side_by_side: bool = False, out: Tensor | None = None
    ) -> Tensor:
        """The images of the numbers made of the digits at ``indices``, by one gather.

        Args:
            indices: shape `(..., 4)`, most significant digit first.
            side_by_side: whether a number is one image: a row of it after another.
            out: to write them to, of the shape that is returned.

        Returns:
            Shape `(..., 4, H, W)`, or `(..., H, 4, W)` side by side.
        """
        H, W = self.images.shape[1:]
        if side_by_side:
            rows = torch.arange(H, device=indices.device)
            indices = indices.unsqueeze(-2) * H + rows.unsqueeze(-1)  # (..., H, 4)
            source = self.images.view(-1, W)
        else:
            source = self.images
        shape = (*indices.shape, *source.shape[1:])
        flat = indices.flatten()
        if out is None:
            return source.index_select(0, flat).view(shape)
        torch.index_select(source, 0, flat, out=out.view(-1, *source.shape[1:]))
        return out

    def values(self, indices: Tensor) -> Tensor:
        """The numbers themselves, shape `(...)` in float32, for indices `(..., 4)`."""
        digits = self.labels.index_select(0, indices.flatten()).view(indices.shape)
        values = digits[..., 0]
        for position in range(1, DIGITS_PER_NUMBER):
            values = values * 10 + digits[..., position]
        return values.float()


def load_digits(data: str, folder: Path | None) -> dict[str, Digits]:
    """The digits of ``data`` in their three disjoint parts.

    Args:
        data: ``"digits"`` (scikit-learn's bundled 8×8 digits: 70 % train, 10 % validation, 20 %
            test), ``"mnist"`` (the last 5,000 training images are the validation part), or
            ``"mnist14"``, the same at half the resolution, by means of 2×2 pixels.
        folder: where the files of MNIST are.

    Returns:
        The parts ``"train"``, ``"validation"`` and ``"test"``.

    Raises:
        InputError: the files are missing or damaged.
    """
    return _scikit_digits() if data == "digits" else _mnist(data, folder)


def _scikit_digits() -> dict[str, Digits]:
    from sklearn.datasets import load_digits as load_bundled

    bundled = load_bundled()
    images = torch.from_numpy(np.asarray(bundled.images, dtype=np.float32) / 16)
    labels = torch.from_numpy(np.asarray(bundled.target, dtype=np.int64))
    # One split for all seeds; shuffled, since the bundled digits are ordered by writer.
    order = torch.randperm(len(labels), generator=generator(0, "split"), device="cpu")
    train, validation, test = order.split([len(labels) - 180 - 360, 180, 360])
    parts = zip(SPLITS, (train, validation, test), strict=True)
    return {name: Digits(images[part], labels[part]) for name, part in parts}


def _mnist(data: str, folder: Path | None) -> dict[str, Digits]:
    if folder is None:
        raise InputError(f"--data {data} needs --data-dir, the folder of its files")
    train_images, train_labels, test_images, test_labels = read_mnist(folder)
    if len(train_labels) <= _MNIST_VALIDATION:
        raise InputError(f"{folder}: fewer than {_MNIST_VALIDATION + 1} training images")
    cut = len(train_labels) - _MNIST_VALIDATION
    parts = (
        (train_images[:cut], train_labels[:cut]),
        (train_images[cut:], train_labels[cut:]),
        (test_images, test_labels),
    )
    return {
        name: Digits(
            _pixels(images, halved=data == "mnist14"), torch.from_numpy(labels.astype(np.int64))
        )
        for name, (images, labels) in zip(SPLITS, parts, strict=True)
    }


def _pixels(images: np.ndarray, *, halved: bool) -> Tensor:
    """Bytes divided by 255, and nothing else done to them but to halve the resolution."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).float() / 255
    return F.avg_pool2d(pixels.unsqueeze(1), 2).squeeze(1) if halved else pixels


def evaluation_sets(digits: Digits, n: int, sets: int) -> Tensor:
    """The indices of the fixed sets that are sorted for evaluation, shape `(sets, n, 4)`.

    They depend on nothing but the digits, n and their count: the same for every seed and variant.
    """
    shape = (sets, n, DIGITS_PER_NUMBER)
    return torch.randint(len(digits), shape, generator=generator(0, "evaluation"), device="cpu")
