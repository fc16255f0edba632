"""How nbgrader runs this course: on the command line, in formgrader and under `dlcourse`."""

import os
import shutil
import sysconfig
from pathlib import Path

import dlcourse.grade.database  # noqa: F401 - how the gradebook is connected to

c = get_config()  # noqa: F821 - nbgrader puts it here

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "dl-practical"
# A file of SQLite's, or what the environment names: docs/postgresql.md.
c.CourseDirectory.db_url = (
    os.environ.get("DLCOURSE_GRADEBOOK") or f"sqlite:///{c.CourseDirectory.root}/gradebook.db"
)

# nbgrader makes a gradebook with `alembic` and finds it by name: also in an environment that
# nobody activated.
if not shutil.which("alembic"):
    os.environ["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"

# What stands in the students' version where source/ has a solution. `dlcourse.check` knows a bare
# NotImplementedError as "not started yet".
c.ClearSolutions.code_stub = {
    "python": "# Write your code here, in place of the next line.\nraise NotImplementedError"
}
c.ClearSolutions.text_stub = "Write your answer here."

# The exchange of a JupyterHub, where this runs in one: docs/jupyterhub.md.
if exchange := os.environ.get("DLCOURSE_HUB_EXCHANGE"):
    c.Exchange.root = exchange
# What others may write is taken with care; see there.
c.ExchangeFactory.collect = "dlcourse.grade.dropbox.Collect"
c.ExchangeFactory.submit = "dlcourse.run.exchange.Submit"
c.ExchangeFactory.release_assignment = "dlcourse.run.exchange.Release"
c.ExchangeFactory.release_feedback = "dlcourse.run.exchange.ReleaseFeedback"

# nbgrader's own steps, except those in which dlcourse.grade closes a trap.
c.Autograde.exporter_class = "dlcourse.grade.plugins.SubmissionExporter"
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "dlcourse.grade.plugins.RestoreCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "dlcourse.grade.execution.ExecuteSubmission",
    "nbgrader.preprocessors.LimitOutput",
    "dlcourse.grade.plugins.SaveGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.exporter_class = "dlcourse.grade.feedback.FeedbackExporter"
c.GenerateFeedback.preprocessors = [
    "dlcourse.grade.plugins.ReadGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    "dlcourse.grade.plugins.StudentView",
]
# What students wrote is shown to others, in feedback and in formgrader: as text, not as a program.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "clean_html": "dlcourse.grade.harmless.html",
    "markdown2html": "dlcourse.grade.harmless.markdown",
    "highlight_code": "dlcourse.grade.harmless.code",
}

# Seconds for one cell. The course's own cells need a few at most in the fast profile.
c.Execute.timeout = 60
c.Execute.error_on_timeout = {
    "ename": "CellTimeoutError",
    "evalue": f"stopped after {c.Execute.timeout} s",
    "traceback": [f"This cell was stopped after {c.Execute.timeout} s: is there an endless loop?"],
}
