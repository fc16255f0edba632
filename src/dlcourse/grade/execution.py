"""Running a submission: student cells in a kernel of their own, test cells in the verifier."""

import time
from collections.abc import Callable
from contextlib import suppress

from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, ValidationError, v4, validator
from nbgrader import utils
from nbgrader.preprocessors import Execute
from traitlets import Bool, Enum, Integer, default

from dlcourse.data import DATASETS
from dlcourse.grade.agent import SEED
from dlcourse.grade.demonstrations import unneeded
from dlcourse.grade.examiner import GRACE, Examiner, TestTimeout
from dlcourse.grade.notebook import (
    grade_id,
    is_unreadable,
    leave_out,
    notes,
    plain_code,
    source_cells,
)
from dlcourse.grade.seeds import seed_of, sets_a_seed
from dlcourse.grade.verdicts import KEY, Verdict, error_output, not_run
from dlcourse.grade.workshop import NAMESPACES, NONE, Workshop, default_isolation
from dlcourse.run.system import patience
from dlcourse.sections import UnknownSection, section

# What an answer cell raises that nobody has touched.
SCAFFOLD = "NotImplementedError"
EXIT = "Did it call exit, or need more memory than there is?"
LOOP = "Is there an endless loop?"
# Bytes of output that are kept of one cell, and of a whole notebook.
MOST_OF_A_CELL, MOST_OF_ALL = 2 * 2**20, 20 * 2**20
OUTPUTS = ("stream", "display_data", "execute_result", "error")
CUT = v4.new_output(
    "stream", name="stderr", text="\n[What follows is more output than is kept while grading.]\n"
)


