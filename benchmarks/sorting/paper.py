"""The paper's rows of sorting (arXiv 2410.19055, Table 1 and n = 15): protocol, λ and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from benchmarks.runs.paper import UNSAID_PRECISIONS, Paper, PaperFigure, PaperRow
from benchmarks.runs.paper_tables import paper_table
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.operators import with_operator

# The protocol of the work that the paper follows (the public experiments of diffsort): one set per
# image, validated every 1,000 steps.
TABLE1: Final = SortingConfig(
    data="mnist",
    lr=1e-3,
    steps=100_000,
    batch_size=100,
    evaluation_sets=10_000,
    validate_every=1_000,
    validation_sets=5_000,
)
# For n = 15 the paper gives neither λ nor β; these are its values for n = 10.
_LARGEST: Final = 10

# What names a row of Table 1: operator, distribution, n, curvature.
_Place = tuple[str, str | None, int, str]


def paper_configs() -> Iterator[SortingConfig]:
    """The configurations of Table 1, then those of n = 15, as the paper ran them."""
    for entry in paper_table("table1"):
        yield _config(entry)


def paper_row(config: SortingConfig) -> PaperRow[SortingConfig] | None:
    """The row of Table 1 that ``config`` stands for.

    ``None`` for rows that the paper does not have: other operators and n, the library's own
    operators, the exact loss, clipped or normalised gradients, and eigenvalues that are not raw.
    """
    own = config.source == "ours" or config.clip is not None or config.normalise
    if own or config.eigenvalues not in {None, "raw"}:
        return None
    return _rows().get(_place(config))


@cache
def _rows() -> Mapping[_Place, PaperRow[SortingConfig]]:
    return {_place(_config(entry)): _row(entry) for entry in paper_table("table1")}


@cache
def _dampings() -> Mapping[_Place, float]:
    places = ((_entry_place(entry), entry["damping"]) for entry in paper_table("table4"))
    return dict(places)


def _row(entry: Mapping[str, Any]) -> PaperRow[SortingConfig]:
    figures = {"best_em": PaperFigure(*entry["em"]), "best_ew": PaperFigure(*entry["ew"])}
    unsaid: dict[str, Sequence[Any]] = {"precision": UNSAID_PRECISIONS}
    if entry["n"] > _LARGEST:
        unsaid |= {"damping": (), "steepness": ()}
    place = "Section 4.1" if entry["n"] > _LARGEST else "Table 1"
    return PaperRow(place=place, config=_config(entry), figures=figures, unsaid=unsaid)


def _config(entry: Mapping[str, Any]) -> SortingConfig:
    operator, distribution, n, curvature = _entry_place(entry)
    plain = with_operator(TABLE1, operator, distribution, n)
    if curvature == "none":
        return plain
    damping = _dampings()[operator, distribution, min(n, _LARGEST), curvature]
    eigenvalues = "raw" if curvature == "hessian" else None
    return replace(plain, curvature=curvature, eigenvalues=eigenvalues, damping=damping)


def _place(config: SortingConfig) -> _Place:
    return config.operator, config.distribution, config.n, config.curvature


def _entry_place(entry: Mapping[str, Any]) -> _Place:
    return entry["operator"], entry["distribution"], entry["n"], entry["curvature"]


_LINEAGE: Final = "not in the paper; the public experiments of diffsort, which it follows"
_ROWS: Final = "the row itself"
SOURCES: Final = {
    "curvature": _ROWS,
    "eigenvalues": "Definition 1: the Hessian as it is",
    "damping": "Table 4; for n = 15 not printed, that of n = 10 here",
    "lr": "Section 4.1, Appendix C",
    "batch_size": "Section 4.1",
    "split": "Section 4.1, the figures",
    "precision": "not printed; PyTorch's own on a GPU is TF32 in convolutions",
    "data": "Section 4.1: numbers of four MNIST digits; pixels divided by 255 as in diffsort",
    "operator": _ROWS,
    "temperature": "Appendix C",
    "distribution": _ROWS,
    "steepness": "Appendix C; for n = 15 not printed, that of n = 10 here",
    "n": _ROWS,
    "loss": "Section 4.1 and Appendix B: binary cross-entropy of the permutation matrices",
    "source": "Section 4.1: NeuralSort, SoftSort and diffsort, as published",
    "clip": "none is named",
    "normalise": "none is named",
    "steps": "Section 4.1, Appendix C",
    "evaluation_sets": _LINEAGE,
    "validate_every": _LINEAGE,
    "validation_sets": _LINEAGE,
}
PAPER: Final = Paper(seeds=10, row=paper_row, rows=lambda: list(_rows().values()), sources=SOURCES)
