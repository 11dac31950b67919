"""The plot: what is on the lines, where the step ends, and that Matplotlib stays optional."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from newton_optim import diagnose
from newton_optim._diagnosis._plot import Line, lines, worst_direction
from tests.asserts import assert_close
from tests.diagnosis.losses import normal, once_differentiable, probe_of, squared_distance

WEIGHTS = (3.0, 1.0, -2.0)


def saddle(y: torch.Tensor) -> torch.Tensor:
    """Bounded from below, unlike most saddles."""
    return (0.5 * y.new_tensor(WEIGHTS) * y.square() + 0.001 * y**4).sum(dim=1)


@pytest.mark.parametrize(("sign", "axis"), [(1.0, 2), (-1.0, 0)])
def test_the_worst_direction(sign: float, axis: int) -> None:
    """The most negative eigenvalue: -2 of (3, 1, -2), and -3 with the other sign."""
    y = 0.1 * normal(0, 8, 3)
    probe = probe_of(lambda y: sign * saddle(y), y)
    found = probe.derivatives(y)
    worst = worst_direction(diagnose(probe.loss_fn, y), probe, found)
    assert worst.abs().argmax() == axis
    assert worst.norm().item() == pytest.approx(1.0)


def test_the_worst_direction_is_the_stiffest_or_that_of_the_fisher() -> None:
    y = normal(0, 8, 3) * torch.tensor([1.0, 5.0, 1.0])
    stiff = probe_of(lambda y: (y.new_tensor([1.0, 2.0, 9.0]) * y.square()).sum(dim=1), y)
    worst = worst_direction(diagnose(stiff.loss_fn, y), stiff, stiff.derivatives(y))
    assert worst.abs().argmax() == 2
    once = probe_of(once_differentiable, y, form="tensor")
    worst = worst_direction(diagnose(once.loss_fn, y), once, once.derivatives(y))
    assert worst.abs().argmax() == 1


def test_a_line() -> None:
    y, t = normal(0, 6, 3), normal(1, 6, 3)
    probe = probe_of(squared_distance, y, t)
    found = probe.derivatives(y)
    direction = normal(2, 6, 3)
    line = Line(probe, y, found, y - t, direction)
    unit = (direction / direction.norm(dim=1, keepdim=True)).cpu().numpy()
    d = (y - t).cpu().numpy()
    unit *= -np.sign((unit * d).sum(axis=1, keepdims=True))  # Downhill.
    values = [0.5 * ((d + s * unit) ** 2).sum() / 6 for s in line.position]
    np.testing.assert_allclose(line.value, values, rtol=1e-4)
    # Of a quadratic, the Newton step ends where the line is lowest.
    assert line.newton == pytest.approx(line.position[int(np.argmin(line.value))])
    assert 0.0 in line.position
    assert line.position[0] < -line.newton / 2
    assert line.position[-1] > line.newton


def test_both_lines_start_at_the_outputs() -> None:
    y = normal(0, 8, 3)
    d = diagnose(saddle, y)
    for line in lines(d, d._probe).values():
        start = line.value[line.position.index(0.0)]
        assert_close(start, saddle(y.double()).mean(), torch.float32)
        assert line.value[line.position.index(line.newton)] < start


def test_a_figure() -> None:
    figure = diagnose(saddle, normal(0, 8, 3)).plot()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["a random direction", "the worst direction"]
    for axes in figure.axes:
        labels = [line.get_label() for line in axes.lines]
        assert labels == ["loss", "outputs", "after the step"]


def test_positions_outside_of_the_domain_are_left_out() -> None:
    def within(y: torch.Tensor) -> torch.Tensor:
        if y.abs().max() > 1.0:
            raise RuntimeError("outside")
        return y.square().sum(dim=1)

    y = torch.full((4, 2), 0.9)
    assert diagnose(within, y).plot().axes


def test_nothing_to_plot() -> None:
    d = diagnose(lambda y: y.argmax(dim=1), normal(0, 4, 3))
    with pytest.raises(ValueError, match="loss must have a finite gradient to be plotted"):
        d.plot()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    d = diagnose(saddle, normal(0, 4, 3))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "newton_optim\[benchmarks\]"') as caught:
        d.plot()
    assert caught.value.__cause__ is not None


def test_matplotlib_is_not_imported_with_the_library() -> None:
    code = "import sys, newton_optim; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