class ExecuteSubmission(Execute):
    """Runs a submission as far as it goes, and has its tests judged where it cannot reach.

    Test cells do not run in the student's kernel: a verifier runs them, and its verdicts are left
    in the resources for SaveGrades. A kernel that dies costs what comes after, no more.
    """

    isolation = Enum(
        [NAMESPACES, NONE],
        help="How student code is kept from all else: 'namespaces', or 'none' to trust it.",
    ).tag(config=True)
    memory = Integer(4096, help="MB of memory for all processes of a submission.").tag(config=True)
    notebook_timeout = Integer(900, help="Seconds for all cells of a notebook together.").tag(
        config=True
    )
    everything = Bool(
        False, help="Run also those of the course's own cells that nothing graded uses."
    ).tag(config=True)

    @default("isolation")
    def _default_isolation(self) -> str:
        return default_isolation()

    @default("shutdown_kernel")
    def _default_shutdown_kernel(self) -> str:
        # All that a graded kernel could still write is gone with it anyway.
        return "immediate"

    @default("timeout_func")
    def _default_timeout_func(self) -> Callable:
        return lambda cell: round(self.timeout * patience()) if self.timeout else self.timeout

    def preprocess(self, nb, resources, km=None):
        self._stopped = "the notebook could not be read" if is_unreadable(nb) else None
        self._raised = self._left = self._seeded = False
        self._kept = self._kept_of_all = 0
        self._verdicts = resources.setdefault(KEY, {})
        self._assignment = resources["nbgrader"]["assignment"]
        if self._stopped:
            for index, cell in enumerate(nb.cells):
                self.preprocess_cell(cell, resources, index)
            return nb, resources
        self._own = plain_code(source_cells(self.parent.parent.coursedir, resources["nbgrader"]))
        self._idle = set() if self.everything else unneeded(nb.cells, self._own)
        # A kernel that is graded can neither download data nor keep them.
        with suppress(UnknownSection):
            DATASETS[section(self._assignment)["data"]].make_ready()
        with Workshop.open(self.isolation, self.memory) as self._workshop:
            self._until = time.monotonic() + self.notebook_timeout * patience()
            return super().preprocess(nb, resources, km)

    def create_kernel_manager(self) -> AsyncKernelManager:
        self.km = self._workshop.kernel_manager(self.resources["metadata"].get("path"))
        return self.km

    def set_widgets_metadata(self) -> None:
        """Widgets are nothing without their kernel."""

    def preprocess_cell(self, cell, resources, index):
        is_test = cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell)
        if self._stopped is None:
            self._run(cell, index, self._judge if is_test else self._execute)
        elif is_test:
            self._record(cell, not_run(self._stopped))
        elif cell.cell_type == "code" and utils.is_grade(cell):
            cell.outputs = not_run(self._stopped).outputs()
        return cell, resources

    def _run(self, cell: NotebookNode, index: int, step: Callable) -> None:
        where = _where(cell, index)
        try:
            if time.monotonic() > self._until:
                why = f"the notebook took more than {self.notebook_timeout} s before {where}"
                self._stop(cell, why, LOOP)
            else:
                step(cell, index)
        except DeadKernelError:
            self._stop(cell, f"Python came to an end while {where} ran{self._reason()}", EXIT)
        except (CellTimeoutError, TestTimeout):
            why = f"{where} ran on after {self.timeout} s and could not be interrupted"
            self._stop(cell, why, LOOP)
        except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
            # Student code can send messages of its own making; nbclient takes them at their word.
            self.log.warning("%s: %r", where, error)
            self._stop(cell, f"{where} made Python answer in a way that no notebook does", "")
        if self._stopped and step == self._judge and grade_id(cell) not in self._verdicts:
            self._record(cell, not_run(self._stopped))

    def _execute(self, cell: NotebookNode, index: int) -> None:
        if cell.cell_type != "code":
            return
        if index in self._idle:
            leave_out(cell)
            return
        self._kept_of_all, self._kept = self._kept_of_all + self._kept, 0
        if not self._seeded:
            self._ask(SEED, {"seed": seed_of(self._assignment, cell)})
        self._seeded |= sets_a_seed(cell, self._own)
        # How long a cell that was interrupted has to say so.
        self.iopub_timeout = round(GRACE * patience())
        self.execute_cell(cell, index)
        _make_sound(cell)
        self._take_note(cell, index)
        if self._left:
            raise DeadKernelError

    def _judge(self, cell: NotebookNode, index: int) -> None:
        seed = seed_of(self._assignment, cell)
        if not self._seeded:
            self._ask(SEED, {"seed": seed})
        examiner = Examiner(self.km, self.kc, self._workshop, self.timeout)
        self._record(cell, examiner.examine(cell.source, seed))
        examiner.wait_for_kernel()

    def _ask(self, kind: str, content: dict) -> None:
        message = self.kc.session.msg(kind, content)
        self.kc.shell_channel.send(message)
        if self.wait_for_reply(message["header"]["msg_id"]) is None:
            raise TestTimeout

    def _record(self, cell: NotebookNode, verdict: Verdict) -> None:
        self._verdicts[grade_id(cell)] = verdict
        cell.outputs = verdict.outputs()

    def process_message(self, msg, cell, cell_index):
        """Keeps an output while there is room; says so once where there is none."""
        if msg["msg_type"] not in OUTPUTS:
            return super().process_message(msg, cell, cell_index)
        self._kept += len(repr(msg["content"]))
        if self._kept > MOST_OF_A_CELL or self._kept_of_all + self._kept > MOST_OF_ALL:
            if cell.outputs[-1:] != [CUT]:
                cell.outputs.append(CUT)
            return None
        return super().process_message(msg, cell, cell_index)

    def on_cell_executed(self, **kwargs):
        super().on_cell_executed(**kwargs)
        # After exit() a kernel answers for a while; how many cells still run would be chance.
        payload = kwargs["execute_reply"]["content"].get("payload", [])
        self._left = any(part.get("source") == "ask_exit" for part in payload)

    def _reason(self) -> str:
        """Which limit the kernel had passed, in brackets, or nothing."""
        child = self.km.provisioner.child
        passed = child and (child.poll(), child.ended_by)[1]
        return f" and needed more {passed} than it may take" if passed else ""

    def _stop(self, cell: NotebookNode, why: str, question: str) -> None:
        self._stopped = why
        cell.setdefault("outputs", []).append(
            error_output("KernelStopped", f"{_sentence(why)} {question}".strip())
        )
        notes(self.nb).append(_sentence(f"{why}: nothing after it was run"))

    def _take_note(self, cell: NotebookNode, index: int) -> None:
        names = [out.ename for out in cell.get("outputs", []) if out.output_type == "error"]
        what = None
        if "CellTimeoutError" in names:
            what = f"was stopped after {self.timeout} s"
        elif names and not self._raised and names[0] != SCAFFOLD:
            # What comes after it may fail for that reason alone, so one such note is enough.
            self._raised = True
            # What student code calls an exception may be anything.
            what = f"stopped with {names[0] if names[0].isidentifier() else 'an exception'}"
        if what:
            notes(self.nb).append(_sentence(f"{_where(cell, index)} {what}"))


def _make_sound(cell: NotebookNode) -> None:
    """Drops from a cell's outputs what no notebook may hold: student code can send anything."""
    if type(cell.get("execution_count")) is not int:
        cell.execution_count = None
    cell.outputs = [out for out in cell.outputs if validator.isvalid(out, ref="output", version=4)]
    for output in cell.outputs:
        if "metadata" in output:
            # Pages take from there how large a picture is, and nothing that we would miss else.
            output.metadata = NotebookNode(
                {kind: _size(given) for kind, given in output.metadata.items() if _size(given)}
            )


def _size(given: object) -> NotebookNode:
    """What the metadata of a picture say of its width and height, in pixels."""
    known = given.items() if isinstance(given, dict) else ()
    sizes = {key: value for key, value in known if key in ("width", "height")}
    return NotebookNode({key: value for key, value in sizes.items() if type(value) is int})


def _where(cell: NotebookNode, index: int) -> str:
    name = grade_id(cell) or cell.get("id")
    return f"cell `{name}`" if name else f"cell number {index + 1}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
