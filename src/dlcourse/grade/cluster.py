"""Judging on a cluster: the workers behind a `dask.distributed` scheduler, asked as local ones are.

What was handed in is taken in where it lies. Its files go to a worker as bytes, and notebooks with
their verdicts come back as bytes: no folder is shared. The gradebook's one writer stays where the
command runs. What students wrote is never unpickled, neither here nor there.

Each submission is given to one worker by name, as many to each as it has threads. So it is known
which submissions a worker had when it was lost, and none waits for a worker that does not come
back. What a machine failed is tried again on another; what a submission failed is its result.
"""

import io
import json
import logging
import operator
import os
import pkgutil
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from uuid import uuid4

from tqdm import tqdm

from dlcourse.data import DATASETS
from dlcourse.grade.backend import nbgrader_api
from dlcourse.grade.judge import files_of
from dlcourse.grade.ledger import SETTINGS, chosen_settings, versions
from dlcourse.grade.troubles import GradeError
from dlcourse.grade.workers import Workers, WorkFailed
from dlcourse.grade.workshop import addresses, environment, new_pair
from dlcourse.run.isolation import available
from dlcourse.run.warm import RunError, WarmParent
from dlcourse.settings import SettingsError

# Seconds: until a scheduler has to have answered, between two looks at the workers, without a
# scheduler or a worker until the command gives up, and for which a worker that failed has a rest.
ANSWER, LOOK, PATIENCE, REST = 8, 1, 60, 30
# Submissions at once, whatever the number of workers, and for each of their threads: while one is
# judged, another is taken in or written.
MOST_AT_ONCE, PER_THREAD = 256, 2
# Of more bytes than this, only one submission at a time is on its way.
LARGE = 64 * 2**20
# How often a submission may be tried again, by what the try came to. A worker that was lost may
# have been brought down by it, so the last try has a worker of its own.
MOST = {"lost": 3, "trouble": 3, "cut": 10}
# Machines that failed in a row, and nothing judged in between: then something is wrong with all.
MOST_TROUBLES = 12
# These say where things are on a machine, not how to judge.
FOLDERS = ("DLCOURSE_CACHE", "DLCOURSE_DATA")
ABOUT = "course.json"
Files = dict[str, bytes]


def pack(root: Path, sections: Iterable[str], masters: dict, isolation: str) -> bytes:
    """What judging takes of the course in `root`, as a zip: the same bytes for the same course.

    masters: section -> what `judge.masters` says of it. The address of the gradebook, which may
    hold a password, is left out. Raises GradeError if nbgrader_config.py holds more than data.
    """
    config = dict(nbgrader_api(root).config)
    places = config.get("CourseDirectory", {})
    config["CourseDirectory"] = {k: v for k, v in places.items() if k not in ("root", "db_url")}
    settings = {k: v for k, v in chosen_settings().items() if k not in FOLDERS}
    settings["DLCOURSE_ISOLATION"] = isolation
    about = {"config": config, "masters": masters, "settings": settings}
    try:
        text = json.dumps(about, sort_keys=True)
    except TypeError as error:
        raise GradeError(
            f"nbgrader_config.py cannot be sent to a cluster: {error}. Let it set texts, numbers, "
            "lists and dicts only."
        ) from None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(ABOUT), text)
        for section in sections:
            for path in sorted((root / "source" / section).rglob("*")):
                if path.is_file():
                    name = path.relative_to(root).as_posix()
                    archive.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return packed.getvalue()


# What follows is done by a dask worker.


