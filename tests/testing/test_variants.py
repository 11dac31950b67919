"""The outputs as given, with ties, and wider."""

from __future__ import annotations

import torch

from newton_optim.testing._case import Case
from newton_optim.testing._variants import variants

Y = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_labels_and_outputs() -> None:
    found = variants(Case.checked(torch.sum, Y, (), "mean"), [1.0, 10.0, 0.5])
    assert [variant.label for variant in found] == [
        "",
        "with ties",
        "outputs times 10",
        "outputs times 0.5",
    ]
    assert found[0].case.y.tolist() == Y.tolist()
    assert found[1].case.y.tolist() == [[1.0, 1.0, 3.0], [4.0, 4.0, 6.0]]
    assert found[2].case.y.tolist() == (10 * Y).tolist()


def test_one_coordinate_has_no_ties() -> None:
    found = variants(Case.checked(torch.sum, Y[:, :1], (), "mean"), [1.0])
    assert [variant.label for variant in found] == [""]


def test_the_label_comes_before_a_text() -> None:
    given, tied = variants(Case.checked(torch.sum, Y, (), "mean"), [])
    assert given.labelled("text") == "text"
    assert tied.labelled("text") == "with ties: text"


def test_outputs_equal_to_the_arguments_of_their_shape() -> None:
    args = (2 * Y, Y > 2, torch.ones(2), Y.long())
    found = variants(Case.checked(torch.sum, Y, args, "mean"), [])
    assert [variant.label for variant in found] == ["", "with ties", "at outputs = target"]
    assert found[-1].case.y.tolist() == (2 * Y).tolist()
    assert [variant.is_target for variant in found] == [False, False, True]
