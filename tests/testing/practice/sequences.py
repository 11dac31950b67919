"""Sequences: connectionist temporal classification and a linear-chain random field."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair

BLANK = 0


def _with_blanks(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels with blanks around them, and where a path may skip the blank between two labels."""
    extended = labels.new_full((len(labels), 2 * labels.shape[1] + 1), BLANK)
    extended[:, 1::2] = labels
    may_skip = torch.zeros_like(extended, dtype=torch.bool)
    may_skip[:, 2:] = (extended[:, 2:] != BLANK) & (extended[:, 2:] != extended[:, :-2])
    return extended, may_skip


def ctc(y: Tensor, labels: Tensor) -> Tensor:
    """-log of the probability of all alignments, by the forward recursion in log space."""
    extended, may_skip = _with_blanks(labels)
    log_p = y.log_softmax(dim=2).gather(2, extended[:, None].expand(-1, y.shape[1], -1))
    never = torch.full_like(log_p[:, 0], -1e30)
    start = torch.arange(extended.shape[1]) < 2
    alpha = torch.where(start, log_p[:, 0], never)
    for step in range(1, y.shape[1]):
        before = torch.cat((never[:, :1], alpha[:, :-1]), dim=1)
        skipped = torch.cat((never[:, :2], alpha[:, :-2]), dim=1)
        ways = torch.stack((alpha, before, torch.where(may_skip, skipped, never)))
        alpha = ways.logsumexp(dim=0) + log_p[:, step]
    return -alpha[:, -2:].logsumexp(dim=1)


def ctc_of_probabilities(y: Tensor, labels: Tensor) -> Tensor:
    """The recursion on probabilities, which underflow."""
    extended, may_skip = _with_blanks(labels)
    p = y.softmax(dim=2).gather(2, extended[:, None].expand(-1, y.shape[1], -1))
    none = torch.zeros_like(p[:, 0])
    alpha = torch.where(torch.arange(extended.shape[1]) < 2, p[:, 0], none)
    for step in range(1, y.shape[1]):
        before = torch.cat((none[:, :1], alpha[:, :-1]), dim=1)
        skipped = torch.cat((none[:, :2], alpha[:, :-2]), dim=1)
        alpha = (alpha + before + torch.where(may_skip, skipped, none)) * p[:, step]
    return -alpha[:, -2:].sum(dim=1).log()


def _crf(y: Tensor, tags: Tensor, transitions: Tensor, *, in_place: bool) -> Tensor:
    """-log of the probability of the tags: all paths minus this one."""
    alpha = y[:, 0]
    if in_place:
        alpha += transitions[0]
    else:
        alpha = alpha + transitions[0]
    for step in range(1, y.shape[1]):
        alpha = (alpha[:, :, None] + transitions).logsumexp(dim=1) + y[:, step]
    path = y.gather(2, tags[:, :, None]).sum(dim=(1, 2))
    path = path + transitions[tags[:, :-1], tags[:, 1:]].sum(dim=1)
    if not in_place:
        path = path + transitions[0][tags[:, 0]]
    return alpha.logsumexp(dim=1) - path


def crf(y: Tensor, tags: Tensor, transitions: Tensor) -> Tensor:
    """Negative log-likelihood of a linear chain."""
    return _crf(y, tags, transitions, in_place=False)


def crf_in_place(y: Tensor, tags: Tensor, transitions: Tensor) -> Tensor:
    """Writes the start scores into the emissions."""
    return _crf(y, tags, transitions, in_place=True)


def _speech(generator: Generator) -> tuple[Tensor, Tensor]:
    y = torch.randn(5, 6, 3, generator=generator)
    return y, torch.randint(1, 3, (5, 2), generator=generator)


def _tagging(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    y = torch.randn(5, 4, 3, generator=generator)
    tags = torch.randint(3, (5, 4), generator=generator)
    return y, tags, torch.randn(3, 3, generator=generator)


CTC = Pair(ctc, ctc_of_probabilities, "float32_matches_float64", _speech)
CRF = Pair(crf, crf_in_place, "inputs_unchanged", _tagging)
