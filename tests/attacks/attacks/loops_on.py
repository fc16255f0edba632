"""Never ends, and takes no notice of being interrupted.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/pull/567
"""

import contextlib
import time

while True:
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(0.1)
