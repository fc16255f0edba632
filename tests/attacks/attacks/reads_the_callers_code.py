"""Takes the constants out of the code that calls it, and says them in an exception's message.

aim: leak
known: prairielearn https://github.com/PrairieLearn/PrairieLearn/pull/5184
where: password
"""

import sys


def password():
    frame, seen = sys._getframe(1), []
    while frame:
        seen += map(str, frame.f_code.co_consts)
        frame = frame.f_back
    raise LookupError(str(seen)[::-1])
