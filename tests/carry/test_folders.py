"""Folders: a student's function works in a copy, and the test sees how it was left."""

import hashlib
import json
import zipfile
from pathlib import Path

import keras
import pytest

from dlcourse import check
from dlcourse.check.folders import DEEPEST, LIVE, MOST_FILES
from dlcourse.grade.carry import CarryError, Limits, pack, unpack

PICTURES = {"flat/cat.0.jpg": b"cat", "flat/dog.0.jpg": b"dog"}
SPLIT = """
import shutil
def answer(flat, small):
    for name in ("cat", "dog"):
        (small / "train" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(flat / f"{name}.0.jpg", small / "train" / name)
    return small / "train"
"""
SAVE = """
import keras
def answer(path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
"""


def locally(source, *args):
    """A student's function, called in this process."""
    names = {}
    exec(source, names)
    return names["answer"](*args)


@pytest.fixture(params=["live", "carried"])
def either_way(request):
    """Calls a student's function here, or in a process of its own."""
    return locally if request.param == "live" else request.getfixturevalue("call")


def file(data):
    return check.File(len(data), hashlib.sha256(data).hexdigest())


def archive(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)


def failure(function, *args):
    with pytest.raises(check.CheckFailed) as caught:
        function(*args)
    return str(caught.value)


def test_a_folder_holds_the_files_it_is_made_of():
    folder = check.Folder(PICTURES)
    assert (folder.path / "flat" / "cat.0.jpg").read_bytes() == b"cat"
    assert folder.tree("flat") == {"cat.0.jpg": file(b"cat"), "dog.0.jpg": file(b"dog")}


def test_a_folder_is_removed_with_its_last_name():
    folder = check.Folder(PICTURES)
    path = folder.path
    del folder
    assert not path.exists()


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../b", "a\0", "x/" * 30])
def test_a_folder_has_no_names_that_lead_elsewhere(name):
    with pytest.raises(ValueError, match="is no name of something inside a folder"):
        check.Folder({name: b""})


def test_what_a_function_makes_in_a_folder_is_seen(either_way):
    folder = check.Folder(PICTURES)
    either_way(SPLIT, folder.path / "flat", folder.path / "small")
    assert folder.tree("small") == {
        "train/cat/cat.0.jpg": file(b"cat"),
        "train/dog/dog.0.jpg": file(b"dog"),
    }
    assert folder.tree("flat") == {"cat.0.jpg": file(b"cat"), "dog.0.jpg": file(b"dog")}


def test_a_path_that_a_function_returns_is_one_of_the_folder(either_way):
    folder = check.Folder(PICTURES)
    result = either_way(SPLIT, folder.path / "flat", folder.path / "small")
    assert result == folder.path / "small" / "train"


def test_a_second_call_finds_what_the_first_one_left(either_way):
    source = "def answer(path): (path / str(len(list(path.iterdir())))).touch()"
    folder = check.Folder()
    either_way(source, folder.path)
    either_way(source, folder.path)
    assert list(folder.tree()) == ["0", "1"]


def test_what_a_function_removes_is_gone(either_way):
    source = "import shutil\ndef answer(path): shutil.rmtree(path)"
    folder = check.Folder(PICTURES)
    either_way(source, folder.path)
    assert folder.tree() == {}


def test_links_and_pipes_are_no_files(either_way):
    source = """
import os
def answer(path):
    (path / "link").symlink_to("/etc/hostname")
    (path / "folder").symlink_to("/etc")
    os.mkfifo(path / "pipe")
"""
    folder = check.Folder({"a": b"a"})
    either_way(source, folder.path)
    assert list(folder.tree()) == ["a"]


def test_a_folder_of_too_many_files_is_said_so(either_way):
    source = f"def answer(path): [(path / str(i)).touch() for i in range({MOST_FILES + 1})]"
    folder = check.Folder()
    either_way(source, folder.path)
    assert failure(folder.tree) == "There are more than 10,000 files to look at."


def test_a_file_of_a_terabyte_of_nothing_is_said_so(either_way):
    source = "import os\ndef answer(path): path.touch(); os.truncate(path, 2**40)"
    folder = check.Folder()
    either_way(source, folder.path / "holes")
    assert failure(folder.tree) == "The files have more than 1,024 MB."


def test_folders_deep_inside_folders_are_said_so():
    folder = check.Folder()
    path = folder.path.joinpath(*"x" * DEEPEST, "file")
    path.parent.mkdir(parents=True)
    path.touch()
    assert failure(folder.tree).startswith("The folder cannot be looked through")


def test_a_path_elsewhere_crosses_as_a_path(trip):
    check.Folder(PICTURES)
    assert trip(Path("/tmp/elsewhere")) == Path("/tmp/elsewhere")
    assert trip(Path("flat")) == Path("flat")


def test_a_path_that_leaves_a_folder_is_not_in_it(trip):
    folder = check.Folder(PICTURES)
    outside = folder.path / ".." / "elsewhere"
    assert trip(outside) == outside


def test_the_paths_of_one_folder_take_its_contents_along_once():
    folder = check.Folder(PICTURES)
    assert len(pack([folder.path / "flat", folder.path])) == 1 + len(PICTURES)


def test_a_folder_over_the_limit_does_not_cross(refusal):
    folder = check.Folder({"large": bytes(10**5)})
    assert "it is larger than 50000 bytes" in refusal(folder.path, limits=Limits(size=50_000))


