"""Figures of the paper's Table 1 (arXiv 2410.19055): EM in per cent, on MNIST, 10 seeds.

Only figures that we could look up are here. They come from texts that quote the table (reviews of
the paper in public repositories), not from the paper's own source; what is not quoted there (most
standard deviations, all values of EW, several cells) is left out.
"""

from __future__ import annotations

from typing import Final

from benchmarks.runs.paper import Paper, PaperFigure
from benchmarks.sorting.config import SortingConfig

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


def table1_figure(config: SortingConfig) -> PaperFigure | None:
    """The paper's EM for the operator, n and curvature of ``config``, as far as we know it.

    Rows that the paper does not have (the exact loss, clipping, other eigenvalues or rates) have
    no figure.
    """
    if config.loss != "probability" or config.clip is not None:
        return None
    if config.eigenvalues not in {None, "raw"}:
        return None
    return _TABLE1.get((config.operator, config.distribution, config.n, config.curvature))


PAPER: Final = Paper(
    protocol={"data": "mnist", "steps": 100_000, "batch_size": 100, "lr": 1e-3},
    seeds=10,
    figure=table1_figure,
)
