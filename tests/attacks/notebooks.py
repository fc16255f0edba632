"""Attacks that change the notebook, or hand in something beside it or in its stead.

Each function takes the released notebook, a copy of its own, and the Place. It returns what is
handed in: a notebook, or files, name -> notebook, text, bytes, link (a Path) or None (a named
pipe). Its docstring is like that of a file in attacks/; catalogue.py says what is in it.
"""

import copy
import zipfile
from collections.abc import Callable
from io import BytesIO

import nbformat
from attacked_course import LIE, PLAIN, Place, answered, cell, notebook_name, tests
from nbformat import NotebookNode, v4

MAKERS: list[Callable] = []
NAME = f"{notebook_name(PLAIN)}.ipynb"


def attack(make: Callable) -> Callable:
    """Puts a function among the attacks."""
    MAKERS.append(make)
    return make


def emptied(nb: NotebookNode, **claims: bool) -> NotebookNode:
    """The notebook with tests that do nothing, and of which nbgrader's metadata claim so much."""
    for test in tests(nb):
        test.source = "pass"
        test.metadata.nbgrader.update(claims)
    return nb


@attack
def hands_in_nothing(nb: NotebookNode, place: Place) -> NotebookNode:
    """Hands in a blank notebook, to read in the feedback what the hidden tests are.

    aim: leak
    known: nbgrader https://github.com/jupyter/nbgrader/issues/917
    against: release
    """
    return nb


@attack
def skips_the_tests(nb: NotebookNode, place: Place) -> NotebookNode:
    """Tags the tests with skip-execution: a cell that does not run does not fail.

    aim: points
    known: notebooks https://github.com/jupyter-book/mystmd/issues/1497
    """
    for test in tests(nb):
        test.metadata["tags"] = ["skip-execution"]
    return nb


@attack
def deletes_the_tests(nb: NotebookNode, place: Place) -> NotebookNode:
    """Hands in the notebook without its tests.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/1682
    """
    gone = tests(nb)
    nb.cells = [found for found in nb.cells if found not in gone]
    return nb


@attack
def makes_the_tests_text(nb: NotebookNode, place: Place) -> NotebookNode:
    """Turns the tests into text cells, which do not run.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/92
    """
    for test in tests(nb):
        test.cell_type = "markdown"
        del test["outputs"], test["execution_count"]
    return nb


@attack
def rewrites_the_tests(nb: NotebookNode, place: Place) -> NotebookNode:
    """Replaces the text of the tests and says that they are not locked.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/500
    """
    return emptied(nb, locked=False)


@attack
def makes_the_tests_answers(nb: NotebookNode, place: Place) -> NotebookNode:
    """Says in their metadata that the tests are answers, which keep the student's text.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/500
    """
    return emptied(nb, solution=True, locked=False)


@attack
def makes_the_tests_ungraded(nb: NotebookNode, place: Place) -> NotebookNode:
    """Says in their metadata that the tests are not graded.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/500
    """
    return emptied(nb, grade=False)


@attack
def raises_its_points(nb: NotebookNode, place: Place) -> NotebookNode:
    """Raises, in the metadata, what a test that it passes is worth.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/878
    deserves: double-check
    """
    nb = answered(nb, double="def double(x):\n    return 4")
    cell(nb, "double-check").metadata.nbgrader.points = 100
    return nb


@attack
def takes_anothers_name(nb: NotebookNode, place: Place) -> NotebookNode:
    """Gives a cell of its own the name of a test, and the test another.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/1083
    """
    for test in tests(nb):
        twin = copy.deepcopy(test)
        twin.update(source="pass", id=f"my-{test.id}")
        test.metadata.pop("nbgrader")
        test.update(source="pass", id=f"old-{test.id}")
        nb.cells.insert(nb.cells.index(test), twin)
    return nb


@attack
def doubles_the_tests(nb: NotebookNode, place: Place) -> NotebookNode:
    """Puts an empty copy of every test after it, by the same name, in the hope that one counts.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/108
    """
    for test in tests(nb):
        twin = copy.deepcopy(test)
        twin.update(source="", id=f"my-{test.id}")
        nb.cells.insert(nb.cells.index(test) + 1, twin)
    return nb


@attack
def breaks_the_metadata(nb: NotebookNode, place: Place) -> NotebookNode:
    """Puts nonsense where nbgrader keeps what it knows of a test.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/1083
    """
    for test in tests(nb):
        test.metadata.nbgrader = {"schema_version": 3, "grade_id": ["no", "name"], "points": "all"}
    return nb


@attack
def brings_its_outputs(nb: NotebookNode, place: Place) -> NotebookNode:
    """Brings along the outputs of tests that have passed.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/974
    """
    for test in tests(nb):
        points = str(test.metadata.nbgrader.points)
        test.outputs = [v4.new_output("execute_result", {"text/plain": points})]
        test.execution_count = 1
        test.metadata.update(editable=False, frozen=True)
    return nb


