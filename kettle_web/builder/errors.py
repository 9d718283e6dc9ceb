"""What can go wrong with a build, by whose part it is.

BuildError
├── SourceError        the source cannot be had, or is not what a build needs
│   └── LockfileMissing
├── ToolchainMissing   this machine has no tool for the project
├── BuildFailed        the project's own build said no
├── Timeout            it took longer than is allowed
├── LimitExceeded      it wrote more than is allowed
└── SandboxError       the walls could not be put up
"""


class BuildError(Exception):
    """A build ends with this. The class name is the `error_type` that clients see; the message is one plain sentence."""

    @property
    def error_type(self) -> str:
        """Give the word that stands in the `complete` event."""
        return type(self).__name__


class SourceError(BuildError):
    """The source cannot be fetched or unpacked, or is no project that can be built."""


class LockfileMissing(SourceError):
    """There is a project, but nothing that pins its dependencies."""


class ToolchainMissing(BuildError):
    """The machine has no tool to build this project with."""


class BuildFailed(BuildError):
    """The build command ended with an error, or made nothing."""


class Timeout(BuildError):
    """A step took longer than its wall-clock limit."""


class LimitExceeded(BuildError):
    """A step wrote more than its limit: log, files, memory or result."""


class SandboxError(BuildError):
    """The build cannot be walled in, so it is not run."""
