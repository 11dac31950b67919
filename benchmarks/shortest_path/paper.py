"""The paper's rows of shortest paths (arXiv 2410.19055, Tables 2 and 3): protocol, λ, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from benchmarks.runs.paper import UNSAID_PRECISIONS, Paper, PaperFigure, PaperRow
from benchmarks.runs.paper_tables import paper_table
from benchmarks.shortest_path.config import RELAXED, PathConfig
from benchmarks.shortest_path.strength import with_loss

FULL: Final = PathConfig(
    data="warcraft",
    network="resnet",
    maps=10_000,
    epochs=50,
    batch_size=70,
    lr=1e-3,
    evaluation_maps=1_000,
)
FENCHEL_YOUNG_RATE: Final = 1e-2
# Of the relaxed Bellman-Ford the paper takes the best of these rates for each row, and does not
# print which.
RELAXED_RATES: Final = (1.0, 0.33, 0.1, 0.033, 0.01, 0.0033, 0.001)

# What names a row of the tables: loss, samples, curvature.
_Place = tuple[str, int | None, str]


def paper_configs(table: str) -> Iterator[PathConfig]:
    """The configurations of ``"table2"`` or ``"table3"``, as the paper ran them."""
    for entry in paper_table(table):
        yield _config(entry)


def paper_row(config: PathConfig) -> PaperRow[PathConfig] | None:
    """The row of Table 2 or 3 that ``config`` stands for.

    ``None`` for rows that the paper does not have: Gauss-Newton, other curvatures of a loss, other
    numbers of samples, and eigenvalues that are not raw.
    """
    if config.eigenvalues not in {None, "raw"}:
        return None
    return _rows().get((config.loss, config.samples, config.curvature))


@cache
def _rows() -> Mapping[_Place, PaperRow[PathConfig]]:
    return {
        _place(entry): _row(entry, place)
        for table, place in (("table2", "Table 2"), ("table3", "Table 3"))
        for entry in paper_table(table)
    }


@cache
def _dampings() -> Mapping[_Place, float]:
    entries = [*paper_table("table2_damping"), *paper_table("table5")]
    return {_place(entry): entry["damping"] for entry in entries}


def _row(entry: Mapping[str, Any], place: str) -> PaperRow[PathConfig]:
    unsaid: dict[str, Sequence[Any]] = {"precision": UNSAID_PRECISIONS}
    if entry["loss"] in RELAXED:
        unsaid["lr"] = RELAXED_RATES
    figures = {"em": PaperFigure(*entry["em"])}
    return PaperRow(place=place, config=_config(entry), figures=figures, unsaid=unsaid)


def _config(entry: Mapping[str, Any]) -> PathConfig:
    loss, samples, curvature = _place(entry)
    plain = with_loss(FULL, loss, samples)
    if loss == "fenchel-young":
        plain = replace(plain, lr=FENCHEL_YOUNG_RATE)
    if curvature == "none":
        return plain
    eigenvalues = "raw" if curvature == "hessian" else None
    damping = _dampings()[loss, samples, curvature]
    return replace(plain, curvature=curvature, eigenvalues=eigenvalues, damping=damping)


def _place(entry: Mapping[str, Any]) -> _Place:
    return entry["loss"], entry.get("samples"), entry["curvature"]


_PRIOR: Final = "not in the paper; the published set and the work that it follows"
_ROWS: Final = "the row itself"
SOURCES: Final = {
    "curvature": _ROWS,
    "eigenvalues": "Definition 1: the Hessian as it is",
    "damping": "Appendix C.1 for Table 2, Table 5 for Table 3",
    "lr": "Appendix C; in Table 2 the best of seven for each row, not printed which",
    "batch_size": _PRIOR,
    "split": "Section 4.2, the figures",
    "precision": "not printed; PyTorch's own on a GPU is TF32 in convolutions",
    "data": "Section 4.2",
    "network": "Appendix C: the first block of ResNet-18",
    "maps": _PRIOR,
    "loss": "the row itself; sums over the tiles, by the size of λ (the paper also says MSE)",
    "steepness": "Appendix C, as 18 iterations and the probabilistic t-conorm",
    "sigma": "Appendix C",
    "samples": _ROWS,
    "epochs": "Section 4.2, Appendix C: the rate falls by 10 after epochs 30 and 40",
    "evaluation_maps": _PRIOR,
}
PAPER: Final = Paper(seeds=10, row=paper_row, rows=lambda: list(_rows().values()), sources=SOURCES)