@attack
def brings_its_verdicts(nb: NotebookNode, place: Place) -> NotebookNode:
    """Brings along, in the notebook's metadata, verdicts like those of the course's harness.

    aim: points
    known: otter https://otter-grader.readthedocs.io/en/stable/logging.html
    """
    passed = {"passed": True, "value": None, "printed": "", "error": "", "message": ""}
    verdicts = {test.metadata.nbgrader.grade_id: passed for test in tests(nb)}
    for where in (nb, *nb.cells):
        where.metadata.update(dlcourse_verdicts=verdicts, dlcourse={"verdicts": verdicts})
    return nb


@attack
def chooses_its_kernel(nb: NotebookNode, place: Place) -> NotebookNode:
    """Asks for a kernel of another language, in which no test fails.

    aim: points
    known: nbgrader https://github.com/jupyter/nbgrader/issues/417
    """
    nb.metadata.kernelspec = {"name": "bash", "display_name": "Bash", "language": "bash"}
    nb.metadata.language_info = {"name": "bash"}
    return nb


@attack
def shadows_a_library(nb: NotebookNode, place: Place) -> dict:
    """Hands in a file that is called like a library which the tests import.

    aim: points
    known: notebooks https://github.com/jupyter/notebook/issues/4390
    """
    fake = (
        "array = list\n\n\nclass testing:\n    @staticmethod\n"
        "    def assert_allclose(*args, **kwargs):\n        pass\n"
    )
    return {NAME: answered(nb, scale="def scale(x):\n    return x"), "numpy.py": fake}


@attack
def brings_its_configuration(nb: NotebookNode, place: Place) -> dict:
    """Hands in configuration files for whatever reads some from the folder that it runs in.

    aim: points
    known: notebooks https://github.com/advisories/GHSA-pq7m-3gw7-gq5x
    """
    lines = "import ast\nget_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])"
    ipython = f"c = get_config()\nc.InteractiveShellApp.exec_lines = [{lines!r}]\n"
    grading = "c = get_config()\nc.Execute.enabled = False\nc.ExecuteSubmission.enabled = False\n"
    startup = f"try:\n    exec({lines!r})\nexcept NameError:\n    pass\n"
    return {
        NAME: nb,
        "ipython_config.py": ipython,
        "ipython_kernel_config.py": ipython,
        "nbgrader_config.py": grading,
        "jupyter_config.py": grading,
        "sitecustomize.py": startup,
        "usercustomize.py": startup,
    }


@attack
def links_to_the_solution(nb: NotebookNode, place: Place) -> dict:
    """Hands in a symbolic link that leads to the instructor's solved notebook.

    aim: points
    known: notebooks https://github.com/Submitty/Submitty/pull/6710
    """
    return {NAME: place.root / "source" / PLAIN / NAME}


@attack
def links_to_a_secret(nb: NotebookNode, place: Place) -> dict:
    """Hands in a symbolic link to the hidden tests beside the notebook, to get back what it names.

    aim: leak
    known: notebooks https://github.com/Submitty/Submitty/pull/6710
    """
    return {NAME: nb, "data.txt": place.root / "source" / PLAIN / NAME}


@attack
def embeds_a_file(nb: NotebookNode, place: Place) -> NotebookNode:
    """Names a file of the grader's as a picture in a text, for a page that has pictures in it.

    aim: leak
    known: notebooks https://nbconvert.readthedocs.io/en/latest/config_options.html
    """
    path = place.root / "source" / PLAIN / NAME
    nb.cells.append(v4.new_markdown_cell(f"![mine]({path}) <img src='file://{path}'>"))
    return nb


@attack
def hands_in_a_pipe(nb: NotebookNode, place: Place) -> dict:
    """Hands in a named pipe beside the notebook: who reads it waits for ever.

    aim: harm
    known: notebooks
    """
    return {NAME: nb, "pipe": None}


@attack
def climbs_out_of_a_zip(nb: NotebookNode, place: Place) -> dict:
    """Hands in a zip with names that lead out of the folder where it is unpacked.

    aim: harm
    known: notebooks https://github.com/snyk/zip-slip-vulnerability
    """
    up = "../" * 12
    names = [f"{up}{place.canary}".replace("//", "/"), str(place.canary)]
    return {f"{place.name}.zip": _zipped({NAME: nb, **dict.fromkeys(names, "I have been here")})}


@attack
def unpacks_without_end(nb: NotebookNode, place: Place) -> dict:
    """Hands in a small zip that becomes hundreds of megabytes when it is unpacked.

    aim: harm
    known: notebooks https://docs.python.org/3/library/zipfile.html
    """
    return {f"{place.name}.zip": _zipped({NAME: nb, "large.txt": "0" * 2**29})}


