"""Plays a recorded exchange with a Kettle server, byte for byte, on a loopback port.

A transcript is a text file. Lines before the first request say what it shows; `expect:` is JSON of what must come of it. Then:

    > POST /build                    a request: method and the end of its path; `>2` stands for the second such request
    < 200 text/event-stream          the answer's status and content type; its body follows, line by line
    ! open                           the connection stays open after what was sent so far, until the client closes it
    ! cut                            the connection is reset here
    ! wait 0.1                       a pause, seconds
    ! gzip                           a few bytes that begin like a gzip file

The last answer given for a request is the one for every later one like it.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

RESULT = b"\x1f\x8b" + b"a result" * 20
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 409: "Conflict", 413: "Payload Too Large", 415: "Unsupported Media Type"}
_REQUEST = re.compile(r">(\d*) (\w+) (\S+)")


@dataclass
class Answer:
    status: int
    content_type: str
    parts: list[bytes | tuple[str, str]] = field(default_factory=list)
    """Bytes to send, and what to do in between."""


@dataclass
class Transcript:
    about: str
    expect: dict[str, Any]
    answers: dict[tuple[str, str], list[Answer]]


def transcript_read(path: Path) -> Transcript:
    about, expect = [], {}
    answers: dict[tuple[str, str], list[Answer]] = {}
    key, answer = ("", ""), None
    # As bytes: a carriage return is part of what was sent.
    for line in path.read_bytes().decode().removesuffix("\n").split("\n"):
        if found := _REQUEST.fullmatch(line):
            key, answer = (found[2], found[3]), None
        elif line.startswith("< ") and answer is None and key[0]:
            status, _, kind = line[2:].partition(" ")
            answer = Answer(int(status), kind)
            answers.setdefault(key, []).append(answer)
        elif answer is not None and line.startswith("! "):
            word, _, value = line[2:].partition(" ")
            answer.parts.append(RESULT if word == "gzip" else (word, value))
        elif answer is not None:
            answer.parts.append(line.encode() + b"\n")
        elif line.startswith("expect: "):
            expect = json.loads(line.removeprefix("expect: "))
        else:
            about.append(line)
    return Transcript("\n".join(about).strip(), expect, answers)


class TranscriptServer:
    """`requests` keeps method and path of each request, in their order."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript, self.requests = transcript, []
        self._given: dict[tuple[str, str], int] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._open: list[threading.Thread] = []
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> TranscriptServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        for thread in self._open:
            thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            self._open.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(20)
            try:
                method, target = _request_read(connection)
                self.requests.append((method, target))
                self._send(connection, self._next(method, target.partition("?")[0]))
            except OSError:
                return

    def _next(self, method: str, path: str) -> Answer:
        for key, answers in self.transcript.answers.items():
            if key[0] == method and path.endswith(key[1]):
                number = self._given.get(key, 0)
                self._given[key] = number + 1
                return answers[min(number, len(answers) - 1)]
        return Answer(404, "text/plain", [b"not in this transcript\n"])

    def _send(self, connection: socket.socket, answer: Answer) -> None:
        reason = REASONS.get(answer.status, "Said")
        head = f"HTTP/1.1 {answer.status} {reason}\r\nContent-Type: {answer.content_type}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        for part in answer.parts:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif part[0] == "wait":
                time.sleep(float(part[1]))
            elif part[0] == "cut":
                # A reset instead of an orderly end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif part[0] == "open":
                self._until_closed(connection)
                return

    def _until_closed(self, connection: socket.socket) -> None:
        connection.settimeout(0.1)
        while not self._ended.is_set():
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue


def _request_read(connection: socket.socket) -> tuple[str, str]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    method, target = head.split(b"\r\n")[0].split(b" ")[:2]
    return method.decode(), target.decode()
