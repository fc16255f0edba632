"""Values as data: how what a student computed reaches the process that judges it, and back.

A value is packed into frames: one of JSON, which says what it is, and the raw buffers of its
arrays. Nothing is pickled and nothing that was packed can name code to run: unpacking builds
values of the kinds listed in `packing.KINDS`, and of no others. What cannot cross is packed as a
`NotCarried`, which says so when a test uses it.
"""

from dlcourse.grade.carry.packing import LIMITS, CarryError, Handles, Limits, pack, unpack
from dlcourse.grade.carry.updating import update

__all__ = ["LIMITS", "CarryError", "Handles", "Limits", "pack", "unpack", "update"]
