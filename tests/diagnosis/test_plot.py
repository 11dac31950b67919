"""The plot: what is on the lines, where the step ends, and that Matplotlib stays optional."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from newton_optim import Hessian, Identity
from newton_optim._diagnosis._plot import line_along, lines, plot_loss, worst_direction
from tests.asserts import assert_close
from tests.diagnosis.losses import normal, once_differentiable, probe_of, squared_distance

WEIGHTS = (3.0, 1.0, -2.0)


def saddle(y: torch.Tensor) -> torch.Tensor:
    """Bounded from below, unlike most saddles."""
    return (0.5 * y.new_tensor(WEIGHTS) * y.square() + 0.001 * y**4).sum(dim=1)


@pytest.mark.parametrize(("sign", "axis"), [(1.0, 2), (-1.0, 0)])
def test_the_worst_direction(sign: float, axis: int) -> None:
    """The most negative eigenvalue: -2 of (3, 1, -2), and -3 with the other sign."""
    probe = probe_of(lambda y: sign * saddle(y), 0.1 * normal(0, 8, 3))
    worst = worst_direction(probe, has_hessian=True)
    assert worst.abs().argmax() == axis
    assert worst.norm().item() == pytest.approx(1.0)


def test_the_worst_direction_is_the_stiffest_or_that_of_the_fisher() -> None:
    y = normal(0, 8, 3) * torch.tensor([1.0, 5.0, 1.0])
    stiff = probe_of(lambda y: (y.new_tensor([1.0, 2.0, 9.0]) * y.square()).sum(dim=1), y)
    assert worst_direction(stiff, has_hessian=True).abs().argmax() == 2
    once = probe_of(once_differentiable, y, as_tensor=True)
    assert worst_direction(once, has_hessian=False).abs().argmax() == 1


def test_a_line() -> None:
    y, t = normal(0, 6, 3), normal(1, 6, 3)
    direction = normal(2, 6, 3)
    line = line_along(direction, probe_of(squared_distance, y, t), y - t)
    unit = (direction / direction.norm(dim=1, keepdim=True)).cpu().numpy()
    d = (y - t).cpu().numpy()
    unit *= -np.sign((unit * d).sum(axis=1, keepdims=True))  # Downhill.
    values = [0.5 * ((d + s * unit) ** 2).sum() / 6 for s in line.positions]
    np.testing.assert_allclose(line.values, values, rtol=1e-4)
    # Of a quadratic, the Newton step ends where the line is lowest.
    assert line.step_end == pytest.approx(line.positions[int(np.argmin(line.values))])
    assert 0.0 in line.positions
    assert line.positions == sorted(line.positions)
    assert line.positions[0] < -line.step_end / 2
    assert line.positions[-1] > line.step_end


def test_both_lines_start_at_the_outputs() -> None:
    y = normal(0, 8, 3)
    probe = probe_of(saddle, y)
    step = probe.step(y, Hessian(), None)
    for line in lines(probe, step, has_hessian=True).values():
        start = line.values[line.positions.index(0.0)]
        assert_close(start, saddle(y.double()).mean(), torch.float32)
        assert line.values[line.positions.index(line.step_end)] < start


def test_positions_outside_of_the_domain_have_no_value() -> None:
    def within(y: torch.Tensor) -> torch.Tensor:
        if y.abs().max() > 1.0:
            raise RuntimeError("outside")
        return y.square().sum(dim=1)

    y = torch.full((4, 2), 0.9)
    probe = probe_of(within, y)
    line = line_along(-y, probe, 0.1 * y)
    outside = [math.isnan(value) for value in line.values]
    assert outside == [t < -0.1 * 2**0.5 for t in line.positions]
    assert plot_loss(probe, Identity(), 0.0, has_hessian=True).axes


def test_a_figure() -> None:
    probe = probe_of(saddle, normal(0, 8, 3))
    figure = plot_loss(probe, Hessian(), None, has_hessian=True)
    assert [axes.get_title() for axes in figure.axes] == [
        "a random direction",
        "the worst direction",
    ]
    for axes in figure.axes:
        labels = [line.get_label() for line in axes.lines]
        assert labels == ["loss", "outputs", "after the step"]


def test_the_default_device_does_not_matter() -> None:
    y = normal(0, 8, 3)
    probe = probe_of(saddle, y)
    expected = lines(probe, y, has_hessian=True)
    with torch.device("meta"):
        assert lines(probe, y, has_hessian=True) == expected
        assert plot_loss(probe, Hessian(), None, has_hessian=True).axes


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = probe_of(saddle, normal(0, 4, 3))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'newton_optim\[plot\]'") as caught:
        plot_loss(probe, Hessian(), None, has_hessian=True)
    assert caught.value.__cause__ is not None


def test_matplotlib_is_not_imported_with_the_library() -> None:
    code = "import sys, newton_optim; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