class Desk:
    """A copy of a course in the new folder `folder`, and the staff that judges there.

    course: what `pack` made. number: how many submissions are judged at once. Raises RunError or
    SettingsError if this machine cannot grade.
    """

    def __init__(self, course: bytes, folder: Path, number: int) -> None:
        self.folder = folder
        with zipfile.ZipFile(io.BytesIO(course)) as archive:
            archive.extractall(folder)
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        (folder / "nbgrader_config.py").write_text(_config(about["config"], folder), "utf-8")
        self._masters = about["masters"]
        env = _environment(about["settings"])
        self._warm = _warm(tuple(sorted(env.items())))
        for parent in self._warm:
            parent.start(wait=False)
        for parent in self._warm:
            parent.start()
        judges, *pair = self._warm
        material = {"masters": self._masters}
        self._staff = Workers(judges, number, folder, material, lambda: env | addresses(pair))

    @property
    def works(self) -> bool:
        """Whether the warm processes are there that it was made with."""
        return all(parent.runs for parent in self._warm)

    def judge(self, section: str, student: str, files: Files, repairs: list[str]) -> Files:
        """The section's notebooks as they were judged, by their places among the files.

        files: what `Judge.take_in` made of a submission, but for what the course itself hands out.
        repairs: what it said. Raises WorkFailed as `Workers.ask` does.
        """
        with tempfile.TemporaryDirectory(prefix="submission-", dir=self.folder) as folder:
            copy = Path(folder) / "copy"
            for place, content in files.items():
                path = copy / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            order = {"section": section, "student": student, "folder": str(copy)}
            self._staff.ask("run", **order, repairs=repairs)
            names = [f"{name}.ipynb" for name in self._masters[section]]
            return {name: (copy / name).read_bytes() for name in names if name in files}

    def close(self) -> None:
        """Ends the staff and removes the folder; the warm processes stay for the next course."""
        self._staff.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _config(config: dict, root: Path) -> str:
    return (
        "import json\n\nfrom traitlets.config import Config\n\n"
        f"c = get_config()\nc.merge(Config(json.loads({json.dumps(config)!r})))\n"
        f"c.CourseDirectory.root = {str(root)!r}\n"
    )


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This machine's environment, with the settings of the course in place of its own."""
    own = {k: v for k, v in os.environ.items() if k in FOLDERS or not k.startswith(SETTINGS)}
    return {**own, **settings}


@cache
def _warm(env: tuple[tuple[str, str], ...]) -> tuple[WarmParent, WarmParent, WarmParent]:
    """The warm processes of judges, kernels and verifiers, for courses with these settings."""
    return (
        WarmParent(("dlcourse.grade.work",), dict(env)),
        *new_pair(environment(dict(env))),
    )


_desks: dict[str, Desk] = {}
_users: Counter[Desk] = Counter()
_appointing = Lock()


@contextmanager
def _desk(course: bytes, key: str) -> Iterator[Desk]:
    """This worker's desk for a course; those for other courses are closed when nobody is there."""
    from distributed import get_worker

    with _appointing:
        if key in _desks and not _desks[key].works:
            _leave(_desks.pop(key))
        if key not in _desks:
            # Dask removes this folder with the worker.
            above = get_worker().local_directory
            folder = Path(tempfile.mkdtemp(prefix="dlcourse-", dir=above))
            try:
                _desks[key] = Desk(course, folder, get_worker().state.nthreads)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        desk = _desks[key]
        _users[desk] += 1
        for other in [other for other in _desks if not _users[_desks[other]]]:
            _leave(_desks.pop(other))
    try:
        yield desk
    finally:
        with _appointing:
            _users[desk] -= 1
            if desk not in _desks.values():
                _leave(desk)


def _leave(desk: Desk) -> None:
    """Closes a desk that is wanted no more, unless somebody is there, who will close it."""
    if not _users[desk]:
        del _users[desk]
        desk.close()


def judge(
    course: bytes, key: str, section: str, student: str, files: Files, repairs: list[str]
) -> dict[str, object]:
    """What a dask worker is asked for: one of "notebooks", "failed" and "trouble" with what it is.

    See `Desk.judge`. key: names the course. failed: why the submission could not be judged.
    trouble: why this machine could not do it.
    """
    try:
        with _desk(course, key) as desk:
            return {"notebooks": desk.judge(section, student, files, repairs)}
    except WorkFailed as failed:
        return {"trouble" if failed.by_machine else "failed": str(failed)}
    except (RunError, SettingsError, OSError) as error:
        return {"trouble": str(error)}


def describe(isolated: bool, synthetic: bool) -> dict[str, str]:
    """What of this machine decides about verdicts, by name; what stops it, as "isolation".

    isolated: whether student code is to be isolated. synthetic: whether only drawn data are used.
    """
    about = dict(versions())
    if not synthetic:
        about |= {name: _kind(dataset.at_hand) for name, dataset in DATASETS.items()}
    if isolated and (why_not := available()):
        about["isolation"] = why_not
    return about


def _kind(at_hand: Callable) -> str:
    return "real" if at_hand() else "drawn"


# What follows is done by the command.


