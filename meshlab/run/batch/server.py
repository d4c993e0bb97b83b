"""Imported by the process from which workers are forked, and by no other: it imports all that they need, once.

Importing takes seconds, in which the process would not notice that whoever asked is gone: it is bound to that first.
"""

import os

from meshlab.run.batch import warm

warm.die_with(int(os.environ.pop(warm.PARENT)))
import importlib, sys
sys.modules['rfc3987_syntax']=None
for n in ("meshlab.run.batch.pages", "papermill", "nbconvert.exporters","meshlab.run.batch.kernels"): importlib.import_module(n)
import sys
sys.modules["nbformat"].v4.new_output("stream")
