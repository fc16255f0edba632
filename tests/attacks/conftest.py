"""What the attack suite shares: the tiny course's helpers, and the class, graded once."""

import sys
from pathlib import Path

# The helpers of tests/grade, and these here also for a program that is run by itself.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "grade")]
