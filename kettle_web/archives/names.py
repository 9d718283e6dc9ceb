"""Names of entries: which are taken, and what a symbolic link may point to.

Source: the traversal forms of CWE-22, Snyk's «Zip Slip»; git's own rules for paths (`verify_path` in read-cache.c).
"""

import re
import unicodedata

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.limits import NAME_BYTES, PATH_BYTES

REPACK = "Pack the project again with «git archive», tar or zip, and upload that."
_DRIVE = re.compile(r"[A-Za-z]:")


def name_shown(name: str) -> str:
    """The name as it is safe to show: control, format and bidirectional characters escaped, at most 200 characters."""
    shown = "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else f"\\u{ord(c):04x}" for c in name[:200])
    return shown + ("…" if len(name) > 200 else "")


def _refuse(code: str, name: str, why: str, advice: str = REPACK) -> ArchiveError:
    shown = name_shown(name)
    return ArchiveError(f"archive.{code}", f"The archive holds «{shown}»: {why}.", advice, paths=(shown,))


def name_check(raw: bytes, *, max_depth: int) -> str:
    """Give the path as relative components joined by `/`; "" for the root itself.

    `./` and doubled slashes, which tar writes, are folded. Raises `ArchiveError` for a name that is absolute, leaves the folder,
    is not UTF-8, holds backslashes, a drive letter or control characters, or is too long or too deep.
    """
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = raw.decode("utf-8", "backslashreplace")
        raise _refuse("name-encoding", shown, "its name is not UTF-8") from error
    if not name:
        raise _refuse("name-empty", name, "an entry without a name")
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise _refuse("name-control", name, "its name holds control characters")
    if "\\" in name:
        raise _refuse("name-backslash", name, "backslashes in a name mean different things on different systems")
    if name.startswith("/"):
        raise _refuse("name-absolute", name, "its path is absolute")
    if _DRIVE.match(name):
        raise _refuse("name-drive", name, "its path begins with a drive letter")
    if len(raw) > PATH_BYTES:
        raise _refuse("name-too-long", name, f"its path is longer than {PATH_BYTES} bytes")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _refuse("name-traversal", name, "its path leads out of the folder")
    if any(len(part.encode()) > NAME_BYTES for part in parts):
        raise _refuse("name-too-long", name, f"a part of its path is longer than {NAME_BYTES} bytes")
    if len(parts) > max_depth:
        raise _refuse("too-deep", name, f"folders are nested more than {max_depth} deep")
    return "/".join(parts)


def name_key(path: str, *, fold_case: bool) -> str:
    """What two names share when a file system or a reader may take them for one."""
    composed = unicodedata.normalize("NFC", path)
    return unicodedata.normalize("NFC", composed.casefold()) if fold_case else composed


def link_climb(path: str, raw_target: bytes) -> tuple[str, int]:
    """Give the target of the symbolic link at `path`, and how many folders above its own it begins.

    A target may begin with `..` but not hold one later, and names no link's own folder: then every link resolves inside the tree
    by induction, whatever other links it passes through. Raises `ArchiveError` for any other.
    """
    try:
        target = raw_target.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse("symlink-escape", path, "a symbolic link whose target is not UTF-8") from error
    advice = "Remove the link, or make it point to a file inside the project."
    if not target or len(raw_target) > PATH_BYTES or any(unicodedata.category(c) == "Cc" for c in target) or "\\" in target:
        raise _refuse("symlink-escape", path, "a symbolic link with an unusable target", advice)
    if target.startswith("/") or _DRIVE.match(target):
        raise _refuse("symlink-escape", path, "a symbolic link to an absolute path", advice)
    if ".git" in (part.casefold() for part in path.split("/")):
        raise _refuse("symlink-git", path, "a symbolic link inside .git", "Upload a plain clone of the repository.")
    parts = [part for part in target.split("/") if part not in ("", ".")]
    climb = 0
    while climb < len(parts) and parts[climb] == "..":
        climb += 1
    if ".." in parts[climb:] or climb > path.count("/"):
        raise _refuse("symlink-escape", path, "a symbolic link that leads out of the folder", advice)
    return target, climb
