"""`source/` -> `release/` (the students' version) and `notebooks/` (solved and executed)."""

from dlcourse.build.course import build, stale
from dlcourse.build.lint import fix, lint
from dlcourse.build.sections import BuildError, find_root, find_sections

__all__ = ["BuildError", "build", "find_root", "find_sections", "fix", "lint", "stale"]
