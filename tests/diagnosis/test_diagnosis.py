"""The public value: its attributes, its text, its copies and its plot."""

from __future__ import annotations

import copy
import dataclasses
import re

import pytest

from newton_optim import Diagnosis, diagnose
from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._recommendation import Recommendation
from tests.diagnosis.losses import normal, waves


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    return diagnose(waves, normal(0, 8, 5))


def test_every_attribute_is_documented_once() -> None:
    text = (Diagnosis.__doc__ or "").partition("Attributes:")[2]
    documented = re.findall(r"^        (\w+): ", text, re.MULTILINE)
    fields = {field.name for field in dataclasses.fields(Diagnosis)} - {"_probe"}
    assert sorted(documented) == sorted(fields)


def test_no_measurement_has_the_name_of_a_recommendation() -> None:
    measured, recommended = (
        {field.name for field in dataclasses.fields(part)}
        for part in (Measurements, Recommendation)
    )
    assert not measured & recommended


def test_it_is_frozen(diagnosis: Diagnosis) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        diagnosis.verdict = "fine"


def test_its_text_is_the_table(diagnosis: Diagnosis) -> None:
    assert str(diagnosis).startswith("waves: 8 samples of 5 outputs\n")
    assert repr(diagnosis) == str(diagnosis)


def test_copies_are_equal(diagnosis: Diagnosis) -> None:
    assert copy.copy(diagnosis) == diagnosis
    assert str(copy.deepcopy(diagnosis)) == str(diagnosis)
    changed = dataclasses.replace(diagnosis, is_coupled=True)
    assert changed != diagnosis
    assert "coupled" in str(changed)


def test_a_plot_has_both_directions(diagnosis: Diagnosis) -> None:
    titles = [axes.get_title() for axes in diagnosis.plot().axes]
    assert titles == ["a random direction", "the worst direction"]


def test_a_plot_of_a_loss_that_is_not_worth_a_newton_loss() -> None:
    assert diagnose(lambda y: y.round().sum(dim=1), normal(0, 4, 3)).plot().axes


def test_nothing_to_plot() -> None:
    d = diagnose(lambda y: y.argmax(dim=1), normal(0, 4, 3))
    with pytest.raises(ValueError, match="loss must have a finite gradient to be plotted"):
        d.plot()
