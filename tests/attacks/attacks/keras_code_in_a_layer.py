"""Answers with a model that has code of its own in a Lambda layer, which writes outside.

aim: harm
known: keras https://github.com/keras-team/tf-keras/pull/910
section: keras
where: build
"""

from pathlib import Path

import keras


def surprise(x):
    Path("@CANARY@").write_text("I have been here")
    return x


def build():
    return keras.Sequential([keras.Input((2,)), keras.layers.Lambda(surprise)])
