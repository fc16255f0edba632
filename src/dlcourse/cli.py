"""The `dlcourse` command: one subcommand per verb."""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from dlcourse import __version__
from dlcourse.settings import SettingsError

# The names of dlcourse.data.DATASETS, which takes seconds to import.
DATASETS = ("mnist", "cats-and-dogs")


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; the exit status: 0 done, 1 something to mend, 2 it could not be run."""
    options = _parser().parse_args(arguments)
    # TensorFlow's log of its start is no news to anyone who grades or builds.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept; run the command again to go on.")
        return 130
    except (SettingsError, *_course_errors()) as error:
        print(f"dlcourse: {error}", file=sys.stderr)
        return 2


def _course_errors() -> tuple[type[Exception], ...]:
    """The errors whose message is a sentence for the person at the keyboard."""
    from dlcourse.data import DataError
    from dlcourse.reset import ResetError
    from dlcourse.sections import UnknownSection

    errors = DataError, ResetError, UnknownSection
    if not _for_instructors():
        return errors
    from dlcourse.build import BuildError
    from dlcourse.grade.course import GradeError
    from dlcourse.grade.demo import DemoError

    return *errors, BuildError, GradeError, DemoError


def _for_instructors() -> bool:
    """Whether the package can build and grade; students' has neither."""
    return find_spec("dlcourse.build") is not None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dlcourse", description="The course, from a terminal.")
    parser.add_argument("--version", action="version", version=f"dlcourse {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    data = verbs.add_parser("data", help="get a dataset: mirror, cache, download or synthetic")
    data.add_argument("dataset", choices=DATASETS)
    data.set_defaults(run=_data)

    reset = verbs.add_parser("reset", help="put one exercise back as it was released")
    reset.add_argument("section", metavar="SECTION", help="as in 03_convnets")
    reset.add_argument("exercise", metavar="EXERCISE", help="as its prompt names it")
    reset.add_argument("--notebook", type=Path, metavar="PATH", help="where yours is, if not here")
    reset.set_defaults(run=_reset)

    doctor = verbs.add_parser("doctor", help="what works on this machine, and what to do if not")
    doctor.set_defaults(run=_doctor)

    if _for_instructors():
        _add_instructors(verbs)
    return parser


def _add_instructors(verbs: argparse._SubParsersAction) -> None:
    build = verbs.add_parser("build", help="generate release/ and notebooks/ from source/")
    build.add_argument("sections", nargs="*", metavar="SECTION", help="all by default")
    build.add_argument("--check", action="store_true", help="prove them fresh, touch nothing")
    build.add_argument("--no-run", action="store_true", help="release/ only, execute nothing")
    build.set_defaults(run=_build)

    lint = verbs.add_parser("lint", help="check the notebooks without running them")
    lint.add_argument("--fix", action="store_true", help="clear outputs and editors' traces first")
    lint.set_defaults(run=_lint)

    grade = verbs.add_parser("grade", help="grade what was submitted, write feedback, say how")
    grade.add_argument("sections", nargs="*", metavar="SECTION", help="all by default")
    grade.add_argument("--student", action="append", help="only this student (repeatable)")
    grade.add_argument("--workers", type=_positive, metavar="N", help="submissions at once")
    grade.add_argument(
        "--scheduler", metavar="tcp://HOST:PORT", help="judge on the workers of a Dask scheduler"
    )
    grade.add_argument("--again", action="store_true", help="also what has not changed since")
    grade.add_argument(
        "--dry-run", action="store_true", help="show who would get other points, change nothing"
    )
    grade.add_argument(
        "--isolation",
        choices=("namespaces", "none"),
        help="'none' trusts student code with this machine, where namespaces are not to be had",
    )
    grade.set_defaults(run=_grade)

    report = verbs.add_parser("report", help="how a graded class did: here, and in report.html")
    report.add_argument("sections", nargs="*", metavar="SECTION", help="all by default")
    report.add_argument("--html", type=Path, metavar="PATH", help="another place for the page")
    report.add_argument("--terminal", action="store_true", help="print only, write no page")
    report.set_defaults(run=_report_class)

    calibrate = verbs.add_parser(
        "calibrate", help="measure what hidden tests hold against thresholds, over many seeds"
    )
    calibrate.add_argument("sections", nargs="*", metavar="SECTION", help="all by default")
    calibrate.add_argument("--seeds", type=_positive, default=30, metavar="N", help="30 by default")
    calibrate.add_argument("--workers", type=_positive, default=1, metavar="N", help="runs at once")
    calibrate.add_argument(
        "--page", action="store_true", help="only write docs/thresholds.md anew, measure nothing"
    )
    calibrate.set_defaults(run=_calibrate)

    reproduce = verbs.add_parser(
        "reproduce", help="measure the results ladder in the full profile on real data"
    )
    reproduce.add_argument("--row", action="append", help="only this row (repeatable)")
    reproduce.add_argument("--seeds", type=_positive, default=3, metavar="N", help="3 by default")
    reproduce.add_argument("--page", action="store_true", help="only write the tables anew")
    reproduce.set_defaults(run=_reproduce)

    demo = verbs.add_parser("demo", help="make a sample class in demo/, grade it, show the table")
    demo.set_defaults(run=_demo)

    bundle = verbs.add_parser("bundle", help="pack what students get, into dist/")
    bundle.add_argument("--hub", action="store_true", help="with what their JupyterHub needs there")
    bundle.set_defaults(run=_bundle)


def _data(options: argparse.Namespace) -> int:
    from dlcourse.data import DATASETS

    print(DATASETS[options.dataset].prepare())
    return 0


def _reset(options: argparse.Namespace) -> int:
    from dlcourse.reset import reset

    print(reset(options.section, options.exercise, options.notebook))
    return 0


def _build(options: argparse.Namespace) -> int:
    from dlcourse.build import build, find_root, stale

    root = find_root(Path.cwd())
    if options.check:
        return _report(list(stale(root)), "release/ and notebooks/ are what source/ generates.")
    with _progress("building") as progress:
        changed = build(root, options.sections, run=not options.no_run, progress=progress)
    for path in changed:
        print(f"wrote {path.relative_to(root)}")
    if not changed:
        print("Nothing changed.")
    return 0


def _lint(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root, find_sections, fix, lint

    root = find_root(Path.cwd())
    for section in find_sections(root) if options.fix else []:
        if fix(section):
            print(f"mended {section.source.relative_to(root)}")
    return _report(lint(root), "The notebooks keep the course's rules.")


def _grade(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root, find_sections
    from dlcourse.grade.changes import changes, changes_report
    from dlcourse.grade.course import grade_sections, isolation, with_submissions
    from dlcourse.grade.report import NOT_ISOLATED

    root = find_root(Path.cwd())
    find_sections(root, options.sections)
    if options.isolation:
        os.environ["DLCOURSE_ISOLATION"] = options.isolation
    isolated = isolation(root) != "none"
    if not isolated:
        print(NOT_ISOLATED)
    sections = options.sections or with_submissions(root, options.student)
    wanted = dict.fromkeys(sections, options.student)
    how = {"workers": options.workers, "scheduler": options.scheduler}
    if options.dry_run:
        print(changes_report(*changes(root, wanted, **how)))
        return 0
    results = grade_sections(root, wanted, again=options.again, **how)
    _show_class(root, results, isolated, page=True)
    return 0


def _positive(text: str) -> int:
    """A number of workers, from a command line."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _report_class(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root
    from dlcourse.grade.classpage import graded
    from dlcourse.grade.course import isolation

    root = find_root(Path.cwd())
    results = graded(root, options.sections)
    page = False if options.terminal else options.html or True
    _show_class(root, results, isolation(root) != "none", page=page)
    return 0


def _show_class(root: Path, results: list, isolated: bool, *, page: Path | bool) -> None:
    """Prints the report on `results` and writes the page: to `page`, or where it is by default."""
    from dlcourse.grade.classpage import find_pairs, known_students, make_class_page
    from dlcourse.grade.report import class_report

    about = {"isolated": isolated, "pairs": find_pairs(root, results)}
    about["students"] = known_students(root)
    print(class_report(results, root, **about))
    if page:
        path = make_class_page(results, root, None if page is True else page, **about)
        print(f"The class page is {path}")


def _calibrate(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root
    from dlcourse.build.calibrate import calibrate
    from dlcourse.build.thresholds import write_page

    root = find_root(Path.cwd())
    if not options.page:
        with _progress("calibrating", "run") as progress:
            calibrate(
                root,
                options.sections,
                seeds=options.seeds,
                workers=options.workers,
                progress=lambda done, total, what: progress(what, done, total),
            )
    for path in write_page(root):
        print(f"wrote {path.relative_to(root)}")
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root
    from dlcourse.build.reproduce import reproduce, write_pages

    root = find_root(Path.cwd())
    if not options.page:
        for done in reproduce(root, options.row, seeds=options.seeds):
            print(done, flush=True)
    for path in write_pages(root):
        print(f"wrote {path.relative_to(root)}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root
    from dlcourse.grade.demo import run_demo

    run_demo(find_root(Path.cwd()))
    return 0


def _bundle(options: argparse.Namespace) -> int:
    from dlcourse.build import find_root
    from dlcourse.build.bundle import write_bundle

    root = find_root(Path.cwd())
    path = write_bundle(root, root / "dist", "hub" if options.hub else "")
    print(f"wrote {path.relative_to(root)}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from dlcourse.doctor import BROKEN, examine, report

    findings = examine(_root())
    print(report(findings))
    return int(any(finding.state == BROKEN for finding in findings))


def _root() -> Path | None:
    """The course's folder; None for who has notebooks only."""
    if not _for_instructors():
        return None
    from dlcourse.build import BuildError, find_root

    try:
        return find_root(Path.cwd())
    except BuildError:
        return None


def _report(problems: list, fine: str) -> int:
    for problem in problems:
        print(problem)
    if not problems:
        print(fine)
    return 1 if problems else 0


class _progress:  # noqa: N801 - reads as a verb where it is used
    """A bar with the time that is left, on stderr: over the cells of a notebook, or other units."""

    def __init__(self, what: str, unit: str = "cell"):
        from tqdm import tqdm

        self.bar = tqdm(desc=what, unit=unit, total=0, leave=False)

    def __enter__(self):
        return self.update

    def update(self, what: str, done: int, total: int) -> None:
        self.bar.set_description(what, refresh=False)
        self.bar.total, self.bar.n = total, done
        self.bar.refresh()

    def __exit__(self, *_) -> None:
        self.bar.close()


if __name__ == "__main__":
    sys.exit(main())