def test_a_saved_model_is_read_without_being_built(either_way):
    folder = check.Folder()
    either_way(SAVE, folder.path / "model.keras")
    saved = folder.saved("model.keras")
    assert saved.config["class_name"] == "Sequential"
    kinds = [layer["class_name"] for layer in saved.config["config"]["layers"]]
    assert kinds == ["InputLayer", "Dense"]
    assert saved.sizes["model.weights.h5"] > 4 * 8


def test_a_saved_model_that_is_not_there_is_said_so(either_way):
    folder = check.Folder(PICTURES)
    either_way("def answer(path): (path / 'model.h5').touch()", folder.path)
    message = "There is no file `model.keras`; there is: flat/cat.0.jpg, flat/dog.0.jpg, model.h5."
    assert failure(folder.saved, "model.keras") == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"no zip"), "is not a saved Keras model (BadZipFile)"),
        (lambda path: path.touch(), "is not a saved Keras model (BadZipFile)"),
        (lambda path: archive(path, {"a": b""}), "is not a saved Keras model (KeyError)"),
        (lambda path: archive(path, {"config.json": b"{"}), "(JSONDecodeError)"),
        (lambda path: archive(path, {"config.json": b"[]"}), "config.json that describes no model"),
        (lambda path: archive(path, {"config.json": b"[" * 10**6}), "(RecursionError)"),
        (lambda path: archive(path, {"config.json": b"9" * 5000}), "(ValueError)"),
        (lambda path: archive(path, {"config.json": bytes(2**26)}), "has more than 4 MB"),
        (lambda path: archive(path, dict.fromkeys(map(str, range(10**4)), b"")), "lists thousands"),
        (
            lambda path: archive(path, {"config.json": b"{}"}, zipfile.ZIP_LZMA),
            "compressed in a way that Keras does not use",
        ),
    ],
    ids=["not a zip", "empty", "no config", "no JSON", "no model", "deep", "long number"]
    + ["zip bomb", "many members", "LZMA"],
)
def test_a_hostile_saved_model_is_a_sentence(make, message):
    folder = check.Folder()
    make(folder.path / "model.keras")
    assert message in failure(folder.saved, "model.keras")


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("change", ["cut", "turned"])
def test_a_damaged_saved_model_is_a_sentence_or_what_it_was(place, change, tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    data = bytearray(path.read_bytes())
    where = int(place * len(data))
    if change == "cut":
        del data[where:]
    else:
        data[where : where + 20] = bytes(byte ^ 255 for byte in data[where : where + 20])
    folder = check.Folder({"model.keras": bytes(data)})
    try:
        assert folder.saved("model.keras").config["class_name"] == "Sequential"
    except check.CheckFailed as failed:
        assert str(failed).startswith("`model.keras` is not a saved Keras model")


def test_the_contents_of_other_files_do_not_come_back(call):
    folder = check.Folder()
    call("def answer(path): (path / 'notes.txt').write_text('secret')", folder.path)
    assert "too large to be looked into, or not a .keras file" in failure(folder.saved, "notes.txt")


KEY = "0" * 32
FILES = {"k": "folder", "key": KEY, "at": ".", "files": [["a", 0]]}
LEFT = {"k": "folder", "at": ".", "left": [["a", 3, "0" * 64]]}


@pytest.mark.parametrize(
    "node",
    [
        FILES | {"key": 1},
        FILES | {"key": "a" * 100},
        FILES | {"at": "../.."},
        FILES | {"at": "/etc"},
        FILES | {"at": None},
        FILES | {"files": None},
        FILES | {"files": [["a", 5]]},
        FILES | {"files": [["../a", 0]]},
        FILES | {"files": [["/a", 0]]},
        FILES | {"files": [["a/./b", 0]]},
        FILES | {"files": [["", 0]]},
        FILES | {"files": [["\ud800", 0]]},
        FILES | {"files": [[["a"], 0]]},
        FILES | {"files": [["a"]]},
        FILES | {"files": [["a", 0], ["a/b", 0]]},
        FILES | {"files": [[f"{number}", 0] for number in range(MOST_FILES + 1)]},
        FILES | {"files": [["/".join([f"{n}", *"x" * 18, "y"]), 0] for n in range(600)]},
        LEFT | {"left": [["a", -3, "0" * 64]]},
        LEFT | {"left": [["a", 3, "0"]]},
        LEFT | {"left": [["a", 3, 0]]},
        LEFT | {"left": [["../a", 3, "0" * 64]]},
        LEFT | {"left": [["a", 3, "0" * 64, 9]]},
        LEFT | {"left": [["a"]]},
        LEFT | {"left": {}},
        LEFT | {"why": 3},
    ],
    ids=lambda node: json.dumps(node)[:90],
)
def test_what_is_no_folder_is_not_unpacked(node, frames):
    folder = check.Folder()
    with pytest.raises(CarryError):
        unpack(frames({"key": folder.key} | node, b"data"))
    assert folder.tree() == {}
    assert KEY not in LIVE


def test_another_side_says_nothing_about_a_folder_but_how_it_was_left(frames):
    folder = check.Folder({"a": b"mine"})
    unpack(frames(FILES | {"key": folder.key}, b"theirs"))
    assert (folder.path / "a").read_bytes() == b"mine"
    unpack(frames(LEFT | {"key": folder.key}))
    assert folder.tree() == {"a": check.File(3, "0" * 64)}
