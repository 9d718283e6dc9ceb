"""Opens the files of a builder image for `--igvm` and `--image`, mapped and not read: they may have gigabytes."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from kettle_web.verification.arguments import Unusable
from kettle_web.verification.artifacts import file_open_regular
from kettle_web.verification.inquiry import ReferenceFiles


@contextmanager
def reference_open(igvm: Path | None, image: Path | None) -> Iterator[ReferenceFiles | None]:
    """None without files. Raises `Unusable`."""
    if igvm is None:
        if image is not None:
            raise Unusable("--image: it is compared with the IGVM file's command line, so --igvm FILE is needed too.")
        yield None
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(file_open_regular(igvm, follow=True))
            # An empty file cannot be mapped; its check says what is wrong with it.
            empty = not stream.seek(0, 2)
            mapped = b"" if empty else stack.enter_context(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            disk = stack.enter_context(file_open_regular(image, follow=True)) if image else None
        except (OSError, ValueError) as error:
            raise Unusable(f"--igvm, --image: a file cannot be read: {error}.") from error
        yield ReferenceFiles(cast(bytes, mapped), disk)
