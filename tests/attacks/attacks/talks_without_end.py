"""Publishes output without end in the background, so that no cell is ever over.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/427
"""

import threading

from IPython import get_ipython

kernel = get_ipython().kernel


def talk(parent):
    while True:
        content = {"name": "stdout", "text": "x" * 2**16}
        kernel.session.send(kernel.iopub_socket, "stream", content, parent=parent)


for _ in range(3):
    parent = kernel.get_parent("shell")
    threading.Thread(target=talk, args=(parent,), daemon=True).start()
