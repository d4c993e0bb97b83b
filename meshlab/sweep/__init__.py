"""Sweeps: the estimate over a grid or a random sample of scenarios, of any size."""

from meshlab.sweep.run import Outcome, run_sweep
from meshlab.sweep.spec import Spec, read_spec

__all__ = ["Outcome", "Spec", "read_spec", "run_sweep"]
