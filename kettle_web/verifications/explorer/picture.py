"""The chain as a picture: places of its parts in an SVG, so that the template only writes them down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettle_web.verifications.fragments import LinkRow

WIDTH: Final = 400
"""Of the view box. As wide as a phone, so that letters keep their size there."""
ROW: Final = 64
TOP: Final = 16
_TITLE_CHARACTERS: Final = 30
_ANCHOR_CHARACTERS: Final = 44


@dataclass(frozen=True)
class Box:
    link: LinkRow
    y: int
    middle: int
    """Height of the node's middle."""
    title: str
    anchor: str
    """Cut where it would leave the picture; the list beside it has it whole."""
    line_to: int
    """Where the line to the next node ends; 0: it is the last."""
    is_line_broken: bool


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    boxes: tuple[Box, ...]


def picture(chain: tuple[LinkRow, ...]) -> Picture:
    """Nodes from the vendor's root down to the artifacts."""
    boxes = []
    for at, link in enumerate(chain):
        y = TOP + at * ROW
        following = chain[at + 1] if at + 1 < len(chain) else None
        boxes.append(
            Box(
                link=link,
                y=y,
                middle=y + 24,
                title=_cut(link.title, _TITLE_CHARACTERS),
                anchor=_cut(link.anchor, _ANCHOR_CHARACTERS),
                line_to=y + ROW + 8 if following else 0,
                is_line_broken=link.is_broken or link.is_after_break,
            )
        )
    return Picture(WIDTH, 2 * TOP + max(1, len(chain)) * ROW - 16, tuple(boxes))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