class Cluster:
    """The dask workers behind the scheduler at `address`, asked for judgements like `Workers`.

    Any number of threads may ask at once. most: submissions in hand at once; by default twice as
    many as the workers have threads. Raises GradeError if Dask is not installed.
    """

    def __init__(self, address: str, most: int | None = None) -> None:
        try:
            import distributed
        except ImportError:
            raise GradeError(
                "Grading on a cluster needs Dask, which is not installed here: "
                "pip install 'dlcourse[cluster]'."
            ) from None
        _send_to_log(logging.getLogger(distributed.__name__))
        self.address = address
        self._most = most
        self._client = self._course = None
        # What a worker said of itself, while it is there: None if it may judge, else why not.
        self._examined: dict[str, object] = {}
        self._verdicts: dict[str, str | None] = {}
        self._threads: dict[str, int] = {}
        self._busy: Counter[str] = Counter()
        self._rests: dict[str, float] = {}
        self._inside = self._alone = self._troubles = 0
        self._said: set[str] = set()
        self._failure: str | None = None
        self._changed, self._large, self._submitting = Condition(), Lock(), Lock()
        self._closing = Event()
        self._watch: Thread | None = None

    def connect(self) -> None:
        """Connects to the scheduler. Raises GradeError if it does not answer."""
        try:
            self._client = self._new_client()
        except (OSError, ValueError, TypeError) as error:
            raise GradeError(
                f"No scheduler answers at {self.address} ({_first_line(error)}). Start one with "
                "`dask scheduler`, and see docs/cluster.md."
            ) from None

    def begin(self, root: Path, course: bytes, staff: Workers, isolated: bool) -> None:
        """Makes ready for judging.

        course: what `pack` made of the course in `root`. staff: takes in what was handed in, and
        writes feedback.
        """
        self._root, self._packed, self._staff = root, course, staff
        self._key = sha256(course).hexdigest()[:16]
        synthetic = chosen_settings().get("DLCOURSE_SOURCE") == "synthetic"
        self._terms = isolated, synthetic
        self._here = describe(isolated=False, synthetic=synthetic)
        self._api = nbgrader_api(root)
        self._watch = Thread(target=self._keep_watch, name="dlcourse-cluster", daemon=True)
        self._watch.start()

    def ask(self, do: str, **order: str) -> str | None:
        """Like `Workers.ask`. Raises GradeError if the cluster is lost and does not come back."""
        if do != "judge":
            return self._staff.ask(do, **order)
        with self._room():
            reason, repairs = self._staff.ask("take_in", **order)
            if not reason:
                self._judge(order["section"], order["student"], Path(order["into"]), repairs)
            return reason

    def close(self) -> None:
        """Lets go of the cluster, which drops what it was asked for; who waits gets GradeError."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if self._watch:
            self._staff.close()
            self._watch.join(ANSWER)
        if self._client:
            with suppress(Exception):
                self._client.close(timeout=LOOK)

    def _judge(self, section: str, student: str, folder: Path, repairs: list[str]) -> None:
        """Has the notebooks in `folder` judged, wherever that can be done."""
        ours = files_of(self._api, self._root, section)
        size = sum(path.stat().st_size for path in _files(folder, ours).values())
        tries: Counter[str] = Counter()
        with self._large if size > LARGE else nullcontext():
            while True:
                with self._worker(alone=tries["lost"] == MOST["lost"] - 1) as worker:
                    files = {
                        place: path.read_bytes() for place, path in _files(folder, ours).items()
                    }
                    answer = self._try(worker, section, student, files, repairs)
                    del files
                [(what, told)] = answer.items()
                if what in ("notebooks", "failed"):
                    self._troubles = 0
                    break
                tries[what] += 1
                self._note(worker, what, told, tries)
        if what == "failed":
            raise WorkFailed(told)
        for name, content in told.items():
            (folder / name).write_bytes(content)

    def _note(self, worker: str, what: str, told: str, tries: Counter[str]) -> None:
        """Takes note of a machine that failed. Raises WorkFailed or GradeError if enough did."""
        if what == "cut":
            # Until it is known again who is there.
            self._use({})
        if what == "trouble":
            self._rests[worker] = time.monotonic() + REST
            self._troubles += 1
            self._say(f"{worker} could not judge, and is asked again later: {told}")
            if self._troubles >= MOST_TROUBLES:
                self._fail(f"No worker can judge: {told} ({worker}). Mend that")
        if tries[what] < MOST[what]:
            return
        if what == "cut":
            self._fail(f"The connection to {self.address} was lost again and again. Mend that")
        if what == "lost":
            raise WorkFailed(
                f"{MOST['lost']} workers of the cluster were lost while they judged it, the last "
                "with nothing else to do: look at it by hand"
            )
        raise WorkFailed(f"{told} ({worker})")

    def _try(
        self, worker: str, section: str, student: str, files: Files, repairs: list[str]
    ) -> dict[str, object]:
        """What `judge` says on that worker; "lost" if the worker is, "cut" if the scheduler is."""
        from distributed import KilledWorker

        client, done = self._client, Event()
        try:
            order = self._sent(client), self._key, section, student, files, repairs
            future = _submit(client, worker, judge, *order)
            future.add_done_callback(lambda _: done.set())
            while not done.wait(LOOK):
                self._check()
                if client is not self._client or future.status == "cancelled":
                    return {"cut": ""}
                if worker not in self._verdicts:
                    future.cancel()
                    return {"lost": ""}
            return future.result(timeout=PATIENCE)
        except KilledWorker:
            return {"lost": ""}
        except GradeError:
            raise
        except Exception as error:
            # Whatever else comes is of Dask's making; `judge` itself returns what goes wrong.
            if client is not self._client or client.status != "running" or _is_cut(error):
                return {"cut": str(error)}
            return {"trouble": f"{type(error).__name__}: {_first_line(error)}"}

    def _sent(self, client: object) -> object:
        """The course on the cluster, from where each worker gets it once.

        Any worker can keep it, and make it anew: bytes need nothing of the course's own.
        """
        with self._submitting:
            known = self._course
            gone = known is None or known.client is not client
            if gone or known.status not in ("pending", "finished"):
                name = f"dlcourse-course-{uuid4().hex}"
                self._course = client.submit(bytes, self._packed, pure=False, key=name)
            return self._course

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Waits until another submission may be taken in hand."""
        with self._changed:
            while self._inside >= (self._most or max(1, PER_THREAD * sum(self._threads.values()))):
                self._check()
                self._changed.wait(LOOK)
            self._check()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def _worker(self, alone: bool) -> Iterator[str]:
        """Waits for a worker with a free thread; if `alone`, for one that does nothing else."""
        with self._changed:
            self._alone += alone
            try:
                while not (worker := self._free(alone)):
                    self._check()
                    self._changed.wait(LOOK)
                self._check()
            finally:
                self._alone -= alone
            taken = self._threads[worker] if alone else 1
            self._busy[worker] += taken
        try:
            yield worker
        finally:
            with self._changed:
                self._busy[worker] -= taken
                self._changed.notify_all()

    def _free(self, alone: bool) -> str | None:
        """The worker with most to spare, if there is one."""
        # Who needs one to itself would wait for ever if others took each thread that comes free.
        if self._alone and not alone:
            return None
        now = time.monotonic()
        spare = {
            worker: threads - self._busy[worker]
            for worker, threads in self._threads.items()
            if self._busy[worker] < (1 if alone else threads) and self._rests.get(worker, 0) < now
        }
        return max(spare, key=spare.get, default=None)

    def _check(self) -> None:
        if self._failure or self._closing.is_set():
            raise GradeError(self._failure or "Grading was stopped.")

    def _fail(self, sentence: str) -> None:
        with self._changed:
            again = "Then run the same command again: what was finished is kept."
            self._failure = self._failure or f"{sentence}. {again}"
            self._changed.notify_all()
        self._check()

    def _keep_watch(self) -> None:
        """Knows which workers there are, until the cluster is closed, or gone for too long."""
        since, used = time.monotonic(), False
        while not self._closing.wait(LOOK if self._threads else LOOK / 5):
            if not (why := self._look()):
                since, used = time.monotonic(), True
                continue
            waited, patience = time.monotonic() - since, _patience()
            if waited > patience or why == self._all_unfit() and not used:
                with suppress(GradeError):
                    self._fail(why)
                return
            if waited > ANSWER:
                self._say(f"{why}. Waiting for it, {patience:.0f} s at most.")

    def _look(self) -> str | None:
        """Takes note of the workers that are there; None, or why none can judge now."""
        client = self._client
        try:
            if client.status != "running":
                raise ConnectionError(client.status)
            there = client.sync(client.scheduler.ncores, callback_timeout=ANSWER)
            running = client.sync(client.scheduler.ncores_running, callback_timeout=ANSWER)
            self._examine(client, there)
        except Exception as error:
            logging.getLogger(__name__).warning("%s: %r", self.address, error)
            self._use({})
            self._reconnect()
            return f"The scheduler at {self.address} does not answer. See that it runs"
        self._use({w: n for w, n in running.items() if self._verdicts.get(w, "?") is None})
        if self._threads:
            return None
        if not there:
            return (
                f"The scheduler at {self.address} has no workers. Start one with "
                f"`dask worker {self.address}`"
            )
        return (
            self._all_unfit()
            or f"The workers of {self.address} have not answered yet. See that they run"
        )

    def _examine(self, client: object, there: Iterable[str]) -> None:
        """Asks workers that are new what they are, and takes note of what they say."""
        asked, verdicts = {}, {}
        for worker in there:
            future = self._examined.get(worker)
            if future is None or future.status in ("cancelled", "lost"):
                asked[worker] = _submit(client, worker, describe, *self._terms, priority=1)
                continue
            asked[worker] = future
            if worker in self._verdicts and future.status != "pending":
                verdicts[worker] = self._verdicts[worker]
            elif future.status != "pending":
                # It may stand still before what it said has come.
                with suppress(OSError):
                    verdicts[worker] = self._verdict(future)
                    if verdicts[worker]:
                        self._say(f"{worker} is not used: {verdicts[worker]}.")
        self._examined, self._verdicts = asked, verdicts

    def _verdict(self, future: object) -> str | None:
        """Why a worker may not judge; None if it may."""
        if future.status == "error":
            error = future.exception(timeout=ANSWER)
            return (
                "the course is not installed there, or another version of it "
                f"({type(error).__name__}: {_first_line(error)})"
            )
        told = future.result(timeout=ANSWER)
        if why_not := told.pop("isolation", None):
            return why_not.rstrip(".")
        differing = [
            f"{name} {told.get(name, 'missing')} (here {self._here.get(name, 'missing')})"
            for name in {**self._here, **told}
            if told.get(name) != self._here.get(name)
        ]
        return f"verdicts could differ, for it has {', '.join(differing)}" if differing else None

    def _all_unfit(self) -> str | None:
        """What to say if every worker has been looked at and none may judge."""
        unfit = {worker: why for worker, why in self._verdicts.items() if why}
        if not unfit or len(unfit) < len(self._examined):
            return None
        worker, why = next(iter(unfit.items()))
        return (
            f"No worker of {self.address} may judge ({len(unfit)} asked). Of {worker}: {why}. "
            "See docs/cluster.md for what has to be the same there as here"
        )

    def _use(self, threads: dict[str, int]) -> None:
        with self._changed:
            self._threads = threads
            self._changed.notify_all()

    def _reconnect(self) -> None:
        """Another client, if this one has given up: for a while Dask tries by itself."""
        if self._client.status not in ("closed", "closing"):
            return
        with suppress(OSError):
            self._client = self._new_client()
            self._examined, self._verdicts = {}, {}

    def _new_client(self) -> object:
        from distributed import Client

        return Client(self.address, timeout=ANSWER, set_as_default=False, name="dlcourse-grade")

    def _say(self, sentence: str) -> None:
        """Says something once, above the progress bar."""
        if sentence not in self._said:
            self._said.add(sentence)
            tqdm.write(sentence, file=sys.stderr)


