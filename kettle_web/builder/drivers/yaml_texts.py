"""YAML of a hostile project as texts, lists and mappings: no types, no aliases, no depth beyond what lockfiles have.

PyYAML's own composer calls itself for each level, and in its fast form crashes the process on deep nesting; its stream of
events does not.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from kettle_web.builder.drivers.deadline import reading
from kettle_web.builder.errors import SourceError

MAX_DEPTH = 32
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Without libyaml: slower, the same events."""


def yaml_documents(data: bytes, name: str) -> list[Any]:
    """Give the documents of a file; every scalar is a text.

    Raises:
        SourceError: it is not YAML, gives a key twice, or uses what no lockfile does.
    """
    try:
        with reading(name):
            return list(_documents(yaml.parse(data.decode("utf-8"), Loader=_LOADER)))
    except (ValueError, yaml.YAMLError) as error:
        raise SourceError(f"{name} cannot be read: {' '.join(str(error).split())[:300]}.") from error


def _documents(events: Iterator[yaml.Event]) -> Iterator[Any]:
    open_ones: list[_Open] = []
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it uses aliases")
        if isinstance(event, yaml.DocumentStartEvent):
            open_ones = [_Open([])]
        elif isinstance(event, yaml.DocumentEndEvent):
            yield open_ones.pop().found[0]
        elif isinstance(event, yaml.ScalarEvent):
            open_ones[-1].add(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(open_ones) > MAX_DEPTH:
                raise ValueError("it is nested too deeply")
            open_ones.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else []))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = open_ones.pop()
            open_ones[-1].add(done.found)


class _Open:
    """A list or mapping that is being read."""

    def __init__(self, found: Any) -> None:
        self.found = found
        self._key: str | None = None

    def add(self, value: Any) -> None:
        if isinstance(self.found, list):
            self.found.append(value)
        elif self._key is None:
            if not isinstance(value, str):
                raise ValueError("a key is not a text")
            if value in self.found:
                raise ValueError(f"the key {value[:100]!r} is given twice")
            self._key = value
        else:
            self.found[self._key] = value
            self._key = None
