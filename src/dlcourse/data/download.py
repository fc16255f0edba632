"""Files from the internet: resumed after a break, verified, never half used."""

import hashlib
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock
from tqdm import tqdm

# Seconds until a connection stands, and between two pieces of the answer.
TIMEOUT = (3, 20)
PIECE = 1 << 16


class DataError(Exception):
    """Data that cannot be had or must not be used: what, where, and what to do, in a sentence."""


def fetch(
    url: str,
    destination: Path,
    *,
    sha256: str | None,
    size: int,
    attempts: int = 3,
    pause: float = 0.5,
) -> Path:
    """Downloads `url` (a file of `size` bytes) to `destination`, unless it is there already.

    What arrives is kept in a `.part` beside the destination, where the next attempt or the next
    call goes on, and becomes the destination only when its hash is right; where the publisher
    states none (`sha256` is None), when its size is. Several processes may ask at once: one
    downloads, the others wait. Between attempts it waits for `pause` seconds, then for twice as
    long each time. Raises DataError.
    """
    part = destination.with_name(destination.name + ".part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{destination}.lock"):
            if not destination.exists():
                _complete(url, part, sha256, size, attempts, pause)
                part.replace(destination)
            elif _differs(destination, sha256):
                raise DataError(
                    f"{destination} is not the file that {url} publishes: its sha256 is another. "
                    "Delete it, and it is downloaded anew."
                )
    except OSError as error:
        raise DataError(
            f"{destination} could not be written ({error.strerror or error}). "
            "Set DLCOURSE_CACHE to a folder where you may write."
        ) from error
    return destination


def _complete(
    url: str, part: Path, sha256: str | None, size: int, attempts: int, pause: float
) -> None:
    """Leaves the whole verified file in `part`, or raises DataError."""
    if part.exists() and part.stat().st_size > size:
        part.unlink()
    begun = part.exists()
    check_space(part.stem, part.parent, size - _length(part))
    _download(url, part, size, attempts, pause)
    if begun and _differs(part, sha256):
        # It may have been begun on another version of the file: once more from the start.
        part.unlink()
        _download(url, part, size, attempts, pause)
    if _differs(part, sha256):
        part.unlink()
        raise _altered(url, "its sha256 is another")


def _download(url: str, part: Path, size: int, attempts: int, pause: float) -> None:
    """Appends to `part` until it holds `size` bytes."""
    reason = ""
    for attempt in range(attempts):
        if _length(part) == size:
            return
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            _receive(url, part, size)
            reason = "the answer ended early"
        except requests.RequestException as error:
            reason = _reason(error)
            if _is_final(error):
                break
    if (received := _length(part)) != size:
        kept = f" after {received:,} of {size:,} bytes, kept for the next try" if received else ""
        raise DataError(
            f"{_name(url)} could not be fetched from {urlsplit(url).netloc}: {reason}{kept}. "
            f"Try again when you are online; or put a copy of {_name(url)} into a folder and set "
            "DLCOURSE_DATA to that folder; or set DLCOURSE_SOURCE=synthetic to work with data "
            "drawn by the course."
        )


def _receive(url: str, part: Path, size: int) -> None:
    """One request for what `part` still lacks; from the start where the server knows no ranges."""
    offset = _length(part)
    # A compressed answer would have other lengths than the file.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            offset = 0
        length = response.headers.get("Content-Length")
        if length and offset + int(length) != size:
            raise _altered(url, f"it has {offset + int(length):,} bytes instead of {size:,}")
        with (
            part.open("ab" if offset else "wb") as file,
            tqdm(total=size, initial=offset, unit="B", unit_scale=True, desc=_name(url)) as bar,
        ):
            for piece in response.iter_content(PIECE):
                bar.update(file.write(piece))
                if file.tell() > size:
                    file.truncate(0)
                    raise _altered(url, f"it has more than {size:,} bytes")


def check_space(name: str, folder: Path, needed: int) -> None:
    """Raises DataError where `folder`, which need not be there yet, has no room for `needed` bytes.

    name: what needs them.
    """
    free = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
    if free < needed:
        raise DataError(
            f"{name} needs {needed / 1e6:,.0f} MB in {folder}, where {free / 1e6:,.0f} "
            "MB are free. Make room there, or set DLCOURSE_CACHE to a folder on another disk."
        )


def _altered(url: str, how: str) -> DataError:
    return DataError(
        f"What {url} sends is not the published file: {how}. Nothing of it is used. Is a login "
        "page or a proxy in the way? Otherwise get the file elsewhere and set DLCOURSE_DATA to "
        "its folder, or set DLCOURSE_SOURCE=synthetic."
    )


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError):
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    return "no connection"


def _is_final(error: requests.RequestException) -> bool:
    """Whether asking again would bring the same answer: a file that is not there, for example."""
    if not isinstance(error, requests.HTTPError):
        return False
    return error.response.status_code in (401, 403, 404, 410)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _name(url: str) -> str:
    return Path(urlsplit(url).path).name


def _differs(path: Path, sha256: str | None) -> bool:
    return sha256 is not None and file_sha256(path) != sha256


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
