"""What the tests of the sorting benchmark share."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.sorting.digits import Digits, load_digits


@pytest.fixture(scope="session")
def digits() -> Mapping[str, Digits]:
    """scikit-learn's bundled digits."""
    return load_digits("digits", None)
