"""MNIST from your own files: the four IDX files or one ``mnist.npz``.

Nothing is downloaded, and nothing is unpickled: arrays of objects are refused.
"""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.runs.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

_NPZ_NAMES: Final = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
)
_IDX_NAMES: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_UNSIGNED_BYTE: Final = 0x08


def read_mnist(folder: Path) -> tuple[Array, Array, Array, Array]:
    """Training images and labels, test images and labels from ``folder``.

    Args:
        folder: holds ``mnist.npz`` (keys ``train_images``, ... or Keras's ``x_train``, ...), or the
            four IDX files under their published names, each also with ``.gz``.

    Returns:
        Images of shape `(M, 28, 28)` and labels of shape `(M,)`, all unsigned bytes.

    Raises:
        InputError: a file is missing, damaged or not what its name says.
    """
    if not folder.is_dir():
        raise InputError(f"--data-dir: {folder} is not a folder")
    archive = folder / "mnist.npz"
    arrays = _read_npz(archive) if archive.is_file() else _read_idx_files(folder)
    train_images, train_labels, test_images, test_labels = arrays
    _check_pair("training", train_images, train_labels, folder)
    _check_pair("test", test_images, test_labels, folder)
    return train_images, train_labels, test_images, test_labels


def _read_npz(path: Path) -> list[Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            for names in _NPZ_NAMES:
                if set(names) <= set(archive.files):
                    return [archive[name] for name in names]
            found = ", ".join(archive.files) or "nothing"
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be read as an npz file: {_first_line(error)}") from error
    raise InputError(f"{path} must hold {', '.join(_NPZ_NAMES[0])}; it holds {found}")


def _read_idx_files(folder: Path) -> list[Array]:
    paths = [_find(folder, name) for name in _IDX_NAMES]
    return [_read_idx(path) for path in paths]


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise InputError(f"{folder} holds neither mnist.npz nor {name} (nor {name}.gz)")


def _read_idx(path: Path) -> Array:
    """An array of unsigned bytes in the IDX format: magic, sizes (big-endian), data."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {_first_line(error)}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise InputError(f"{path} is not an IDX file of unsigned bytes")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise InputError(f"{path} ends within its header")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    if len(content) - start != math.prod(shape):
        raise InputError(
            f"{path} must hold {math.prod(shape)} bytes of data for its shape {shape}; "
            f"it holds {len(content) - start}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()


def _check_pair(part: str, images: Array, labels: Array, folder: Path) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise InputError(
            f"{folder}: the {part} images must be unsigned bytes of shape (M, 28, 28); "
            f"found {images.dtype} of shape {images.shape}"
        )
    if labels.shape != images.shape[:1] or len(labels) == 0 or labels.dtype.kind not in "ui":
        raise InputError(
            f"{folder}: the {part} labels must be {len(images)} integers; "
            f"found {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() > 9:
        raise InputError(f"{folder}: the {part} labels must be digits from 0 to 9")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
