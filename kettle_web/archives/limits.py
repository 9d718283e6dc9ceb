"""How much of an archive is read before it is refused. Sizes are bytes."""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

CHUNK_BYTES: Final = 256 * KIB
"""Content is read, hashed and written in pieces of at most this size: memory does not grow with the file."""
PAX_HEADER_BYTES: Final = 1 * MIB
"""Of one extended tar header. It is read into memory before the entry is known, so it must not be as large as its writer likes."""
CENTRAL_DIRECTORY_BYTES: Final = 64 * MIB
"""Of a ZIP. A hundred thousand entries with names of usual length take 15 MiB."""
NAME_BYTES: Final = 255
"""Of one component of a path: what Linux file systems store."""
PATH_BYTES: Final = 3072
"""Of a whole path: under Linux' PATH_MAX of 4096, with room for the folder that it is unpacked into."""
RATIO_FLOOR_BYTES: Final = 64 * MIB
"""Below this unpacked size the compression ratio is not looked at: small files of zeros are common and harmless."""
STOCK_SERVER_ARCHIVE_BYTES: Final = 1_500_000
"""Stock Kettle servers take a JSON body of about 2 MB, which is an archive of about 1.5 MB as base64."""


@dataclass(frozen=True)
class Limits:
    """The limits that differ between kinds of archives."""

    max_archive_bytes: int = 1 * GIB
    max_total_bytes: int = 8 * GIB
    max_file_bytes: int = 4 * GIB
    max_files: int = 100_000
    """Files, links and folders together."""
    max_ratio: int = 200
    """Unpacked to packed. Source compresses by 3 to 10, logs and fixtures by up to 100; deflate itself ends near 1032."""
    max_depth: int = 64
    fold_case: bool = False
    """Whether names that differ only in case count as one. Source trees on Linux may hold both; results may not."""


SOURCE_LIMITS: Final = Limits()
RESULT_LIMITS: Final = Limits(max_archive_bytes=8 * GIB, max_total_bytes=32 * GIB, max_file_bytes=16 * GIB, max_files=4096, fold_case=True)
PROVENANCE_BYTES: Final = 16 * MIB
EVIDENCE_BYTES: Final = 10 * MIB
