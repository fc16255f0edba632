"""What students hand in for the section 01_tensors, which expects tensors.ipynb."""

import errno
import json
import os
import resource
import socket
import stat
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from dlcourse.grade import holdings
from dlcourse.grade.holdings import fingerprint, handed_in
from dlcourse.grade.intake import Expected, Intake, take_in

SECTION, RIGHT_NAME = "01_tensors", "tensors.ipynb"
SCAFFOLDS = {"double": "# YOUR CODE HERE", "why": "Why?"}
TENSORS = Expected("tensors", SCAFFOLDS, frozenset({*SCAFFOLDS, "double-tests"}))
RESHAPING = Expected("reshaping", {"double": "", "flat": ""}, frozenset({"double", "flat"}))
CLEAN = Intake((), None)
WHERE = f"submitted/ann/{SECTION}"


def cell(name, text):
    return {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": name}}, "source": text}


def notebook(double=SCAFFOLDS["double"], *cells, **fields):
    cells = [cell("double", [double]), cell("double-tests", "assert double"), *cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells, **fields})


BLANK, ANSWERED, OTHER = notebook(), notebook("x = 1"), notebook("x = 2")
MORE = notebook("x = 1", cell("why", "Because."))
# The sections share names of exercises.
FOREIGN_CELLS = [cell("kernel-size", "3"), cell("stride", "1"), cell("double", "x = 1")]
FOREIGN = json.dumps({"nbformat": 4, "cells": FOREIGN_CELLS})
OLD_CELLS = [{"metadata": {"nbgrader": {"grade_id": "double"}}, "input": ["x = 1"]}]
OLD = json.dumps({"nbformat": 3, "worksheets": [{"cells": OLD_CELLS}]})
WITHOUT_GRADE_IDS, FOREIGN_WITHOUT_GRADE_IDS = (
    json.dumps({"nbformat": 4, "cells": [{"id": name, "source": "x = 1"} for name in names]})
    for names in (["intro", "double", "why"], ["intro", "double"])
)


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """A zip's bytes; `files` is name, or ZipInfo, -> text."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def as_bytes(content):
    return content.encode() if isinstance(content, str) else content


def member(name, mode):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def with_byte(data, at, byte):
    return data[:at] + bytes([byte]) + data[at + 1 :]


def with_password(data):
    """The zip with its only member marked as encrypted, in both of its headers."""
    return with_byte(with_byte(data, 6, 1), data.index(b"PK\1\2") + 8, 1)


class Ann:
    """A student, who hands in files by name, and what `take_in` makes of them."""

    def __init__(self, root):
        self.root, self.folder, self.into = root, root / "submitted" / "ann", root / "work" / "ann"
        self.folder.mkdir(parents=True)
        self.into.parent.mkdir()

    def hand_in(self, files, within=f"{SECTION}/", mtime=None):
        for name, content in files.items():
            path = self.folder / f"{within}{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_bytes(content))
            if mtime:
                os.utime(path, (mtime, mtime))

    def take_in(self, *expected):
        before = snapshot(self.folder)
        result = take_in(self.root, SECTION, "ann", expected or [TENSORS], self.into)
        assert snapshot(self.folder) == before
        assert list(self.into.parent.iterdir()) == [self.into] * (result.reason is None)
        return result

    def said(self, *expected):
        """The repairs, of a submission that can be graded."""
        result = self.take_in(*expected)
        assert result.reason is None
        return " ".join(result.repairs)

    def copy(self):
        """Path in the copy -> bytes."""
        paths = (path for path in self.into.rglob("*") if path.is_file())
        return {path.relative_to(self.into).as_posix(): path.read_bytes() for path in paths}

    def graded(self):
        return self.copy()[RIGHT_NAME].decode()

    def fingerprint(self):
        return fingerprint(self.root, SECTION, "ann")


def snapshot(folder):
    paths = sorted(folder.rglob("*"))
    return [(path, path.lstat().st_mode, path.lstat().st_mtime_ns) for path in paths]


@pytest.fixture
def ann(tmp_path):
    return Ann(tmp_path)


def test_an_ordinary_submission_is_copied_as_it_is(ann):
    data = zipped({"1.png": ""})
    files = {RIGHT_NAME: BLANK, "timestamp.txt": "2026-01-01", "a/b/c.csv": "1", "data.zip": data}
    ann.hand_in(files)
    assert ann.take_in() == CLEAN
    assert ann.copy() == {path: as_bytes(content) for path, content in files.items()}


def test_hidden_things_are_left_out_silently(ann):
    ann.hand_in({RIGHT_NAME: BLANK, "sub/__pycache__/a.pyc": "", ".DS_Store": "", "__MACOSX/a": ""})
    ann.hand_in({"tensors-checkpoint.ipynb": OTHER}, f"{SECTION}/.ipynb_checkpoints/")
    assert ann.take_in() == CLEAN
    assert set(ann.copy()) == {RIGHT_NAME}


def test_links_and_special_files_are_left_out_and_named(ann):
    ann.hand_in({RIGHT_NAME: BLANK})
    folder = ann.folder / SECTION
    (ann.root / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(ann.root / "secret.txt")
    (folder / "up").symlink_to(ann.root)
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    said = ann.said()
    assert "`dangling`, `link.txt`, `up` were left out: links are not followed" in said
    assert "`fifo`, `socket` were left out: only ordinary files are taken." in said
    assert set(ann.copy()) == {RIGHT_NAME}


@pytest.mark.parametrize(
    "name",
    ["tensors (1).ipynb", "Tensors.ipynb", "tensors_final_ann.ipynb", "tensors.ipynb.txt"]
    + ["tensors.json", "tensors", "work/tensors.ipynb", "work/deep/Tensors (2).ipynb"],
)
@pytest.mark.parametrize("text", [ANSWERED, BLANK, OLD, WITHOUT_GRADE_IDS, "\ufeff" + ANSWERED])
def test_a_notebook_with_the_sections_cells_is_graded_whatever_its_name(ann, name, text):
    ann.hand_in({name: text})
    assert ann.said() == f"`{name}` was graded as `tensors.ipynb`."
    assert ann.copy() == {RIGHT_NAME: text.encode()}


@pytest.mark.parametrize("name", [RIGHT_NAME, "work/tensors (1).ipynb", "work\\tensors.ipynb"])
@pytest.mark.parametrize("within", [f"{SECTION}.zip", f"{SECTION}/hw.zip", SECTION])
def test_a_notebook_in_a_zip_is_graded(ann, name, within):
    ann.hand_in(
        {within: zipped({"work/": "", "__MACOSX/._a": "", "extra.csv": "1", name: BLANK})}, ""
    )
    label = f"{within}/{name}".replace(f"{SECTION}/hw", "hw")
    assert ann.said() == f"`{label}` was graded as `tensors.ipynb`."
    assert ann.graded() == BLANK
    assert any(path.endswith("extra.csv") for path in ann.copy())


def test_a_notebook_beside_the_submissions_folder_is_graded(ann):
    ann.hand_in({f"{SECTION}.ipynb": ANSWERED}, "")
    assert ann.said() == f"`{SECTION}.ipynb` was graded as `tensors.ipynb`."
    assert ann.copy() == {RIGHT_NAME: ANSWERED.encode()}


def test_a_folder_with_the_notebooks_name_is_looked_into(ann):
    ann.hand_in({"tensors.ipynb/tensors.ipynb": ANSWERED, "tensors.ipynb/helper.py": "x"})
    assert ann.said() == "`tensors.ipynb/tensors.ipynb` was graded as `tensors.ipynb`."
    assert set(ann.copy()) == {RIGHT_NAME, "helper.py"}


def test_what_is_in_the_way_of_the_notebook_is_left_out_and_named(ann):
    ann.hand_in({"tensors.ipynb/helper.py": "x", "work/t.ipynb": ANSWERED})
    assert "`tensors.ipynb/helper.py` was left out: something else has its place." in ann.said()
    assert ann.graded() == ANSWERED


def test_files_of_the_notebooks_folder_come_with_it_but_replace_nothing(ann):
    ann.hand_in({"data.csv": "top", "timestamp.txt": "2026-01-01"})
    ann.hand_in(
        {RIGHT_NAME: BLANK, "data.csv": "own", "a/b.csv": "1", "timestamp.txt": "2000-01-01"},
        f"{SECTION}/work/",
    )
    ann.said()
    files = {path: content.decode() for path, content in ann.copy().items() if path != RIGHT_NAME}
    own = {"work/data.csv": "own", "a/b.csv": "1", "work/timestamp.txt": "2000-01-01"}
    assert files == {"data.csv": "top", "timestamp.txt": "2026-01-01", **own}


@pytest.mark.parametrize(
    "files, best",
    [
        ({"tensors.ipynb": "{", "a.ipynb": BLANK}, "a.ipynb"),
        ({"tensors.ipynb": FOREIGN, "a.ipynb": BLANK}, "a.ipynb"),
        ({"tensors.ipynb": BLANK, "a.ipynb": ANSWERED}, "a.ipynb"),
        ({"tensors.ipynb": ANSWERED, "a.ipynb": OTHER}, "tensors.ipynb"),
        ({"tensors.ipynb": ANSWERED, "a.ipynb": BLANK}, "tensors.ipynb"),
        ({"tensors.ipynb": ANSWERED, "a/tensors.ipynb": OTHER}, "tensors.ipynb"),
        ({"a/tensors.ipynb": ANSWERED, "a.ipynb": OTHER}, "a/tensors.ipynb"),
        ({"tensors.ipynb": ANSWERED, "hw.zip": zipped({RIGHT_NAME: OTHER})}, "tensors.ipynb"),
        ({"b.ipynb": ANSWERED, "a.ipynb": ANSWERED}, "a.ipynb"),
    ],
)
def test_the_best_of_several_candidates_is_graded_and_all_are_named(ann, files, best):
    ann.hand_in(files, mtime=1_700_000_000)
    said, graded = ann.said(), ann.graded()
    assert said.startswith(f"`{best}` was graded")
    assert graded == files[best]
    for name in files.keys() - {best, "hw.zip"}:
        assert f"`{name}` was not." in said and (name == RIGHT_NAME or name not in ann.copy())


def test_of_equally_good_candidates_the_newest_is_graded(ann):
    ann.hand_in({"a.ipynb": ANSWERED}, mtime=1_600_000_000)
    ann.hand_in({"b.ipynb": OTHER}, mtime=1_700_000_000)
    assert ann.said().startswith("`b.ipynb` was graded as `tensors.ipynb`; `a.ipynb` was not.")


@pytest.mark.parametrize(
    "graded, other, is_to_be_checked",
    [
        (ANSWERED, OTHER, True),
        (ANSWERED, MORE, True),
        (MORE, ANSWERED, False),
        (ANSWERED, ANSWERED, False),
        (ANSWERED, notebook("x = 1  \n"), False),
        (notebook("if x:\n    y\n    z"), notebook("if x:\n    y\nz"), True),
        (ANSWERED, BLANK, False),
        (ANSWERED, notebook(" "), False),
        (ANSWERED, OLD, False),
        (ANSWERED, "{", False),
    ],
)
def test_a_person_is_asked_to_look_where_other_answers_were_not_graded(
    ann, graded, other, is_to_be_checked
):
    ann.hand_in({RIGHT_NAME: graded, "old/tensors.ipynb": other})
    said = ann.said()
    assert said.startswith("`tensors.ipynb` was graded; `old/tensors.ipynb` was not.")
    asked = "`old/tensors.ipynb` also holds answers, other ones: please check which one counts."
    assert (asked in said) == is_to_be_checked
    assert ann.graded() == graded


UNREADABLE = {
    "empty": b"",
    "truncated": ANSWERED[:-9],
    "binary": b"\x89PNG\0\xff",
    "not UTF-8": b'"\xff"',
    "nested": f'{{"nbformat": 4, "cells": {"[" * 10_000}',
    "nested in an answer": notebook(metadata=0).replace(
        '"metadata": 0', f'"m": {"[" * 10_000}{"]" * 10_000}'
    ),
    "huge number": notebook(nbformat=0).replace('"nbformat": 0', f'"nbformat": {"9" * 10_000}'),
    "a list": "[]",
    "a number": "1",
    "no cells": '{"nbformat": 4}',
    "cells are a number": '{"nbformat": 4, "cells": 1}',
    "a cell is a string": '{"nbformat": 4, "cells": ["double"]}',
    "a cell without text": '{"nbformat": 4, "cells": [{"id": "double"}]}',
    "text is a number": notebook(1),
    "nbformat 99": json.dumps({**json.loads(ANSWERED), "nbformat": 99}),
    "nbformat is a list": json.dumps({**json.loads(ANSWERED), "nbformat": [4]}),
    "worksheets are a dict": '{"nbformat": 3, "worksheets": {"cells": []}}',
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
class TestUnreadable:
    def test_it_is_passed_on_under_the_right_name(self, ann, content):
        ann.hand_in({RIGHT_NAME: content, "notes.txt": ""})
        assert ann.take_in() == CLEAN
        assert ann.copy()[RIGHT_NAME] == as_bytes(content)

    def test_it_gives_way_to_a_readable_one(self, ann, content):
        ann.hand_in({RIGHT_NAME: content, "a.ipynb": BLANK})
        assert ann.said() == "`a.ipynb` was graded as `tensors.ipynb`; `tensors.ipynb` was not."
        assert ann.graded() == BLANK

    def test_it_is_named_if_it_has_another_name(self, ann, content):
        ann.hand_in({"a.ipynb": content, "data.json": content, "notes.txt": content})
        reason = f"{WHERE} has no tensors.ipynb to grade: a.ipynb is not readable as a notebook"
        assert ann.take_in().reason.startswith(reason)


@pytest.mark.parametrize("content", [BLANK, OLD, "{"])
def test_a_notebook_under_the_right_name_without_known_cells_is_passed_on(ann, content):
    text = content.replace("double", "gone")
    ann.hand_in({RIGHT_NAME: text, "scratch.ipynb": FOREIGN})
    assert ann.take_in() == CLEAN
    assert set(ann.copy()) == {RIGHT_NAME, "scratch.ipynb"}


def test_an_unreadable_notebook_beside_the_one_graded_is_named(ann):
    ann.hand_in({RIGHT_NAME: BLANK, "tensors (1).ipynb": "{"})
    assert ann.said() == "`tensors (1).ipynb` is not readable as a notebook."


@pytest.mark.parametrize("name", ["convnets.ipynb", "work/Tensors.ipynb"])
@pytest.mark.parametrize("text", [FOREIGN, FOREIGN_WITHOUT_GRADE_IDS])
def test_a_notebook_of_another_section_is_a_reason(ann, name, text):
    ann.hand_in({name: text})
    expected = (
        f"{WHERE} has no tensors.ipynb to grade: {name} is a notebook, but not of this section"
    )
    assert ann.take_in() == Intake((), expected)


@pytest.mark.parametrize(
    "files, holding",
    [
        ({"x.csv": "", "a.py": "", "data/1.png": ""}, "a.py, data (a folder), x.csv"),
        ({"tensors.ipynb/a.py": ""}, "tensors.ipynb (a folder)"),
        ({".DS_Store": ""}, "nothing"),
        ({"hw.zip": zipped({"a.py": ""})}, "hw.zip"),
        ({"hw.zip": zipped({"in.zip": zipped({RIGHT_NAME: BLANK})})}, "hw.zip"),
        (
            {f"{n}.csv": "" for n in range(10, 20)},
            "10.csv, 11.csv, 12.csv, 13.csv, 14.csv, 15.csv and 4 more",
        ),
        ({f"a\n\x1b[31m\u202e`{'b' * 99}.py": ""}, rf"a\n\x1b[31m\u202e'{'b' * 22}…{'b' * 16}.py"),
        ({"caf\udce9.py": ""}, r"caf\udce9.py"),
        ({"data.json": '{"nbformat": 4}'}, "data.json"),
    ],
)
def test_a_submission_without_a_notebook_is_a_reason_with_what_it_holds(ann, files, holding):
    ann.hand_in(files)
    assert ann.take_in().reason == f"{WHERE} has no tensors.ipynb; it holds {holding}"


@pytest.mark.parametrize(
    "name, content, reason",
    [
        (SECTION, "Hello", " is neither a folder, a notebook nor a zip file"),
        (f"{SECTION}.zip", "Hello", ".zip was not unpacked: no zip file, damaged or too full"),
        (f"{SECTION}.zip", zipped({"a/b": ""}), ".zip has no tensors.ipynb; it holds a (a folder)"),
        (
            f"{SECTION}.ipynb",
            FOREIGN,
            ".ipynb has no tensors.ipynb to grade: 01_tensors.ipynb is a n",
        ),
    ],
)
def test_a_file_in_place_of_a_submission_without_a_notebook_is_a_reason(ann, name, content, reason):
    ann.hand_in({name: content}, "")
    assert ann.take_in().reason.startswith(f"{WHERE}{reason}")


def test_an_unreadable_notebook_called_like_the_section_is_passed_on(ann):
    ann.hand_in({f"{SECTION}.ipynb": "{"}, "")
    assert ann.said() == f"`{SECTION}.ipynb` was graded as `tensors.ipynb`."


@pytest.mark.parametrize("end", ["", ".ipynb", ".zip"])
def test_a_link_in_place_of_a_submission_is_a_reason(ann, end):
    ann.hand_in({RIGHT_NAME: ANSWERED}, "elsewhere/")
    target = f"elsewhere/{RIGHT_NAME}" if end else "elsewhere"
    (ann.folder / f"{SECTION}{end}").symlink_to(target)
    result = ann.take_in()
    assert result.reason.startswith(f"{WHERE}{end} was left out: links are not followed")
    assert result.repairs == ()


def test_a_fifo_in_place_of_a_submission_is_a_reason(ann):
    os.mkfifo(ann.folder / SECTION)
    assert ann.take_in().reason == f"{WHERE} was left out: only ordinary files are taken"


def test_a_submission_that_is_not_there_is_a_reason(ann):
    assert ann.take_in().reason == f"nothing was handed in as {WHERE}"


@pytest.mark.parametrize(
    "odd, why",
    [
        (zipped({"../a.ipynb": OTHER}), "names in a zip may not lead out of it"),
        (zipped({"a/../../b.ipynb": OTHER}), "names in a zip may not lead out of it"),
        (zipped({"/tmp/a.ipynb": OTHER}), "names in a zip may not lead out of it"),
        (zipped({"C:\\a.ipynb": OTHER}), "names in a zip may not lead out of it"),
        (
            zipped({member("a.ipynb", stat.S_IFLNK | 0o777): "/etc/passwd"}),
            "links are not followed",
        ),
        (zipped({member("a.ipynb", stat.S_IFIFO): ""}), "only ordinary files are taken"),
        (with_password(zipped({"a.ipynb": OTHER})), "packed with a password"),
        (zipped({"a.ipynb": OTHER}, zipfile.ZIP_LZMA), "packed by a method that is not supported"),
        (zipped({"a" * 300 + ".ipynb": OTHER}), "a path may have"),
        (zipped({"a/" * 60 + "a.ipynb": OTHER}), "a path may have"),
        (with_byte(zipped({"a.ipynb": OTHER}), 60, 0xFF), "damaged"),
    ],
)
@pytest.mark.parametrize("within", [f"{SECTION}.zip", f"{SECTION}/hw.zip"])
def test_odd_members_of_a_zip_are_left_out_and_named(ann, odd, why, within):
    ann.hand_in({RIGHT_NAME: ANSWERED})
    ann.hand_in({within: odd}, "")
    assert f".ipynb` was left out: {why}" in ann.said()
    assert set(ann.copy()) <= {RIGHT_NAME, "hw.zip"}


@pytest.mark.parametrize("data", [b"", b"PK", zipped({RIGHT_NAME: OTHER})[:-9]])
def test_a_damaged_zip_is_named(ann, data):
    ann.hand_in({RIGHT_NAME: ANSWERED, "hw.zip": data})
    assert ann.said() == "`hw.zip` was not unpacked: no zip file, damaged or too full."


def test_a_zip_that_lists_too_much_is_not_read(ann):
    ann.hand_in(
        {RIGHT_NAME: ANSWERED, "hw.zip": zipped({f"{n:0200}.ipynb": "" for n in range(5000)})}
    )
    assert ann.said() == "`hw.zip` was not unpacked: no zip file, damaged or too full."


def test_of_a_zip_with_many_files_the_notebook_is_taken(ann):
    files = {f"{n:04}.csv": "" for n in range(holdings.ZIP_FILES + 5)}
    ann.hand_in({f"{SECTION}.zip": zipped({**files, RIGHT_NAME: BLANK})}, "")
    many = (
        "`01_tensors.zip/1004.csv` were left out: 1,000 files is the most that is taken from a zip."
    )
    assert many in ann.said()
    assert len(ann.copy()) == holdings.ZIP_FILES


def test_what_a_zip_holds_is_counted_as_it_is_unpacked(ann, monkeypatch):
    monkeypatch.setattr(holdings, "ZIP_SIZE", 2 * holdings.MB)
    bombs = {"a.csv": "0" * 3 * holdings.MB, "b.csv": "0", RIGHT_NAME: BLANK}
    ann.hand_in({f"{SECTION}.zip": zipped(bombs)}, "")
    many = f"`{SECTION}.zip/a.csv`, `{SECTION}.zip/b.csv` were left out: 2 MB is the most"
    assert many in ann.said()
    assert set(ann.copy()) == {RIGHT_NAME}


def test_a_zip_that_lies_about_its_sizes_is_damaged(ann):
    data = zipped({"a.ipynb": OTHER * 1000})
    lying = data.replace(len(OTHER * 1000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    ann.hand_in({RIGHT_NAME: ANSWERED, "hw.zip": lying})
    assert ann.said() == "`hw.zip/a.ipynb` was left out: damaged."


def make_sparse(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_a_notebook_of_100_megabytes_passes(ann):
    make_sparse(ann.folder / SECTION / RIGHT_NAME, 100 * holdings.MB)
    assert ann.take_in() == CLEAN


def test_a_notebook_past_the_limit_is_a_reason(ann):
    make_sparse(ann.folder / SECTION / RIGHT_NAME, holdings.NOTEBOOK_SIZE + 1)
    reason = "has no tensors.ipynb to grade: tensors.ipynb has 257 MB, and 256 MB is the most"
    assert reason in ann.take_in().reason
    assert "clear its outputs" in ann.take_in().reason


def test_a_notebook_past_the_limit_gives_way_to_another(ann):
    make_sparse(ann.folder / SECTION / RIGHT_NAME, holdings.NOTEBOOK_SIZE + 1)
    ann.hand_in({"a.ipynb": ANSWERED})
    assert "`a.ipynb` was graded as `tensors.ipynb`; `tensors.ipynb` was not." in ann.said()


def test_a_submission_past_the_limit_is_a_reason(ann):
    ann.hand_in({RIGHT_NAME: ANSWERED})
    make_sparse(ann.folder / SECTION / "data.bin", holdings.SIZE)
    reason = f"{WHERE} holds 1,025 MB, and 1,024 MB is the most that can be graded: leave out data"
    assert ann.take_in().reason.startswith(reason)


@pytest.mark.parametrize(
    "name, content", [("x{}.csv", ""), ("x{}.zip", zipped({"a.ipynb": "", "b": ""}))]
)
def test_a_submission_of_too_many_files_is_a_reason(ann, monkeypatch, name, content):
    monkeypatch.setattr(holdings, "FILES", 20)
    ann.hand_in({name.format(n): content for n in range(20 if not content else 10)})
    assert ann.take_in().reason.startswith(f"{WHERE} holds more than 20 files")


def test_too_much_out_of_zips_is_a_reason(ann, monkeypatch):
    monkeypatch.setattr(holdings, "SIZE", 2 * holdings.MB)
    ann.hand_in({f"{SECTION}.zip": zipped({RIGHT_NAME: " " * 3 * holdings.MB})}, "")
    assert ann.take_in().reason.startswith(f"{WHERE}.zip holds 3 MB, and 2 MB is the most")


def test_odd_names_break_nothing(ann):
    names = ["caf\udce9.csv", "a\nb", "*?[x]", "-rf", "ü" * 100, " ", "a`b", "nul\x01"]
    ann.hand_in({RIGHT_NAME: BLANK, **dict.fromkeys(names, "1")})
    assert ann.take_in() == CLEAN
    assert set(ann.copy()) == {RIGHT_NAME, *names}


def test_names_are_shown_safely(ann):
    ann.hand_in({"a\n`\udce9.ipynb": BLANK})
    assert ann.said() == r"`a\n'\udce9.ipynb` was graded as `tensors.ipynb`."


def test_folders_nested_without_end_are_left_out_and_named(ann):
    ann.hand_in({RIGHT_NAME: BLANK})
    here = os.open(ann.folder / SECTION, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("deep", dir_fd=here)
        inner = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    result = take_in(ann.root, SECTION, "ann", [TENSORS], ann.into)
    assert "was left out: a path may have 1,000 bytes and 50 folders." in result.repairs[0]
    assert set(ann.copy()) == {RIGHT_NAME}
    assert ann.fingerprint() == ann.fingerprint()


@pytest.fixture
def closed(monkeypatch):
    """Files called closed.csv and folders called closed, which even root may not read."""
    really_open, really_list = os.open, Path.iterdir

    def open_(path, *args, **kwargs):
        if Path(path).name == "closed.csv":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really_open(path, *args, **kwargs)

    def iterdir(path):
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really_list(path)

    monkeypatch.setattr(holdings.os, "open", open_)
    monkeypatch.setattr(Path, "iterdir", iterdir)


def test_what_may_not_be_read_is_left_out_and_named(ann, closed):
    ann.hand_in({RIGHT_NAME: BLANK, "closed.csv": "1", "closed/a.csv": "1"})
    result = take_in(ann.root, SECTION, "ann", [TENSORS], ann.into)
    assert result.repairs == ("`closed`, `closed.csv` were left out: could not be read.",)


def test_what_may_not_be_read_counts_for_the_fingerprint_by_its_name(ann, closed):
    ann.hand_in({"closed.csv": "1"})
    before = ann.fingerprint()
    ann.hand_in({"closed.csv": "2"})
    assert ann.fingerprint() == before
    ann.hand_in({"b.csv": "1"})
    assert ann.fingerprint() != before


def test_a_full_disk_leaves_nothing_half_made(ann):
    ann.hand_in({"data.csv": "1" * 9000, RIGHT_NAME: BLANK})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            ann.take_in()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(ann.into.parent.iterdir()) == []


def test_what_a_killed_run_left_is_swept_away(ann):
    ann.hand_in({RIGHT_NAME: BLANK})
    (ann.into.parent / ".ann.part" / "copy").mkdir(parents=True)
    assert ann.take_in() == CLEAN


def test_a_copy_is_never_overwritten(ann):
    ann.hand_in({RIGHT_NAME: BLANK})
    ann.into.mkdir()
    with pytest.raises(FileExistsError):
        ann.take_in()


def test_a_section_may_expect_several_notebooks(ann):
    flat = json.dumps({"nbformat": 4, "cells": [cell("double", "1"), cell("flat", "y")]})
    ann.hand_in({"Tensors.ipynb": MORE, "b.ipynb": flat})
    repairs = [
        "`Tensors.ipynb` was graded as `tensors.ipynb`.",
        "`b.ipynb` was graded as `reshaping.ipynb`.",
    ]
    assert ann.said(TENSORS, RESHAPING) == " ".join(repairs)
    assert ann.copy() == {RIGHT_NAME: MORE.encode(), "reshaping.ipynb": flat.encode()}


def test_notebooks_with_the_same_cells_are_told_apart_by_name(ann):
    text = json.dumps({"nbformat": 4, "cells": [cell("double", "1")]})
    ann.hand_in({RIGHT_NAME: text, "reshaping.ipynb": text, "notes.json": text[:-1]})
    assert ann.take_in(TENSORS, RESHAPING) == CLEAN


def test_one_of_several_notebooks_is_enough_to_grade(ann):
    ann.hand_in({RIGHT_NAME: ANSWERED})
    assert (
        ann.said(TENSORS, RESHAPING) == f"{WHERE} has no reshaping.ipynb; it holds tensors.ipynb."
    )


def test_none_of_several_notebooks_is_a_reason(ann):
    ann.hand_in({"a.py": ""})
    assert ann.take_in(TENSORS, RESHAPING).reason.count("has no") == 2


def test_students_are_found_whatever_they_handed_in(tmp_path):
    assert handed_in(tmp_path, SECTION) == []
    for name in ["zoe/01_tensors/", "bob/01_tensors.zip", "eve/01_tensors", "dan/01_tensors.ipynb"]:
        path = tmp_path / "submitted" / name
        path.parent.mkdir(parents=True)
        path.mkdir() if name.endswith("/") else path.touch()
    for name in [".hidden/01_tensors/", "late/02_mnist_dense/", "idle/"]:
        (tmp_path / "submitted" / name).mkdir(parents=True)
    (tmp_path / "submitted" / "README.md").touch()
    (tmp_path / "submitted" / "b\udce9").mkdir()
    (tmp_path / "submitted" / "b\udce9" / SECTION).symlink_to("nowhere")
    assert handed_in(tmp_path, SECTION) == ["bob", "b\udce9", "dan", "eve", "zoe"]


def test_equal_submissions_have_equal_fingerprints(ann, tmp_path):
    other = Ann(tmp_path / "elsewhere" / "x")
    for student in (ann, other):
        student.hand_in({"b.csv": "1", "a/c.csv": "2", "caf\udce9": "3"})
        (student.folder / SECTION / "link").symlink_to("nowhere")
        os.mkfifo(student.folder / SECTION / "fifo")
    ann.hand_in({".DS_Store": "1"})
    assert ann.fingerprint() == other.fingerprint()
    assert len(ann.fingerprint()) == 64


def make_link(ann):
    (ann.folder / SECTION / "a.csv").unlink()
    (ann.folder / SECTION / "a.csv").symlink_to("b.csv")


CHANGES = {
    "other bytes": lambda ann: ann.hand_in({"a.csv": "2"}),
    "another file": lambda ann: ann.hand_in({"c.csv": ""}),
    "another folder": lambda ann: (ann.folder / SECTION / "c").mkdir(),
    "another name": lambda ann: (ann.folder / SECTION / "a.csv").rename(ann.folder / SECTION / "c"),
    "a link for a file": make_link,
    "a zip beside": lambda ann: ann.hand_in({f"{SECTION}.zip": ""}, ""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_changes_the_fingerprint(ann, change):
    ann.hand_in({"a.csv": "1", "b.csv": "1"})
    before = ann.fingerprint()
    change(ann)
    assert ann.fingerprint() != before


def test_a_submission_past_all_limits_has_a_fingerprint_at_once(ann):
    make_sparse(ann.folder / SECTION / "data.bin", 2**40)
    assert ann.fingerprint()
