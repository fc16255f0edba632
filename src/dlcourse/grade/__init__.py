"""Grades what students hand in: nbgrader with its traps closed, and reports on the class."""
