"""Sweeps: the estimate over a grid or a random sample of scenarios, of any size."""

from meshlab.run.sweep.analysis import break_even_surface, cheapest, evaluate, regions, shares, sobol
from meshlab.run.sweep.run import Outcome, run_sweep
from meshlab.run.sweep.spec import Spec, as_grid, read_spec, spec_of

__all__ = [
    "Outcome",
    "Spec",
    "as_grid",
    "break_even_surface",
    "cheapest",
    "evaluate",
    "read_spec",
    "regions",
    "run_sweep",
    "shares",
    "sobol",
    "spec_of",
]
