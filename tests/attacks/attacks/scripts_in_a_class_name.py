"""Raises an exception whose class is called like a script, so that reports which name it run it.

aim: harm
known: notebooks https://github.com/inducer/relate/issues/267
"""

raise type("<img src='x' onerror='attack()'>", (Exception,), {})("<script>attack()</script>")
