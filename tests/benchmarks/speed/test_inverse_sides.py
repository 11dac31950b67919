"""The steps of an inverse problem that are timed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmarks.speed.inverse_sides import gauss_newton_sides, levenberg_marquardt_sides


@pytest.mark.parametrize("sides", [gauss_newton_sides, levenberg_marquardt_sides])
def test_both_sides_train_a_network(sides: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    original = torch.optim.Adam.step

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        gradients = [p.grad for group in self.param_groups for p in group["params"]]
        assert all(bool(torch.isfinite(g).all()) and bool(g.any()) for g in gradients)
        steps.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", counted)
    found = sides(4, 10, torch.device("cpu"))
    found.ours()
    found.peer()
    assert len(steps) == 2
    assert found.without is None
