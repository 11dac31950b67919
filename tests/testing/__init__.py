"""Tests of the testing kit.

They mirror ``newton_optim/testing/`` (``properties/`` is ``_properties/``), and three files look at
all properties at once: every broken loss is caught (``test_mutants.py``), every correct loss passes
(``test_correct_losses.py``, ``test_library_losses.py``). Helpers without a file of their own are
tested through the properties.
"""
