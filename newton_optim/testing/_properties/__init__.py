"""The named properties, one idea per file.

A property is an assert function ``assert_NAME(loss_fn, outputs, *args, reduction="mean")``. To add
one: write the function in a file here, export it in ``newton_optim.testing``, and add a row to the
table in ``_property_table.py``.
"""
