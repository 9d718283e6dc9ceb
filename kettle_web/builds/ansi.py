"""A log line as HTML: colours are shown, everything else that an escape sequence can do is taken out.

Pure: text in, escaped HTML out. A line comes from a build and is hostile. Classes, for the style sheet: `ansi-bold`,
`ansi-dim`, `ansi-italic`, `ansi-underline`, `ansi-strike`, `ansi-inverse`, `ansi-<colour>`, `ansi-bright-<colour>`,
`ansi-bg-<colour>`, `ansi-bg-bright-<colour>`; colours: black red green yellow blue magenta cyan white. The 256 and the
16 million colours become the nearest of these sixteen, because the page's policy allows no inline style.

Source: ECMA-48 (5th edition), 5.4 (control sequences), 5.6 (control strings), 8.3.117 (SGR).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from kettle_web.core.visible import visible

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~]?)"
    # Titles, links, clipboard (OSC), device strings, privacy messages: with their text, to their end or the line's.
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_AFTER_ESCAPE = re.compile(r"\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07]*\x07?|[ -/]*[0-~]?")
"""The same after the escape character of a line that is all ASCII."""
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_NAMES = (*_COLOURS, *(f"bright-{name}" for name in _COLOURS))
_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_RGB = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
"""xterm's sixteen."""


@dataclass(frozen=True)
class _Style:
    flags: frozenset[str] = frozenset()
    front: int | None = None
    back: int | None = None

    def classes(self) -> str:
        names = [f"ansi-{flag}" for flag in sorted(self.flags)]
        if self.front is not None:
            names.append(f"ansi-{_NAMES[self.front]}")
        if self.back is not None:
            names.append(f"ansi-bg-{_NAMES[self.back]}")
        return " ".join(names)


_PLAINEST = _Style()


def _nearest(red: int, green: int, blue: int) -> int:
    def distance(index: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(_RGB[index], (red, green, blue), strict=True))

    return min(range(16), key=distance)


def _palette(index: int) -> int:
    if index < 16:
        return index
    if index >= 232:
        return _nearest(*(8 + 10 * (index - 232),) * 3)
    steps = (0, 95, 135, 175, 215, 255)
    index -= 16
    return _nearest(steps[index // 36], steps[index // 6 % 6], steps[index % 6])


def _extended(numbers: list[int], at: int) -> tuple[int | None, int]:
    """Give the colour that `38` or `48` at `at` introduces, and how many numbers it took."""
    kind = numbers[at + 1] if at + 1 < len(numbers) else None
    if kind == 5 and at + 2 < len(numbers):
        return (_palette(numbers[at + 2]) if numbers[at + 2] < 256 else None), 3
    if kind == 2 and at + 4 < len(numbers):
        rgb = numbers[at + 2 : at + 5]
        return (_nearest(*rgb) if max(rgb) < 256 else None), 5
    return None, len(numbers) - at


def _sgr(style: _Style, parameters: str) -> _Style:
    if not re.fullmatch(r"[0-9;:]*", parameters) or len(parameters) > 200:
        return style
    numbers = [int(part[:6] or 0) for part in parameters.replace(":", ";").split(";")]
    at = 0
    while at < len(numbers):
        number, took = numbers[at], 1
        if number == 0:
            style = _Style()
        elif number in _FLAGS:
            style = replace(style, flags=style.flags | {_FLAGS[number]})
        elif number == 22:
            style = replace(style, flags=style.flags - {"bold", "dim"})
        elif number - 20 in _FLAGS:
            style = replace(style, flags=style.flags - {_FLAGS[number - 20]})
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style = replace(style, front=number - 30 if number < 90 else number - 82)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            style = replace(style, back=number - 40 if number < 100 else number - 92)
        elif number in (38, 48):
            colour, took = _extended(numbers, at)
            style = replace(style, front=colour) if number == 38 else replace(style, back=colour)
        elif number == 39:
            style = replace(style, front=None)
        elif number == 49:
            style = replace(style, back=None)
        at += took
    return style


def last_overwrite(line: str) -> str:
    """Give what a progress line shows in the end: the last part between carriage returns that holds any text."""
    if "\r" not in line:
        return line
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""


_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f]*")


def ansi_to_html(text: str) -> str:
    """Give the text of an event, mostly one line, as escaped HTML with colours; line breaks stay.

    The only markup in it is `<span class="ansi-…">` of ours.
    """
    return "\n".join(ansi_lines(text.split("\n")))


def ansi_lines(lines: Sequence[str]) -> list[str]:
    """Give each line of one event as escaped HTML of its own; a colour lasts until it is taken back, over line ends too."""
    style, made = _Style(), []
    for line in lines:
        if style == _PLAINEST and _PLAIN.fullmatch(line):
            made.append(escape(visible(line)))
            continue
        html, style = _line_html(last_overwrite(line), style)
        made.append(html)
    return made


def _line_html(line: str, style: _Style) -> tuple[str, _Style]:
    """Give one line as HTML that begins in `style`, and the style that it ends in."""
    pieces: list[str] = []
    position = 0

    def add(text: str) -> None:
        if not text:
            return
        html = escape(visible(text, keep="\t"))
        classes = style.classes()
        pieces.append(f'<span class="{classes}">{html}</span>' if classes else html)

    for found in _ESCAPE.finditer(line):
        add(line[position : found.start()])
        position = found.end()
        if found["final"] == "m":
            style = _sgr(style, found["parameters"] or "")
    add(line[position:])
    return "".join(pieces), style


def ansi_to_text(line: str) -> str:
    """Give one line as plain text that cannot steer a terminal: escapes removed, other control characters made
    visible.
    """
    if _PLAIN.fullmatch(line):
        return visible(line)
    return visible(_without_escapes(last_overwrite(line)), keep="\t")


def _without_escapes(line: str) -> str:
    if not line.isascii():
        return _ESCAPE.sub("", line)
    # Most logs are ASCII, and this is five times as fast: searching a log takes most of its time here.
    first, *parts = line.split("\x1b")
    return first + "".join(part[found.end() :] for part in parts if (found := _AFTER_ESCAPE.match(part)))
