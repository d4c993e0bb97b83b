"""Imported by the process from which workers are forked, and by no other: it imports all that they need, once.

Importing takes seconds, in which the process would not notice that whoever asked is gone: it is bound to that first.
Ctrl-C in these seconds, which ``pool`` holds back, ends it without a word; a worker cleans up before it ends.
"""

import os
import signal
import sys

from meshlab.run.batch import warm

# a worker would import its parent's main module, the command line or a user's script; it runs nothing of it
sys.modules["__main__"].__file__ = os.environ.pop(warm.MAIN, "")
warm.die_with(int(os.environ.pop(warm.PARENT, os.getppid())))  # unsaid where it is started again
warm.prepare("meshlab.run.batch.pages", "papermill")
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
signal.signal(signal.SIGINT, signal.default_int_handler)
