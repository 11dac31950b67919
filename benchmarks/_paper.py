"""Figures of the paper's Table 1 (arXiv 2410.19055): EM in per cent, on MNIST, 10 seeds.

Only figures that we could look up stand here. They come from texts that quote the table (reviews of
the paper in public repositories), not from the paper's own source; what is not quoted there (most
standard deviations, all values of EW, several cells, Tables 2 and 3) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from benchmarks._config import Config
from benchmarks._path_config import PathConfig


@dataclass(frozen=True)
class PaperFigure:
    """EM of one cell of the paper, in per cent, and its standard deviation where we know it."""

    em: float
    deviation: float | None = None

    def __str__(self) -> str:
        return f"{self.em:.2f}" + ("" if self.deviation is None else f" ± {self.deviation:.2f}")


# (operator, distribution, n, curvature) -> EM.
_TABLE1: Final[dict[tuple[str, str | None, int, str], PaperFigure]] = {
    ("neuralsort", None, 5, "none"): PaperFigure(71.33),
    ("neuralsort", None, 5, "fisher"): PaperFigure(83.93),
    ("neuralsort", None, 10, "none"): PaperFigure(24.26),
    ("neuralsort", None, 10, "hessian"): PaperFigure(48.76),
    ("neuralsort", None, 10, "fisher"): PaperFigure(39.23),
    ("softsort", None, 10, "none"): PaperFigure(27.46),
    ("softsort", None, 10, "hessian"): PaperFigure(55.07),
    ("softsort", None, 10, "fisher"): PaperFigure(54.00),
    ("odd_even", "logistic", 10, "none"): PaperFigure(12.31, 10.22),
    ("odd_even", "logistic", 10, "hessian"): PaperFigure(42.14, 22.30),
    ("odd_even", "logistic", 10, "fisher"): PaperFigure(25.72, 27.42),
    ("odd_even", "cauchy", 5, "none"): PaperFigure(85.09, 0.77),
    ("odd_even", "cauchy", 5, "hessian"): PaperFigure(85.11, 0.78),
}
_SEEDS: Final = 10
# The paper's protocol, as far as a configuration says it.
_PROTOCOL: Final[dict[str, Any]] = {
    "data": "mnist",
    "steps": 100_000,
    "batch_size": 100,
    "lr": 1e-3,
}
_PATH_PROTOCOL: Final[dict[str, Any]] = {
    "data": "warcraft",
    "network": "resnet",
    "maps": 10_000,
    "epochs": 50,
    "batch_size": 70,
}


def paper_figure(config: Config | PathConfig) -> PaperFigure | None:
    """The paper's EM for the operator, n and curvature of ``config``, as far as we know it.

    Rows that the paper does not have (the exact loss, clipping, other eigenvalues or rates) have
    none. In what else the runs differ `protocol_differences` says.
    """
    if isinstance(config, PathConfig) or config.loss != "probability" or config.clip is not None:
        return None
    if config.eigenvalues not in {None, "raw"}:
        return None
    return _TABLE1.get((config.operator, config.distribution, config.n, config.curvature))


def protocol_differences(config: Config | PathConfig, seeds: int) -> list[str]:
    """In what runs of ``config`` differ from the paper's protocol, in words."""
    differences = []
    protocol = _PATH_PROTOCOL if isinstance(config, PathConfig) else _PROTOCOL
    for name, expected in protocol.items():
        found = getattr(config, name)
        if found != expected:
            number = isinstance(expected, int)
            values = f"{found:,} instead of {expected:,}" if number else f"{found}, not {expected}"
            differences.append(f"{name.replace('_', ' ')} {values}")
    if seeds != _SEEDS:
        differences.append(f"{seeds} seeds instead of {_SEEDS}")
    return differences
