"""Evidence byte by byte: for each format the name, place, bytes, reading, meaning and specification of every field.

For people who look, not for checks: nothing here judges, and what a field says is only worth what the checks of it found. Every byte of a
structure is in exactly one field. Bytes that cannot be taken apart are one field with the reason.
"""

from .evidence import evidence_layouts
from .fields import Field, Layout

__all__ = ["Field", "Layout", "evidence_layouts"]
