"""The CPU as if it were a device: what is decided by the device alone is decided as on CUDA."""

from __future__ import annotations

import pytest

from newton_optim import _checks
from newton_optim.curvature import _matrices
from newton_optim.paths import _grid_shortest_path


def pretend_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """No value is checked, `|C|` is made of products, and a graph is being captured."""
    monkeypatch.setattr(_checks, "values_can_be_read", lambda tensor: False)
    monkeypatch.setattr(_matrices, "has_polar_factor", lambda device: True)
    monkeypatch.setattr(_grid_shortest_path, "must_not_read", lambda costs: True)
