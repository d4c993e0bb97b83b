"""Imported by the process from which workers are forked, and by no other: it imports all that they need, once.

Importing takes seconds, in which the process would not notice that whoever asked is gone: it is bound to that first.
"""

import os

from meshlab.run.batch import warm

warm.die_with(int(os.environ.pop(warm.PARENT, os.getppid())))  # unsaid where it is started again
warm.prepare("meshlab.run.batch.pages", "papermill")
