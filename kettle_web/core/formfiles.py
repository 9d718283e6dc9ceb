"""Files in a plain form, for browsers without JavaScript: to disk as they come, and no more than a stated size."""

from typing import Any

from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler

FORM_FILE_BYTES = 32 * 1024 * 1024
"""A form is received whole before a view sees it; larger files go up in chunks."""
BODY_BYTES = FORM_FILE_BYTES + 4 * 1024 * 1024
"""The largest request body of any kind: a form's file and its other fields."""
TOO_BIG = "kettle_web.form_file_too_big"
"""Key in `request.META`, set when a file was cut off."""


class CappedUploadHandler(TemporaryFileUploadHandler):
    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self._received = 0
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self._received += len(raw_data)
        if self._received > FORM_FILE_BYTES:
            if self.request is not None:
                self.request.META[TOO_BIG] = True
            raise StopUpload(connection_reset=False)
        return super().receive_data_chunk(raw_data, start)
