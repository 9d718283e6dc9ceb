"""What can go wrong with stored files. Every error has a stable code and a sentence for people.

CoreError
├── BlobMissing      nothing is stored under this digest
├── BlobCorrupt      the stored bytes do not have the digest they are stored under
├── DiskFull         there is no room
└── FolderInUse      another server runs on this data folder
"""


class CoreError(Exception):
    code = "core"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BlobMissing(CoreError):
    code = "blob-missing"


class BlobCorrupt(CoreError):
    code = "blob-corrupt"


class DiskFull(CoreError):
    code = "disk-full"


class FolderInUse(CoreError):
    code = "folder-in-use"

    def __init__(self, message: str, *, holder: int | None = None) -> None:
        super().__init__(message)
        self.holder = holder
        """Process id of the one that has it; None: it did not say."""
