"""A student's process for the tests: runs an answer, then serves it to a test elsewhere.

Each line of stdin is a JSON object: `answer`, and the `addresses` of the unix sockets at which the
exercise's test cells wait, in order.
"""

import json
import socket
import sys
from contextlib import suppress

from dlcourse.grade.agent import serve
from dlcourse.grade.line import Line
from dlcourse.grade.seeds import seed_everything
from dlcourse.teach.setup import load_keras

load_keras()
for line in sys.stdin:
    task = json.loads(line)
    namespace: dict = {"__name__": "__main__"}
    exec("import keras\nimport numpy as np\nfrom keras import layers", namespace)
    with suppress(NotImplementedError):
        exec(compile(task["answer"], "<answer>", "exec"), namespace)
    for address in task["addresses"]:
        seed_everything(task["seed"])
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(address)
            serve(Line(end), namespace)
