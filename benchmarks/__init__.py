"""Benchmarks of the library, each a package and a command.

* :mod:`benchmarks.sorting` and :mod:`benchmarks.shortest_path` are families: each trains networks
  with and without Newton losses. A family imports :mod:`benchmarks.runs` and no other family.
* :mod:`benchmarks.runs` is what families share, from the configuration of a run to its line of
  results, its tables and its figures. It knows no family.
* :mod:`benchmarks.report` makes one report of the finished runs of all families.
* :mod:`benchmarks.speed` times the library against its peers.

To add a family, write a package with a ``family.py`` that makes a
:class:`~benchmarks.runs.family.Family` value, a ``command.py`` and a ``__main__.py``, and name the
value in :data:`benchmarks.families.FAMILIES`. The import contract in ``pyproject.toml`` asks for
the new package's place among the families.
"""
