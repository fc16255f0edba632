"""Publishes output that no notebook may hold.

aim: harm
known: notebooks
"""

from IPython import get_ipython

kernel = get_ipython().kernel
content = {"data": ["no mapping"], "metadata": 3, "transient": {}}
kernel.session.send(kernel.iopub_socket, "display_data", content, parent=kernel.get_parent("shell"))