def _submit(
    client: object, worker: str, function: Callable, *order: object, priority: int = 0
) -> object:
    """The future of what this module's `function` says on that worker, and on no other.

    The worker imports the function itself: the scheduler reads what is sent, and need not have the
    course. Each call has a name of its own, for Dask does not do twice what has the same.
    """
    where = {"workers": [worker], "allow_other_workers": False, "priority": priority}
    name = f"dlcourse-{function.__name__}-{uuid4().hex}"
    there = client.submit(
        pkgutil.resolve_name, f"{__name__}:{function.__name__}", key=f"{name}-import", **where
    )
    return client.submit(operator.call, there, *order, key=name, **where)


def _patience() -> float:
    from dask import config
    from dask.utils import parse_timedelta

    return parse_timedelta(config.get("dlcourse.patience", PATIENCE))


def _is_cut(error: Exception) -> bool:
    from distributed import CancelledError
    from distributed.comm import CommClosedError

    return isinstance(error, (CancelledError, CommClosedError))


def _send_to_log(logger: logging.Logger) -> None:
    """What Dask says goes to the course's log, as what nbgrader says does."""
    logger.handlers.clear()
    logger.propagate = True


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _files(folder: Path, without: Mapping[str, Path]) -> dict[str, Path]:
    """All files in a folder that intake made, by their places in it, but for the course's own."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {place: path for place, path in found.items() if path.is_file() and place not in without}
