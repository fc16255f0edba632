"""Stops its own process, which then neither answers nor notices an interrupt.

aim: harm
known: notebooks
"""

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
