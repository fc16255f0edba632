"""What `dlcourse data cats-and-dogs` makes of what there is, on archives of a dozen pictures."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlcourse.data import DataError, SyntheticDataWarning, collection, tree
from dlcourse.data.cats_and_dogs import CATS_AND_DOGS, Published, find, load, prepare
from dlcourse.settings import Settings

SPLITS = (("train", 3), ("validation", 2), ("test", 1))
COUNT = 6  # of each kind
MORE = 9  # as many an archive has


def jpeg(seed: int, form: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(256, size=(20 + seed % 7, 24, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def kaggle(count: int = MORE) -> dict[str, bytes]:
    """What Kaggle's archive holds, by name."""
    return {
        f"train/{kind}.{i}.jpg": jpeg(1000 * k + i)
        for k, kind in enumerate(("cat", "dog"))
        for i in range(count)
    }


def microsoft() -> dict[str, bytes]:
    files = {
        f"PetImages/{kind}/{i}.jpg": jpeg(1000 * k + i)
        for k, kind in enumerate(("Cat", "Dog"))
        for i in range(MORE)
    }
    return files | {
        "PetImages/Cat/Thumbs.db": b"thumbs",
        "readme[1].txt": b"text",
        "MSR-LA - 3467.docx": b"PK",
    }


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def archive() -> bytes:
    return zipped(microsoft())


@pytest.fixture
def server(serve, archive):
    server = serve(archive)
    server.url = server.url.replace("mnist.npz", "kagglecatsanddogs_5340.zip")
    return server


@pytest.fixture
def published(server, archive) -> Published:
    return Published(server.url, len(archive), hashlib.sha256(archive).hexdigest(), SPLITS)


@pytest.fixture
def configured(tmp_path):
    """Settings with a cache folder of this test's own."""

    def make(source: str = "real", mirror: Path | None = None) -> Settings:
        cache = tmp_path / "cache"
        return Settings(profile="fast", source=source, mirror=mirror, cache=cache, grading=False)

    return make


@pytest.fixture
def from_mirror(configured, mirror, published):
    """Prepares what a mirror holds under the name of Kaggle's zip; the folder."""

    def make(files: dict[str, bytes], name: str = "dogs-vs-cats-200px.zip") -> Path:
        (mirror / name).write_bytes(zipped(files))
        return load(configured("real", mirror), published)

    return make


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def manifest(small: Path) -> dict:
    return json.loads((small.parent / "manifest.json").read_text())


EXPECTED = {
    f"{split}/{kind}s/{kind}.{i}.jpg"
    for kind in ("cat", "dog")
    for split, numbers in (("train", (0, 1, 2)), ("validation", (3, 4)), ("test", (5,)))
    for i in numbers
}


# --- where pictures come from -------------------------------------------------------------------

