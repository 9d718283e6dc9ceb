"""Paths of a Nix store that lies elsewhere on the host than the store itself says."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_STEPS = 400
"""Components and links of one path; more is a loop."""


@dataclass(frozen=True)
class StorePath:
    """`path`, as nix prints it (`/nix/store/HASH-NAME`), in the store that lies at `folder` on the host."""

    folder: Path
    path: str

    @property
    def store(self) -> PurePosixPath:
        """Give the store's folder as nix names it."""
        return PurePosixPath(self.path).parent


def link_resolve(output: StorePath, inside: str) -> Path | None:
    """Give the host's path of a file below a store path, links followed as they lead inside the store; None: out of it or nowhere.

    A link is the work of the build and could name any file of the host: each component is looked at by itself, and a
    target counts only as a path of the store.
    """
    waiting = [*PurePosixPath(PurePosixPath(output.path).name, inside).parts]
    done: list[str] = []
    for _ in range(MAX_STEPS):
        if not waiting:
            return output.folder.joinpath(*done)
        part = waiting.pop(0)
        if part == "..":
            if not done:
                return None
            done.pop()
            continue
        here = output.folder.joinpath(*done, part)
        if here.is_symlink():
            target = PurePosixPath(here.readlink())
            if target.is_absolute():
                if not target.is_relative_to(output.store):
                    return None
                done, target = [], target.relative_to(output.store)
            waiting = [*target.parts, *waiting]
        elif here.exists():
            done.append(part)
        else:
            return None
    return None
