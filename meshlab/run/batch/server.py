"""Imported by the process from which workers are forked, and by no other: it imports all that they need, once.

Importing takes a second, in which the process would not notice that whoever asked is gone: it is bound to that first.
"""

import ctypes
import signal
import sys
from importlib import import_module

PR_SET_PDEATHSIG = 1
"""Linux's prctl option for the signal to get when the parent dies."""

if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
# jsonschema can check IRIs, of which no notebook has any: compiling their grammar would take as long as all the rest
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
for name in ("meshlab.run.batch.pages", "papermill", "nbconvert.exporters"):
    import_module(name)
sys.modules["nbformat"].v4.new_output("stream")  # compiles the schema by which every output is checked