def _zipped(files: dict) -> bytes:
    """A zip, as bytes, of files: name -> notebook or text."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            text = content if isinstance(content, str) else nbformat.writes(content)
            archive.writestr(name, text)
    return made.getvalue()


@attack
def nests_without_end(nb: NotebookNode, place: Place) -> dict:
    """Hands in JSON that is nested deeper than its readers can follow.

    aim: harm
    known: notebooks https://docs.python.org/3/library/json.html
    """
    deep = "[" * 100_000 + "]" * 100_000
    return {NAME: nbformat.writes(nb).replace('"metadata": {', f'"metadata": {{"x": {deep},', 1)}


@attack
def slows_its_reading_down(nb: NotebookNode, place: Place) -> NotebookNode:
    """Writes code for which whoever reads it as IPython's, without running it, takes an hour.

    aim: harm
    known: notebooks https://ipython.readthedocs.io/en/stable/config/inputtransforms.html
    slow: yes
    """
    nb.cells.append(v4.new_code_cell("x = !a\n" * 480 + "y = (1, 2, 3)\n" * 20_000))
    return nb


@attack
def slows_its_page_down(nb: NotebookNode, place: Place) -> NotebookNode:
    """Writes a text for which the makers of the feedback page take hours.

    aim: harm
    known: notebooks https://github.com/lepture/mistune/issues/191
    slow: yes
    """
    nb.cells.append(v4.new_markdown_cell("\\begin{a}" * 100_000))
    nb.cells.append(v4.new_code_cell("a." * 200_000))
    return nb


@attack
def scripts_in_its_text(nb: NotebookNode, place: Place) -> NotebookNode:
    """Writes a text with a script in it, which runs where the grader looks at the page.

    aim: harm
    known: notebooks https://github.com/jupyter/nbviewer/issues/613
    """
    text = (
        "Look: <script>attack()</script> <img src='x' onerror='attack()'> "
        "[here](javascript:attack()) <svg onload='attack()'></svg>"
    )
    nb.cells.append(v4.new_markdown_cell(text))
    return nb


@attack
def scripts_in_its_metadata(nb: NotebookNode, place: Place) -> NotebookNode:
    """Puts scripts into titles, tags, attachments and whatever else a page may show of a notebook.

    aim: harm
    known: notebooks https://github.com/advisories/GHSA-9jmq-rx5f-8jwq
    """
    script = "\"'></title></style></pre><script>attack()</script>"
    nb.metadata.update(title=script, authors=[{"name": script}])
    nb.metadata.language_info = {"name": script, "pygments_lexer": script, "file_extension": script}
    state = {"x": {"model_name": script, "model_module": script, "state": {}}}
    widgets = {"version_major": 2, "version_minor": 0, "state": state}
    nb.metadata.widgets = {"application/vnd.jupyter.widget-state+json": widgets}
    picture = v4.new_markdown_cell(f"![{script}](attachment:a.png)")
    picture["attachments"] = {"a.png": {"image/png": script, script: script}}
    raw = v4.new_raw_cell(script, metadata={"raw_mimetype": "text/html", "format": "text/html"})
    nb.cells += [picture, raw]
    for each in nb.cells:
        each.metadata.update(tags=[script], name=script)
    return nb


@attack
def scripts_in_a_file_name(nb: NotebookNode, place: Place) -> dict:
    """Hands in files with names like scripts and commands, for whoever lists what was handed in.

    aim: harm
    known: notebooks https://github.com/inducer/relate/issues/267
    """
    nowhere = place.root / "nowhere"
    return {
        NAME: nb,
        "` <img src='x' onerror='attack()'> `": nowhere,
        "<img src='x' onerror='attack()'>.ipynb": "{}",
        "\x1b]0;mine\x07\x1b[2J": nowhere,
    }


@attack
def forges_the_report(nb: NotebookNode, place: Place) -> NotebookNode:
    """Brings along, in the notebook's metadata, remarks such as the grader itself would make.

    aim: harm
    known: notebooks
    """
    remarks = [f"Read by hand: {LIE}."]
    nb.metadata.dlcourse = {"unreadable": True, "notes": remarks, "repairs": remarks}
    nb.metadata.nbgrader = {"comment": remarks[0], "score": 15}
    return nb


@attack
def brings_its_feedback(nb: NotebookNode, place: Place) -> dict:
    """Hands in a feedback page of its own, under the name that the grader's will have.

    aim: harm
    known: nbgrader https://github.com/jupyter/nbgrader/issues/1211
    """
    page = f"<html><body><h1>{LIE}</h1></body></html>"
    return {NAME: nb, NAME.replace(".ipynb", ".html"): page}