LAYOUTS = {
    "dogs-vs-cats-200px.zip": lambda: zipped(kaggle()),
    "train.zip": lambda: zipped(kaggle()),
    "dogs-vs-cats.zip": lambda: zipped({"train.zip": zipped(kaggle()), "test1.zip": b"?"}),
    "kagglecatsanddogs_5340.zip": lambda: zipped(microsoft()),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_mirror_may_hold_the_archive_in_every_published_form(
    configured, mirror, published, server, name
):
    (mirror / name).write_bytes(LAYOUTS[name]())
    settings = configured("real", mirror)
    assert names(load(settings, published)) == EXPECTED
    assert find(settings, published).kind == "real"
    assert server.ranges == []


@pytest.mark.parametrize(
    "folder_and_files",
    [
        (".", kaggle()),
        ("dogs-vs-cats", kaggle()),
        (".", {name: content for name, content in microsoft().items() if "Pet" in name}),
    ],
    ids=["train", "dogs-vs-cats/train", "PetImages"],
)
def test_a_mirror_may_hold_the_pictures_as_a_folder(
    configured, mirror, published, folder_and_files
):
    folder, files = folder_and_files
    write_folder(mirror / folder, files)
    assert names(load(configured("real", mirror), published)) == EXPECTED


@pytest.mark.parametrize("source", ["real", "synthetic"])
def test_what_was_prepared_in_one_cache_is_read_where_it_is_the_mirror(
    configured, mirror, published, source
):
    (mirror / "dogs-vs-cats-200px.zip").write_bytes(zipped(kaggle()))
    prepared = load(configured(source, mirror), published)
    theirs = configured().cache
    settings = replace(configured(source, theirs), cache=theirs.with_name("own"))
    assert load(settings, published) == prepared
    assert not settings.cache.exists()


def test_files_that_belong_to_no_picture_are_no_pictures(from_mirror):
    strays = {
        "train/._cat.0.jpg": b"of a Mac",
        "test1/1.jpg": jpeg(7),
        "train/cat.jpg": jpeg(8),
        "train/Thumbs.db": b"of Windows",
    }
    small = from_mirror(kaggle() | strays)
    assert (names(small), manifest(small)["skipped"]) == (EXPECTED, [])


@pytest.mark.parametrize("source", ["real", "auto"])
def test_the_archive_is_downloaded_where_there_is_none(configured, published, source):
    assert names(load(configured(source), published)) == EXPECTED


def test_a_broken_download_goes_on_where_it_stopped(configured, serve):
    archive = zipped(microsoft() | {"PetImages/more.bin": bytes(200_000)})
    server = serve(archive)
    server.break_after = [131_072]
    assert names(load(configured(), Published(server.url, len(archive), "", SPLITS))) == EXPECTED
    assert server.ranges == [None, "bytes=131072-"]


def test_a_downloaded_archive_makes_room_once_its_pictures_are_here(configured, published):
    settings = configured()
    load(settings, published)
    assert [path for path in settings.cache.rglob("*.zip*") if path.suffix != ".lock"] == []


def test_pictures_that_were_downloaded_once_are_at_hand_without_network(
    configured, published, server
):
    settings = configured()
    load(settings, published)
    code = (
        "import sys; from pathlib import Path\n"
        "from dlcourse.data.cats_and_dogs import Published, find\n"
        "from dlcourse.settings import Settings\n"
        "settings = Settings('fast', 'real', None, Path(sys.argv[1]), False)\n"
        f"published = Published('http://127.0.0.1:1/x.zip', 9, '', {SPLITS})\n"
        "print(find(settings, published).where)\n"
    )
    later = subprocess.run(
        [sys.executable, "-c", code, settings.cache], capture_output=True, text=True, check=True
    )
    assert later.stdout == "Real cats and dogs, from the cache.\n"


@pytest.mark.parametrize(
    ("reported", "said"), [(None, "is the one that others report"), ("0" * 64, "others report 000")]
)
def test_a_hash_that_only_others_report_is_compared_and_said(
    configured, server, archive, reported, said
):
    reported = reported or hashlib.sha256(archive).hexdigest()
    published = Published(server.url, len(archive), reported, SPLITS)
    assert said in prepare(configured(), published)


# --- what is made of them -----------------------------------------------------------------------


def test_files_are_the_archives_own_bytes(from_mirror):
    files = kaggle()
    small = from_mirror(files)
    for path in small.rglob("*.jpg"):
        assert path.read_bytes() == files[f"train/{path.name}"]


def test_the_same_pictures_lie_unsorted_beside_as_kaggle_has_them(from_mirror):
    small = from_mirror(kaggle())
    assert names(small.parent / "original") == {Path(name).name for name in EXPECTED}


def test_no_picture_is_in_two_splits(from_mirror):
    small = from_mirror(kaggle())
    contents = [path.read_bytes() for path in small.rglob("*.jpg")]
    assert len(set(contents)) == len(contents) == 2 * COUNT


def test_numbers_are_taken_in_their_order_not_as_text(from_mirror):
    small = from_mirror(kaggle(count=12))
    assert "test/cats/cat.5.jpg" in names(small)
    assert "train/cats/cat.10.jpg" not in names(small)


BROKEN = {
    "is empty": b"",
    "is no picture": b"<html>no such page</html>",
    "cannot be decoded": jpeg(1)[:-200],
    "is not JPEG, but PNG": jpeg(1, "PNG"),
    "is the same picture as train/cat.0.jpg": jpeg(0),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_picture_that_cannot_be_used_is_replaced_by_the_next_number(from_mirror, problem):
    small = from_mirror(kaggle() | {"train/dog.1.jpg": BROKEN[problem]})
    assert len(names(small)) == 2 * COUNT
    assert "train/dogs/dog.3.jpg" in names(small)
    assert "train/dogs/dog.1.jpg" not in names(small)


@pytest.mark.parametrize("problem", BROKEN)
def test_a_picture_that_cannot_be_used_is_named_with_the_reason(
    configured, mirror, published, problem
):
    files = kaggle() | {"train/dog.1.jpg": BROKEN[problem]}
    (mirror / "train.zip").write_bytes(zipped(files))
    assert f"train/dog.1.jpg {problem}" in prepare(configured("real", mirror), published)


def test_a_picture_with_a_wrong_checksum_in_the_zip_is_left_out(configured, mirror, published):
    content = zipped(kaggle())
    victim = kaggle()["train/cat.2.jpg"]
    (mirror / "train.zip").write_bytes(content.replace(victim, victim[:-9] + b"123456789"))
    said = prepare(configured("real", mirror), published)
    assert "train/cat.2.jpg cannot be read (Bad CRC-32" in said


def test_the_manifest_records_name_hash_split_and_source(from_mirror, mirror):
    small = from_mirror(kaggle() | {"train/cat.0.jpg": b""})
    written = manifest(small)
    for picture in written["pictures"]:
        kind = picture["name"][:3]
        path = small / picture["split"] / f"{kind}s" / picture["name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == picture["sha256"]
    assert len(written["pictures"]) == 2 * COUNT
    assert written["skipped"] == [{"member": "train/cat.0.jpg", "problem": "is empty"}]
    archive = mirror / "dogs-vs-cats-200px.zip"
    assert written["source"] == {
        "kind": "real",
        "name": archive.name,
        "bytes": archive.stat().st_size,
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
    }


# --- a second run -------------------------------------------------------------------------------


def state(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_second_run_does_nothing(configured, mirror, published):
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    settings = configured("real", mirror)
    assert "Nothing was left to do" not in prepare(settings, published)
    before = state(settings.cache)
    assert "Nothing was left to do" in prepare(settings, published)
    assert state(settings.cache) == before


def test_a_prepared_folder_may_be_read_only(configured, mirror, published):
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    settings = configured("real", mirror)
    small = load(settings, published)
    (small.parents[1] / "train.lock").unlink()
    load(settings, published)
    assert not (small.parents[1] / "train.lock").exists()


def test_another_archive_in_the_mirror_is_noticed(configured, mirror, published):
    settings = configured("real", mirror)
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    load(settings, published)
    other = kaggle() | {"train/cat.0.jpg": jpeg(77)}
    (mirror / "train.zip").write_bytes(zipped(other | {"more": b"more"}))
    small = load(settings, published)
    assert (small / "train/cats/cat.0.jpg").read_bytes() == jpeg(77)


def test_an_archive_and_a_folder_of_the_same_name_are_not_mistaken(configured, mirror, published):
    settings = configured("real", mirror)
    (mirror / "train.zip").write_bytes(zipped(kaggle() | {"train/cat.0.jpg": jpeg(77)}))
    load(settings, published)
    (mirror / "train.zip").unlink()
    write_folder(mirror, kaggle())
    small = load(replace(settings, grading=True), published)
    assert (small / "train/cats/cat.0.jpg").read_bytes() == jpeg(0)


def test_what_a_killed_run_left_is_not_used_however_complete(
    configured, mirror, published, server, tmp_path
):
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    prepared = load(configured("real", mirror), published).parent
    prepared.rename(prepared.with_name("train.part"))
    server.status = 404
    with pytest.raises(DataError, match="answered 404"):
        load(configured("real"), published)


SPOILED = {
    "a picture is missing": lambda small: (small / "train/cats/cat.0.jpg").unlink(),
    "a picture is shorter": lambda small: (small / "test/dogs/dog.5.jpg").write_bytes(b"x"),
    "a picture too many": lambda small: (small / "train/cats/own.jpg").write_bytes(jpeg(3)),
    "no manifest": lambda small: (small.parent / "manifest.json").unlink(),
    "half a manifest": lambda small: (small.parent / "manifest.json").write_text('{"pictures": ['),
    "no folder": lambda small: shutil.rmtree(small),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_folder_that_is_not_as_it_was_prepared_is_made_anew(
    configured, mirror, published, how, capfd
):
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    settings = configured("real", mirror)
    small = load(settings, published)
    SPOILED[how](small)
    assert names(load(settings, published)) == EXPECTED
    assert "is not as it was prepared. It is made anew." in capfd.readouterr().err


# --- what cannot be used ------------------------------------------------------------------------

CATS = {name: content for name, content in kaggle().items() if "cat" in name}
REFUSED = {
    "holds 9 pictures of cats, but none of a dog": zipped(CATS),
    "holds no pictures of cats and dogs: nothing in it is named like": zipped({"a.txt": b"text"}),
    "cannot be read as a zip file": b"<html>Please log in</html>",
    "holds 5 pictures of cats that can be used, and 6 are needed": zipped(kaggle(count=5)),
    "has a broken train.zip inside": zipped({"train.zip": b"no zip"}),
}


@pytest.mark.parametrize("source", ["real", "auto"])
@pytest.mark.parametrize("problem", REFUSED)
def test_an_archive_that_cannot_be_used_is_named_and_refused(
    configured, mirror, published, problem, source
):
    (mirror / "dogs-vs-cats.zip").write_bytes(REFUSED[problem])
    with pytest.raises(DataError, match=problem) as failure:
        load(configured(source, mirror), published)
    said = str(failure.value)
    assert "dogs-vs-cats.zip" in said
    assert "DLCOURSE_SOURCE=synthetic" in said
    assert "\n" not in said


def test_a_broken_picture_that_nothing_can_replace_is_named(configured, mirror, published):
    files = kaggle(COUNT) | {"train/dog.4.jpg": jpeg(4)[:-200]}
    (mirror / "train.zip").write_bytes(zipped(files))
    with pytest.raises(DataError, match="5 pictures of dogs .*train/dog.4.jpg cannot be decoded"):
        load(configured("real", mirror), published)


def test_a_mirror_folder_without_one_class_is_named(configured, mirror, published):
    write_folder(mirror, CATS)
    with pytest.raises(DataError, match=f"{mirror}/train holds 9 .*cats, but none of a dog"):
        load(configured("real", mirror), published)


def test_after_a_refusal_nothing_is_left(configured, mirror, published):
    (mirror / "train.zip").write_bytes(zipped(kaggle(count=5)))
    settings = configured("real", mirror)
    with pytest.raises(DataError):
        load(settings, published)
    left = names(settings.cache)
    assert left == {"cats-and-dogs/train.lock"}


def test_a_mirror_without_pictures_is_named_when_nothing_else_helps(
    configured, mirror, published, server
):
    server.status = 404
    with pytest.raises(DataError, match=f"none of dogs-vs-cats.zip, .* in {mirror} .*answered 404"):
        load(configured("real", mirror), published)


def test_a_disk_too_small_for_the_download_is_said_before_anything_is_asked(configured, server):
    published = Published(server.url, 10**18, "", SPLITS)
    with pytest.raises(DataError, match="needs 1,400,000,000,000 MB in .*DLCOURSE_CACHE"):
        load(configured(), published)
    assert server.ranges == []


def test_a_disk_too_small_for_the_pictures_is_said_before_one_is_written(tmp_path):
    huge = {kind: [collection.Picture(kind, 0, kind, 10**18)] for kind in ("cat", "dog")}
    pictures = collection.Collection("train.zip", huge, lambda picture: b"")
    with pytest.raises(DataError, match="taken from train.zip needs 4,000,000,000,000 MB"):
        tree.write_tree(pictures, tmp_path, (("train", 1),), {"kind": "real"})
    assert names(tmp_path) == set()


def test_a_cache_that_cannot_be_written_is_named_before_a_download(
    configured, published, tmp_path, server
):
    (tmp_path / "cache").touch()
    with pytest.raises(DataError, match="could not be written .*DLCOURSE_CACHE"):
        load(configured("real"), published)
    assert server.ranges == []


def test_a_cache_that_cannot_be_written_is_named(configured, mirror, published, tmp_path):
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    (tmp_path / "cache").touch()
    with pytest.raises(DataError, match="could not be written .*DLCOURSE_CACHE"):
        load(configured("real", mirror), published)


# --- interruptions ------------------------------------------------------------------------------

PREPARE = (
    "import sys; from pathlib import Path\n"
    "from dlcourse.data.cats_and_dogs import Published, load\n"
    "from dlcourse.settings import Settings\n"
    "mirror = Path(sys.argv[2]) if sys.argv[2] else None\n"
    "source = 'real' if mirror else 'synthetic'\n"
    "settings = Settings('fast', source, mirror, Path(sys.argv[1]), False)\n"
    "splits = (('train', int(sys.argv[3])), ('validation', 2), ('test', 1))\n"
    "print(load(settings, Published('http://127.0.0.1:1/x.zip', 9, '', splits)))\n"
)


def start_preparing(cache: Path, mirror: Path | str, count: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE, str(cache), str(mirror), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.mark.parametrize("source", ["real", "synthetic"])
def test_a_killed_run_leaves_nothing_half_made_and_the_next_one_makes_it_whole(
    tmp_path, mirror, source
):
    cache = tmp_path / "cache"
    if source == "real":
        (mirror / "train.zip").write_bytes(zipped(kaggle(count=400)))
    where, count = (mirror, 390) if source == "real" else ("", 10)
    killed = start_preparing(cache, where, count)
    wait_until(lambda: len(list(cache.glob("*/*.part/original/*.jpg"))) > 5)
    killed.kill()
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert [path.suffix for path in (cache / "cats-and-dogs").iterdir() if path.is_dir()] == [
        ".part"
    ]
    again = start_preparing(cache, where, count)
    small, _ = again.communicate(timeout=60)
    assert len(names(Path(small.strip()))) == 2 * (count + 3)
    assert list(cache.glob("*/*.part")) == []


def test_two_processes_at_once_prepare_once_and_both_have_the_folder(tmp_path, mirror):
    (mirror / "train.zip").write_bytes(zipped(kaggle()))
    both = [start_preparing(tmp_path / "cache", mirror, 3) for _ in range(2)]
    folders = [process.communicate(timeout=60)[0].strip() for process in both]
    assert folders[0] == folders[1]
    assert names(Path(folders[0])) == EXPECTED


# --- drawn ones ---------------------------------------------------------------------------------


def test_drawn_pictures_lie_in_the_same_places(configured, published):
    small = load(configured("synthetic"), published)
    assert names(small) == EXPECTED
    assert names(small.parent / "original") == {Path(name).name for name in EXPECTED}


def test_drawn_pictures_that_were_asked_for_need_no_warning(configured, published, server):
    settings = configured("synthetic")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find(settings, published).kind == "synthetic"
    assert "DLCOURSE_SOURCE" in find(settings, published).where
    assert server.ranges == []


def test_drawn_pictures_stand_in_with_a_warning_where_real_ones_cannot_be_had(
    configured, published, server
):
    server.status = 404
    settings = configured("auto")
    with pytest.warns(SyntheticDataWarning, match="NOT PHOTOGRAPHS(.|\n)*answered 404"):
        origin = find(settings, published)
    assert origin.kind == "synthetic"


def test_real_pictures_that_cannot_be_had_are_never_replaced(configured, published, server):
    server.status = 404
    with pytest.raises(DataError, match="DLCOURSE_SOURCE=synthetic"):
        load(configured("real"), published)


def test_drawn_pictures_are_kept(configured, published):
    settings = configured("synthetic")
    load(settings, published)
    before = state(settings.cache)
    assert "Nothing was left to do" in prepare(settings, published)
    assert state(settings.cache) == before


# --- the real thing -----------------------------------------------------------------------------


@pytest.mark.skipif(
    not os.environ.get("DLCOURSE_DATA"),
    reason="real cats and dogs are at hand only where DLCOURSE_DATA names a mirror folder",
)
def test_the_mirror_gives_the_2000_1000_and_1000_pictures_of_the_course(configured):
    mirror = Path(os.environ["DLCOURSE_DATA"]).resolve()
    small = load(configured("real", mirror), CATS_AND_DOGS)
    counts = {
        path.relative_to(small).as_posix(): len(list(path.iterdir())) for path in small.glob("*/*")
    }
    assert counts == {
        f"{split}/{kind}": number
        for split, number in (("train", 1000), ("validation", 500), ("test", 500))
        for kind in ("cats", "dogs")
    }
    assert len({entry["sha256"] for entry in manifest(small)["pictures"]}) == 4000
