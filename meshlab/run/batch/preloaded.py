"""Imported once before workbooks run, and by nothing else: it imports and compiles what each of them would have to."""

from importlib import import_module

from meshlab.show.report import compile_templates

for name in ("numpy.ma", "numpy.random", "plotly.graph_objects", "polars", "meshlab.api"):
    import_module(name)
compile_templates()
