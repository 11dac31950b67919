"""The comparisons of the speed table: a new one is one more value in ``COMPARISONS``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

import torch

from benchmarks.runs.names import curvature_name
from benchmarks.speed import (
    inverse_sides,
    newton_cost,
    output_size,
    path_sides,
    ranking_sides,
    sorting_sides,
)
from benchmarks.speed.comparison import Comparison
from benchmarks.speed.sides import Sides


def _softmax() -> list[Comparison]:
    comparisons = []
    for name, reach in (("SoftSort", 1.3), ("NeuralSort", 1.6)):
        for n in (5, 10):
            prepare = partial(sorting_sides.softmax_sides, name, n)
            work, key = f"gradient + Hessian, {name}, n={n}", f"{name.lower()}-n{n}"
            gradient = Comparison(
                key=f"{key}-gradient",
                work=work,
                peer="probability form, autograd gradient",
                prepare=partial(prepare, second_order=False),
                reach=reach if n == 10 else None,
            )
            passes = Comparison(
                key=f"{key}-passes",
                work=work,
                peer=f"the same, {n} more backward passes",
                prepare=partial(prepare, second_order=True),
                reach=6.0 if n == 10 else None,
                faster=True,
            )
            comparisons += [gradient, passes]
    return comparisons


def _plain() -> list[Comparison]:
    comparisons = []
    for name in ("SoftSort", "NeuralSort"):
        for n in (5, 10):
            exact = Comparison(
                key=f"plain-{name.lower()}-n{n}",
                work=f"exact loss, forward and backward, {name}, n={n}",
                peer="probability form, from the labels",
                prepare=partial(ranking_sides.plain_sides, name, n),
                reach=1.0,
            )
            field = Comparison(
                key=f"field-{name.lower()}-n{n}",
                work=f"probability form, gradient + Hessian, {name}, n={n}",
                peer="the same by torch.func",
                prepare=partial(ranking_sides.field_sides, name, n),
                faster=True,
            )
            comparisons += [exact, field]
    return comparisons


def _compiled() -> list[Comparison]:
    return [
        Comparison(
            key="-".join(re.findall(r"\w+", f"compiled {name} n{n} {what}".lower())),
            work=f"{what}, compiled, {name}, n={n}",
            peer="not compiled",
            prepare=partial(ranking_sides.compiled_sides, name, n, second_order),
            faster=True,
        )
        for name in ranking_sides.OPERATORS
        for n in (5, 10)
        for what, second_order in (("loss", False), ("derivatives", True))
    ]


def _networks() -> list[Comparison]:
    return [
        Comparison(
            key=f"odd-even-n{n}{suffix}",
            work=f"gradient + Hessian, odd-even network{form}, n={n}",
            peer="diffsort, gradient alone",
            prepare=partial(sorting_sides.network_sides, n, distribution),
            reach=factor * reach,
        )
        # The logistic network is computed in log space, whatever its scores.
        for distribution, suffix, form, factor in (
            ("cauchy", "", "", 1.0),
            ("logistic", "-log", ", logistic", 2.0),
        )
        for n, reach in ((5, 1.0), (10, 1.0), (15, 1.5))
    ]


def _steps() -> list[Comparison]:
    comparisons = []
    for n in (5, 10):
        work = f"what Newton adds to a step, n={n}"
        loss = Comparison(
            key=f"step-n{n}-loss",
            work=work,
            peer="the loss, forward and backward",
            prepare=partial(sorting_sides.newton_sides, n),
            reach=3.0,
        )
        cnn = Comparison(
            key=f"step-n{n}-cnn",
            work=work,
            peer="a step of the paper's CNN",
            prepare=partial(sorting_sides.training_sides, n),
            reach=0.002,
            percent=True,
            repeats=(200, 2),
        )
        comparisons += [loss, cnn]
    return comparisons


def _fisher() -> list[Comparison]:
    return [
        Comparison(
            key=f"fisher-m{m}",
            work=f"Fisher step, m={m}",
            peer="Cholesky of F + λ I",
            prepare=partial(sorting_sides.fisher_sides, m),
            reach=reach,
            faster=True,
            repeats=(200, repeats),
        )
        for m, reach, repeats in ((1000, 4.0, 20), (5000, 60.0, 3))
    ]


def _inverse_problems() -> list[Comparison]:
    comparisons = []
    for m, k in ((4, 24), (8, 64)):
        gauss_newton = Comparison(
            key=f"gauss-newton-m{m}-k{k}",
            work=f"Gauss-Newton step, 2x128 network, m={m}, k={k}",
            peer="the plain step",
            prepare=partial(inverse_sides.gauss_newton_sides, m, k),
            reach=1.5,
        )
        adaptive = Comparison(
            key=f"levenberg-marquardt-m{m}-k{k}",
            work=f"Levenberg-Marquardt step, 2x128 network, m={m}, k={k}",
            peer="the plain step",
            prepare=partial(inverse_sides.levenberg_marquardt_sides, m, k),
        )
        comparisons += [gauss_newton, adaptive]
    return comparisons


def _exact_paths() -> list[Comparison]:
    return [
        Comparison(
            key=f"shortest-path-{n}",
            work=f"exact shortest paths, {n} grids of 12x12",
            peer="Dijkstra, heapq",
            prepare=partial(path_sides.solver_sides, n),
            reach=reach,
            faster=True,
            repeats=(200, repeats),
        )
        for n, reach, repeats in ((70, 30.0, 20), (700, 70.0, 5))
    ]


def _relaxed_paths() -> list[Comparison]:
    return [
        Comparison(
            key=f"bellman-ford-{loop}",
            work=f"relaxed Bellman-Ford, {loop}, 70 grids, with backward",
            peer="AlgoVision",
            prepare=partial(path_sides.bellman_ford_sides, loop, 70),
            reach=reach,
            faster=True,
        )
        for loop, reach in (("for", 3.5), ("while", 2.5))
    ]


def _costs() -> list[Comparison]:
    sorting = [
        _cost(newton_cost.sorting_cost, loss, curvature)
        for loss in newton_cost.SORTING_LOSSES
        for curvature in ("hessian", "fisher")
    ]
    paths = [
        _cost(newton_cost.path_cost, loss, curvature)
        for loss, (_, curvatures) in newton_cost.PATH_LOSSES.items()
        for curvature in curvatures
    ]
    return [*sorting, *paths]


def _cost(
    prepare: Callable[[str, str, torch.device], Sides], loss: str, curvature: str
) -> Comparison:
    return Comparison(
        key="-".join(re.findall(r"\w+", f"cost {loss} {curvature}".lower())),
        work=f"NL ({curvature_name(curvature)})",
        peer=f"the plain loss, {loss}",
        prepare=partial(prepare, loss, curvature),
        repeats=(3, 20) if curvature == "hessian" and "relaxed" in loss else None,
    )


def _sizes() -> list[Comparison]:
    return [
        Comparison(
            key=f"size-{classes}-{curvature}",
            work=f"NL ({curvature_name(curvature)}), {output_size.SAMPLES} samples",
            peer=f"plain cross-entropy, {classes:,} classes",
            prepare=partial(output_size.size_cost, classes, curvature),
            repeats=(3, 20) if classes >= 1_000 and curvature == "hessian" else None,
        )
        for classes in output_size.CLASSES
        for curvature in output_size.CURVATURES
    ]


COMPARISONS: Final = (
    *_softmax(),
    *_plain(),
    *_networks(),
    *_steps(),
    *_fisher(),
    *_inverse_problems(),
    *_exact_paths(),
    *_relaxed_paths(),
    *_costs(),
    *_sizes(),
    *_compiled(),
)
