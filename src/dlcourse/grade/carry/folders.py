"""Folders: paths in them cross with their contents, and come back with what was left there."""

import pathlib

from dlcourse.check.failures import CheckFailed
from dlcourse.check.folders import (
    LIVE,
    MOST_FILES,
    File,
    Folder,
    Left,
    files_in,
    folder_of,
    read,
    relative,
)
from dlcourse.grade.carry.packing import CarryError, Packer, Unpacker

# Files whose contents come back, to be read as `check.Folder.saved` reads them.
SAVED = ".keras"

# Copies of folders of the other side's, which stay as student code leaves them.
_copies: dict[str, Folder] = {}


def pack_path(path: pathlib.Path, packer: Packer) -> dict | None:
    """The node of a path in a live check.Folder; None for other paths."""
    found = folder_of(path)
    if found is None:
        return None
    folder, name = found
    node = {"k": "folder", "key": folder.key, "at": packer.text(name)}
    if folder.key in packer.said or folder.is_elsewhere:
        return node
    node |= _left(folder, packer) if folder.key in _copies else _contents(folder, packer)
    packer.said.add(folder.key)
    return node


def unpack_folder(node: dict, unpacker: Unpacker) -> pathlib.Path:
    """The path on this side. What is said of a folder of ours is how its copy was left."""
    key = unpacker.text(node, "key", 32)
    name = relative(unpacker.text(node, "at", 4096))
    folder = _copies.get(key) or LIVE.get(key)
    if folder is None:
        folder = _copies[key] = Folder(_unpack_contents(node, unpacker), key=key)
    elif "left" in node and key not in _copies:
        folder.leave(_unpack_left(node, unpacker))
    return folder.path / name


def forget() -> None:
    """Removes the copies of folders of the other side's."""
    _copies.clear()


def _contents(folder: Folder, packer: Packer) -> dict:
    files = files_in(folder.path)
    return {
        "files": [
            [packer.text(name), _contents_of(folder, name, file, packer)]
            for name, file in sorted(files.items())
        ]
    }


def _left(folder: Folder, packer: Packer) -> dict:
    rows = []
    try:
        files = files_in(folder.path)
    except CheckFailed as failure:
        return {"left": [], "why": packer.text(str(failure))}
    for name, file in sorted(files.items()):
        rows.append([packer.text(name), file.size, packer.text(file.sha256)])
        if name.endswith(SAVED) and file.size <= packer.limits.size // 4:
            rows[-1].append(_contents_of(folder, name, file, packer))
    return {"left": rows}


def _contents_of(folder: Folder, name: str, file: File, packer: Packer) -> int:
    packer.reserve(file.size)
    return packer.buffer(read(folder.path / name, file.size), reserved=True)


def _unpack_contents(node: dict, unpacker: Unpacker) -> dict[str, bytes]:
    files = {}
    for name, buffer in _rows(node, "files", 2, unpacker):
        files[_name(name)] = unpacker.buffer(buffer)
    parents = {parent for name in files for parent in relative(name).parents}
    if len(parents) > MOST_FILES:
        raise CarryError(f"A folder has at most {MOST_FILES:,} folders in it.")
    return files


def _unpack_left(node: dict, unpacker: Unpacker) -> Left:
    files, saved = {}, {}
    for name, size, digest, *buffer in _rows(node, "left", 3, unpacker):
        if type(size) is not int or size < 0 or type(digest) is not str or len(digest) != 64:
            raise CarryError("A file has a size and a hash.")
        files[_name(name)] = File(size, digest)
        if buffer:
            saved[name] = unpacker.buffer(buffer[0])
    return Left(files, saved, unpacker.text(node, "why") if "why" in node else None)


def _rows(node: dict, key: str, least: int, unpacker: Unpacker) -> list[list]:
    rows = unpacker.items(node, key)
    if len(rows) > MOST_FILES:
        raise CarryError(f"A folder has at most {MOST_FILES:,} files.")
    if any(type(row) is not list or not least <= len(row) <= 4 for row in rows):
        raise CarryError("A folder's file is a list.")
    return rows


def _name(name: object) -> str:
    if type(name) is not str or not 0 < len(name) <= 4096 or relative(name).as_posix() != name:
        raise CarryError(f"{name!r:.100} is no name of a file in a folder.")
    return name
