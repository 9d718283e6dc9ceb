"""Live streams."""

from typing import Any

stream_routes: list[tuple[str, Any]] = []
