"""A folder of checked pictures, split for training, validation and test: whole or not there.

original/cat.0.jpg, original/dog.0.jpg, ...    flat, as Kaggle has them
small/train/cats/cat.0.jpg, ...                the same files once more, split
manifest.json                                  names, hashes, splits; where from; what was not taken
"""

import hashlib
import io
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from dlcourse.data.collection import KINDS, Collection, Picture
from dlcourse.data.download import DataError, check_space

ORIGINAL, SMALL, MANIFEST = "original", "small", "manifest.json"
OLD = ".old"

# Where files cannot be linked, every picture is there twice.
COPIES = 2

# How many pictures of each kind a split has: (("train", 1000), ...), in the order of their numbers.
Splits = tuple[tuple[str, int], ...]


def read_manifest(folder: Path, splits: Splits) -> dict | None:
    """What is in the prepared `folder`; None where it is missing or not as it was prepared."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        pictures = [
            (entry["name"], entry["split"], entry["bytes"]) for entry in manifest["pictures"]
        ]
        manifest["source"]["kind"], manifest["skipped"]  # noqa: B018 - a KeyError is an answer
        found = set(_files(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    counts = Counter(split for _, split, _ in pictures)
    expected = {(place, size) for name, split, size in pictures for place in _places(name, split)}
    whole = counts == {split: len(KINDS) * number for split, number in splits}
    return manifest if whole and found == expected else None


def _files(folder: Path | str, inside: str = "") -> Iterator[tuple[str, int]]:
    """Every file below `folder` but the manifest, and its size."""
    # Not with a Path for each: there are 8,000, and a notebook waits for this whenever it asks.
    with os.scandir(folder) as entries:
        for entry in entries:
            name = inside + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, f"{name}/")
            elif name != MANIFEST:
                yield name, entry.stat().st_size


def write_tree(collection: Collection, folder: Path, splits: Splits, source: dict) -> dict:
    """Fills the empty `folder` from `collection`; returns the manifest.

    source: what the manifest says about the collection. Every picture is decoded; one that does
    not decode, or is the same as an earlier one, is left out, and the next number takes its place.
    Raises DataError where too few are left, or the disk is too small.
    """
    count = sum(number for _, number in splits)
    wanted = [picture for kind in KINDS for picture in collection.pictures[kind][:count]]
    needed = COPIES * sum(picture.size for picture in wanted)
    check_space(f"What is taken from {collection.name}", folder, needed)
    _make_folders(folder, splits)
    seen: dict[str, str] = {}
    skipped: list[dict] = []
    pictures = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool, _bar(len(KINDS) * count) as bar:
        for kind in KINDS:
            good = _good(collection, kind, seen, skipped, pool)
            places = (split for split, number in splits for _ in range(number))
            for split in places:
                if not (entry := next(good, None)):
                    raise _too_few(collection, kind, count, skipped)
                picture, content, sha256 = entry
                _write(folder, picture.name, split, content)
                pictures.append(
                    {
                        "name": picture.name,
                        "split": split,
                        "sha256": sha256,
                        "bytes": len(content),
                        "member": picture.member,
                    }
                )
                bar.update()
    manifest = {"source": source, "skipped": skipped, "pictures": pictures}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def replace_folder(part: Path, folder: Path) -> None:
    """Puts the finished `part` in the place of `folder`, which may be there, or a file."""
    if folder.exists():
        old = folder.with_name(folder.name + OLD)
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        part.rename(folder)


def _good(collection, kind, seen, skipped, pool) -> Iterator[tuple[Picture, bytes, str]]:
    """Pictures of a kind that can be used, in the order of their numbers, a few read ahead."""
    queue = iter(collection.pictures[kind])
    while batch := list(islice(queue, 64)):
        for picture, (content, problem) in zip(
            batch, pool.map(lambda picture: _examined(collection, picture), batch), strict=True
        ):
            sha256 = hashlib.sha256(content).hexdigest()
            if not problem and sha256 in seen:
                problem = f"is the same picture as {seen[sha256]}"
            if problem:
                skipped.append({"member": picture.member, "problem": problem})
                continue
            seen[sha256] = picture.member
            yield picture, content, sha256


def _examined(collection: Collection, picture: Picture) -> tuple[bytes, str]:
    """A picture's file, and what is wrong with it as the rest of a sentence, or nothing."""
    try:
        content = collection.read(picture)
    except Exception as error:  # A broken archive makes zipfile raise nearly anything.
        return b"", f"cannot be read ({error})"
    if not content:
        return content, "is empty"
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Image.UnidentifiedImageError:
        return content, "is no picture"
    except Exception as error:  # So does a broken picture with its decoder.
        return content, f"cannot be decoded ({error})"
    # MPO is JPEG with a second picture behind the first.
    if image.format not in ("JPEG", "MPO"):
        return content, f"is not JPEG, but {image.format}"
    return content, ""


def _make_folders(folder: Path, splits: Splits) -> None:
    (folder / ORIGINAL).mkdir()
    for split, _ in splits:
        for kind in KINDS:
            (folder / SMALL / split / f"{kind}s").mkdir(parents=True)


def _places(name: str, split: str) -> tuple[str, str]:
    kind = name.partition(".")[0]
    return f"{ORIGINAL}/{name}", f"{SMALL}/{split}/{kind}s/{name}"


def _write(folder: Path, name: str, split: str, content: bytes) -> None:
    flat, place = (folder / place for place in _places(name, split))
    flat.write_bytes(content)
    try:
        place.hardlink_to(flat)
    except OSError:  # Not every file system can.
        place.write_bytes(content)


def _too_few(collection: Collection, kind: str, count: int, skipped: list[dict]) -> DataError:
    unusable = [entry for entry in skipped if entry["member"] in _members(collection, kind)]
    usable = len(collection.pictures[kind]) - len(unusable)
    return DataError(
        f"{collection.name} holds {usable:,} pictures of {kind}s that can be used, and {count:,} "
        f"are needed. {say_skipped(unusable)}Nothing of it is used. Mend or replace it, or set "
        "DLCOURSE_SOURCE=synthetic to work with pictures drawn by the course."
    )


def _members(collection: Collection, kind: str) -> set[str]:
    return {picture.member for picture in collection.pictures[kind]}


def say_skipped(skipped: list[dict], most: int = 10) -> str:
    """What was left out, as sentences with a space behind; the first `most` by name."""
    said = "".join(f"{entry['member']} {entry['problem']}. " for entry in skipped[:most])
    return said + (f"And {len(skipped) - most:,} more. " if len(skipped) > most else "")


def _bar(total: int) -> tqdm:
    return tqdm(total=total, desc="cats and dogs", unit="picture", file=sys.stderr)
