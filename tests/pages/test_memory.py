"""Large files pass through the web server without staying in its memory."""

import pytest

from tests.bench.memory import MEGABYTE, RISE_MEGABYTES, rises
from tests.bench.streams import WHAT, rise

pytestmark = [pytest.mark.stack]

SIZE_BYTES = 200 * MEGABYTE
"""Five times what the memory may rise by; `bin/bench memory` measures 500 MB."""


def test_large_upload_and_download_need_little_memory() -> None:
    up, down = rises(SIZE_BYTES)
    assert up < RISE_MEGABYTES
    assert down < RISE_MEGABYTES


@pytest.mark.parametrize("what", WHAT)
def test_worker_sends_fetches_and_judges_large_files_in_little_memory(what: str) -> None:
    assert rise(what, SIZE_BYTES) < RISE_MEGABYTES
