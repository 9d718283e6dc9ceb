"""What is refused, by its exact code, and what is taken: one table for each format."""

import bz2
import contextlib
import gzip
import io
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.limits import Limits
from kettle_web.archives.source import source_inspect, source_unpack
from tests.archives.making import END, member, padded, pax, raw_header, tar_bytes, tar_gz, zip_bytes

SMALL = Limits(max_archive_bytes=200_000_000, max_total_bytes=100_000_000, max_file_bytes=90_000_000, max_files=20, max_depth=8)
GOOD_TAR = tar_gz([member("p/a", b"one"), member("p/b", b"two" * 1000)])
GOOD_ZIP = zip_bytes({"p/a": b"one", "p/b": b"two" * 1000})


def pack(*parts: bytes) -> bytes:
    return gzip.compress(b"".join(parts) + END, mtime=0)


def entry(name: bytes, data: bytes = b"x", **options: bytes) -> bytes:
    return raw_header(name, len(data), **options) + padded(data)


def edited(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    assert old in data
    assert len(old) == len(new)
    return data.replace(old, new, count)


def zip_patched(offset_from: bytes, at: int, value: bytes) -> bytes:
    """The good ZIP with bytes changed at `at` after the first occurrence of a signature."""
    data = bytearray(GOOD_ZIP)
    start = data.index(offset_from) + at
    data[start : start + len(value)] = value
    return bytes(data)


def zip_twice() -> bytes:
    """Two central entries that point to one local entry: overlapping, as in Fifield's bomb."""
    one = zip_bytes({"a": b"0" * 1000})
    end = one.index(b"PK\x05\x06")
    start = one.index(b"PK\x01\x02")
    central = one[start:end]
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(central), start, 0)
    return one[:start] + central * 2 + last


def zip_link(name: str, target: str) -> bytes:
    return zip_bytes({name: target.encode()}, mode=stat.S_IFLNK | 0o777)


def zip_with_crc_wrong() -> bytes:
    data = bytearray(zip_bytes({"a": b"hello"}, method=zipfile.ZIP_STORED))
    data[data.index(b"hello")] ^= 1
    return bytes(data)


def tar_link(name: str, target: str) -> bytes:
    return tar_gz([member(name, type=tarfile.SYMTYPE, link=target), member("p/z")])


REJECTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no bytes": (lambda: b"", "archive.empty"),
    "empty zip": (lambda: zip_bytes({}), "archive.empty"),
    "empty tar": (lambda: pack(), "archive.empty"),
    "tar of its own root": (lambda: tar_gz([member("./", type=tarfile.DIRTYPE)]), "archive.empty"),
    "plain text": (lambda: b"hello, world", "archive.unknown-format"),
    "plain tar": (lambda: tar_bytes([member("a")]), "archive.unknown-format"),
    "bzip2": (lambda: bz2.compress(b"x"), "archive.unknown-format"),
    "rar": (lambda: b"Rar!\x1a\x07\x00", "archive.unknown-format"),
    "gzip of text": (lambda: gzip.compress(b"hello" * 300), "archive.not-tar"),
    "gzip of html": (lambda: gzip.compress(b"<html>" * 300), "archive.not-tar"),
    # Names.
    "tar traversal": (lambda: tar_gz([member("p/../../etc/passwd")]), "archive.name-traversal"),
    "tar dot dot": (lambda: tar_gz([member("..")]), "archive.name-traversal"),
    "zip traversal": (lambda: zip_bytes({"../evil": b""}), "archive.name-traversal"),
    "tar absolute": (lambda: pack(entry(b"/etc/passwd")), "archive.name-absolute"),
    "zip absolute": (lambda: zip_bytes({"/etc/passwd": b""}), "archive.name-absolute"),
    "tar drive": (lambda: tar_gz([member("C:/windows")]), "archive.name-drive"),
    "zip drive": (lambda: zip_bytes({"c:evil": b""}), "archive.name-drive"),
    "tar backslash": (lambda: tar_gz([member("a\\..\\b")]), "archive.name-backslash"),
    "zip backslash": (lambda: edited(zip_bytes({"ab|cd": b""}), b"ab|cd", b"ab\\cd"), "archive.name-backslash"),
    "tar name not UTF-8": (lambda: pack(entry(b"p/\xff\xfe")), "archive.name-encoding"),
    "zip name not UTF-8": (lambda: edited(zip_bytes({"ab": b""}), b"ab", b"\xff\xfe"), "archive.name-encoding"),
    "tar newline in name": (lambda: tar_gz([member("a\nb")]), "archive.name-control"),
    "zip escape in name": (lambda: zip_bytes({"a\x1b[2Jb": b""}), "archive.name-control"),
    "tar name empty": (lambda: pack(entry(b"")), "archive.name-empty"),
    "file called dot": (lambda: pack(entry(b".")), "archive.name-empty"),
    "component too long": (lambda: tar_gz([member("a" * 256)]), "archive.name-too-long"),
    "path too long": (lambda: tar_gz([member("/".join(["abc"] * 1000))]), "archive.name-too-long"),
    "too deep": (lambda: tar_gz([member("/".join("abcdefghi"))]), "archive.too-deep"),
    "same name twice, tar": (lambda: tar_gz([member("p/a"), member("p/a")]), "archive.duplicate-name"),
    "same name twice after dots": (lambda: tar_gz([member("p/a"), member("./p//a")]), "archive.duplicate-name"),
    "same name composed and decomposed": (lambda: tar_gz([member("p/\u00e9"), member("p/e\u0301")]), "archive.duplicate-name"),
    "same name twice, zip": (lambda: edited(zip_bytes({"aa": b"1", "ab": b"2"}), b"ab", b"aa"), "archive.duplicate-name"),
    "file and folder of one name": (lambda: tar_gz([member("p/a"), member("p/a/b")]), "archive.name-conflict"),
    "folder and file of one name": (lambda: tar_gz([member("p/a/b"), member("p/a")]), "archive.name-conflict"),
    "file through a link": (
        lambda: tar_gz([member("p/l", type=tarfile.SYMTYPE, link="d"), member("p/l/evil")]),
        "archive.name-conflict",
    ),
    "link over a folder in use": (
        lambda: tar_gz([member("p/l/evil"), member("p/l", type=tarfile.SYMTYPE, link="d")]),
        "archive.name-conflict",
    ),
    # Links and special files.
    "link absolute": (lambda: tar_link("p/l", "/etc/passwd"), "archive.symlink-escape"),
    "link out": (lambda: tar_link("p/l", "../../etc"), "archive.symlink-escape"),
    "link out of the project": (lambda: tar_link("p/l", "../q"), "archive.symlink-escape"),
    "link that climbs later": (lambda: tar_link("p/l", "a/b/../../.."), "archive.symlink-escape"),
    "link without target": (lambda: pack(entry(b"p/l", b"", type=b"2")), "archive.symlink-escape"),
    "link inside .git": (lambda: tar_link("p/.git/hooks", "../x"), "archive.symlink-git"),
    ".git is a link": (lambda: tar_link("p/.GIT", "x"), "archive.symlink-git"),
    "zip link out": (lambda: zip_link("p/l", "../../x"), "archive.symlink-escape"),
    "zip link absolute": (lambda: zip_link("p/l", "/x"), "archive.symlink-escape"),
    "hard link": (lambda: tar_gz([member("p/a"), member("p/b", type=tarfile.LNKTYPE, link="p/a")]), "archive.hardlink"),
    "character device": (lambda: tar_gz([member("p/d", type=tarfile.CHRTYPE)]), "archive.device"),
    "block device": (lambda: tar_gz([member("p/d", type=tarfile.BLKTYPE)]), "archive.device"),
    "pipe": (lambda: tar_gz([member("p/d", type=tarfile.FIFOTYPE)]), "archive.device"),
    "zip pipe": (lambda: zip_bytes({"d": b""}, mode=stat.S_IFIFO | 0o644), "archive.device"),
    "sparse, old GNU": (lambda: pack(entry(b"p/s", type=b"S")), "archive.sparse"),
    "sparse, pax": (lambda: pack(pax({b"GNU.sparse.major": b"1"}), entry(b"p/s")), "archive.sparse"),
    "volume label": (lambda: pack(entry(b"label", b"", type=b"V")), "archive.unsupported-entry"),
    "multi-volume": (lambda: pack(entry(b"p/m", type=b"M")), "archive.unsupported-entry"),
    # Damage and disagreement, tar.
    "tar cut in the gzip stream": (lambda: GOOD_TAR[:-30], "archive.truncated"),
    "tar cut in the trailer": (lambda: GOOD_TAR[:-1], "archive.truncated"),
    "tar cut inside of a file": (lambda: gzip.compress(tar_bytes([member("a", b"x" * 5000)])[:2000]), "archive.truncated"),
    "tar cut inside of a header": (lambda: gzip.compress(entry(b"a") + b"\1" * 100), "archive.truncated"),
    "gzip checksum wrong": (lambda: GOOD_TAR[:-8] + b"\0\0\0\0" + GOOD_TAR[-4:], "archive.checksum"),
    "gzip data damaged": (lambda: GOOD_TAR[:12] + b"\xff" * 40 + GOOD_TAR[52:], "archive.malformed"),
    "after the gzip stream": (lambda: GOOD_TAR + b"more", "archive.trailing-data"),
    "after the tar's end": (lambda: gzip.compress(tar_bytes([member("a")]) + b"more"), "archive.trailing-data"),
    "second tar after the end": (lambda: gzip.compress(tar_bytes([member("a")]) + tar_bytes([member("b")])), "archive.trailing-data"),
    "header checksum": (lambda: pack(entry(b"a"), b"\1" * 512), "archive.malformed"),
    "negative size": (lambda: pack(entry(b"ok"), negative_size()), "archive.malformed"),
    "folder with content": (lambda: pack(entry(b"p/d/", type=b"5")), "archive.malformed"),
    "link with content": (lambda: pack(entry(b"p/l", type=b"2", link=b"x")), "archive.malformed"),
    "file with a folder's name": (lambda: pack(entry(b"p/d/", type=b"0")), "archive.malformed"),
    "pax header without end": (lambda: pack(entry(b"pax", b"99 path=x\n", type=b"x"), entry(b"a")), "archive.malformed"),
    "pax header not a record": (lambda: pack(entry(b"pax", b"hello", type=b"x"), entry(b"a")), "archive.malformed"),
    "pax size not a number": (lambda: pack(pax({b"size": b"-1"}), entry(b"a")), "archive.malformed"),
    "pax header for nothing": (lambda: pack(pax({b"path": b"a"})), "archive.malformed"),
    "pax path global": (lambda: pack(pax({b"path": b"a"}, b"g"), entry(b"b")), "archive.malformed"),
    "pax path traversal": (lambda: pack(pax({b"path": b"../x"}), entry(b"b")), "archive.name-traversal"),
    "pax path NUL": (lambda: pack(pax({b"path": b"a\0b"}), entry(b"b")), "archive.name-control"),
    "pax headers without end": (lambda: pack(*[raw_header(b"pax", 0, b"x")] * 9, entry(b"a")), "archive.malformed"),
    "pax header huge": (lambda: pack(raw_header(b"pax", 2_000_000, b"x"), b"\0" * 2_000_384), "archive.header-too-large"),
    "long name huge": (lambda: pack(raw_header(b"l", 2_000_000, b"L"), b"a" * 2_000_384), "archive.header-too-large"),
    "GNU long link out": (
        lambda: tar_gz([member("p/l", type=tarfile.SYMTYPE, link="../" * 60 + "x")], tarfile.GNU_FORMAT),
        "archive.symlink-escape",
    ),
    # Damage and disagreement, ZIP.
    "zip cut": (lambda: GOOD_ZIP[:-40], "archive.truncated"),
    "zip cut at its end": (lambda: GOOD_ZIP[:-1], "archive.truncated"),
    "zip end": (lambda: GOOD_ZIP + b"more", "archive.trailing-data"),
    "zip with two ends": (lambda: two_ends(), "archive.ambiguous"),
    "zip prefixed inside": (lambda: b"PK\x03\x04" + GOOD_ZIP, "archive.malformed"),
    "zip encrypted": (lambda: zip_patched(b"PK\x01\x02", 8, b"\x01\x00"), "archive.encrypted"),
    "zip strongly encrypted": (lambda: zip_patched(b"PK\x01\x02", 8, b"\x41\x00"), "archive.encrypted"),
    "zip bzip2": (lambda: zip_bytes({"a": b"x" * 100}, method=zipfile.ZIP_BZIP2), "archive.compression"),
    "zip lzma": (lambda: zip_bytes({"a": b"x" * 100}, method=zipfile.ZIP_LZMA), "archive.compression"),
    "zip local name differs": (lambda: zip_patched(b"PK\x03\x04", 30, b"q"), "archive.misleading-header"),
    "zip local size differs": (lambda: zip_patched(b"PK\x03\x04", 22, b"\x09"), "archive.misleading-header"),
    "zip local method differs": (lambda: zip_patched(b"PK\x03\x04", 8, b"\x00"), "archive.misleading-header"),
    "zip local encrypted": (lambda: zip_patched(b"PK\x03\x04", 6, b"\x01"), "archive.misleading-header"),
    "zip says less than it holds": (lambda: both_sizes(1000, 10), "archive.misleading-header"),
    "zip says more than it holds": (lambda: both_sizes(1000, 2000), "archive.misleading-header"),
    "zip two names in one": (lambda: zip_unicode_name(), "archive.misleading-header"),
    "zip folder by name, file by mode": (lambda: zip_bytes({"d/": b""}, mode=stat.S_IFREG | 0o644), "archive.misleading-header"),
    "zip file by name, folder by mode": (lambda: zip_bytes({"d": b""}, mode=stat.S_IFDIR | 0o755), "archive.misleading-header"),
    "zip overlap": (zip_twice, "archive.overlap"),
    "zip checksum": (zip_with_crc_wrong, "archive.checksum"),
    "zip offset outside": (lambda: zip_patched(b"PK\x01\x02", 42, b"\xff\xff\xff\x00"), "archive.malformed"),
    "zip count wrong": (lambda: zip_patched(b"PK\x05\x06", 8, b"\x01\x00\x01\x00"), "archive.malformed"),
    "zip of several parts": (lambda: zip_patched(b"PK\x05\x06", 4, b"\x01\x00"), "archive.malformed"),
    # Sizes.
    "too many files, tar": (lambda: tar_gz([member(f"p/{n}") for n in range(21)]), "archive.too-many-files"),
    "too many files, zip": (lambda: zip_bytes({f"p/{n}": b"" for n in range(21)}), "archive.too-many-files"),
    "file too large": (lambda: pack(raw_header(b"a", 95_000_000), b"\0" * 1024), "archive.file-too-large"),
    "tar bomb": (lambda: tar_gz([member("p/zeros", b"\0" * 70_000_000)]), "archive.bomb"),
    "zip bomb": (lambda: zip_bytes({"p/zeros": b"\0" * 70_000_000}), "archive.bomb"),
    "zeros after the tar's end": (lambda: gzip.compress(tar_bytes([member("a")]) + b"\0" * 80_000_000), "archive.bomb"),
}


def negative_size() -> bytes:
    head = bytearray(raw_header(b"a", 0))
    head[124:136] = b"\xff" * 12
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def two_ends() -> bytes:
    """The real end record carries a whole second one as its comment."""
    inner = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    outer = bytearray(GOOD_ZIP)
    outer[-2:] = struct.pack("<H", len(inner))
    return bytes(outer) + inner


def both_sizes(real: int, told: int) -> bytes:
    data = zip_bytes({"a": b"q" * real})
    return data.replace(struct.pack("<L", real), struct.pack("<L", told))


def zip_unicode_name() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("good")
        info.extra = struct.pack("<HHBL4s", 0x7075, 9, 1, 0, b"evil")
        archive.writestr(info, b"x")
    return buffer.getvalue()


@pytest.fixture
def inspect(tmp_path: Path) -> Callable[[bytes], str]:
    def run(data: bytes) -> str:
        place = tmp_path / "archive"
        place.write_bytes(data)
        try:
            source_inspect(place, limits=SMALL)
        except ArchiveError as error:
            return error.code
        return ""

    return run


@pytest.mark.parametrize(("data", "code"), REJECTED.values(), ids=REJECTED)
def test_hostile_archive_is_refused_with_its_code(data: Callable[[], bytes], code: str, inspect: Callable[[bytes], str]) -> None:
    assert inspect(data()) == code


@pytest.mark.parametrize(("data", "code"), REJECTED.values(), ids=REJECTED)
def test_hostile_archive_writes_nothing_outside(data: Callable[[], bytes], code: str, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(data())
    with pytest.raises(ArchiveError) as caught:
        source_unpack(tmp_path / "archive", tmp_path / "into", limits=SMALL)
    assert caught.value.code == code
    assert {path.name for path in tmp_path.iterdir()} <= {"archive", "into"}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


ACCEPTED: dict[str, Callable[[], bytes]] = {
    "good tar": lambda: GOOD_TAR,
    "good zip": lambda: GOOD_ZIP,
    "stored zip": lambda: zip_bytes({"p/a": b"x" * 300_000}, method=zipfile.ZIP_STORED),
    "zip of a whole piece": lambda: zip_bytes({"p/a": random.Random(1).randbytes(262_144), "p/b": b"\0" * 524_288}),
    "empty file": lambda: tar_gz([member("p/a", b"")]),
    "dots and doubled slashes": lambda: tar_gz([member("./", type=tarfile.DIRTYPE), member(".//p/./a")]),
    "folder listed twice": lambda: tar_gz([member("p/d/", type=tarfile.DIRTYPE), member("p/d", type=tarfile.DIRTYPE), member("p/d/a")]),
    "old tar without magic": lambda: pack(entry(b"p/", b"", type=b"\0", magic=b""), entry(b"p/a", type=b"\0", magic=b"")),
    "no end mark": lambda: gzip.compress(entry(b"p/a")),
    "zeros after the gzip stream": lambda: GOOD_TAR + b"\0" * 700,
    "two gzip members": lambda: gzip.compress(entry(b"p/a")) + gzip.compress(entry(b"p/b") + END),
    "GNU long names": lambda: tar_gz([member("p/" + "n" * 200)], tarfile.GNU_FORMAT),
    "pax long names": lambda: tar_gz([member("p/" + "ü" * 120)]),
    "pax size": lambda: pack(pax({b"size": b"1"}), entry(b"p/a")),
    "global comment of git archive": lambda: pack(pax({b"comment": b"a" * 40}, b"g"), entry(b"p/a")),
    "base-256 size": lambda: tar_gz([member("p/a", b"x" * 10)], tarfile.GNU_FORMAT),
    "link inside": lambda: tar_gz([member("p/d/l", type=tarfile.SYMTYPE, link="../a/b"), member("p/a/b")]),
    "dangling link inside": lambda: zip_link("p/l", "nowhere"),
    "names that differ in case": lambda: tar_gz([member("p/a"), member("p/A")]),
    "zip with comment": lambda: zip_comment(b"hello"),
    "zip64": lambda: zip64(),
    "streamed zip with data descriptors": lambda: streamed_zip(),
}


def zip_comment(comment: bytes) -> bytes:
    buffer = io.BytesIO(GOOD_ZIP)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = comment
    return buffer.getvalue()


def zip64() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("p/a", "w", force_zip64=True) as file:
        file.write(b"x" * 1000)
    data = buffer.getvalue()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    size = end - start
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + end64 + locator + last


def streamed_zip() -> bytes:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise io.UnsupportedOperation

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("p/a", b"x" * 1000)
    return pipe.getvalue()


@pytest.mark.parametrize("data", ACCEPTED.values(), ids=ACCEPTED)
def test_honest_archive_is_taken(data: Callable[[], bytes], inspect: Callable[[bytes], str], tmp_path: Path) -> None:
    assert inspect(data()) == ""
    assert source_unpack(tmp_path / "archive", tmp_path / "into", limits=SMALL) == tmp_path / "into" / "p"


def test_links_are_made_and_modes_are_reduced(tmp_path: Path) -> None:
    data = tar_gz(
        [member("p/run", b"#!", mode=0o4777), member("p/l", type=tarfile.SYMTYPE, link="run"), member("p/plain", b"1", mode=0o600)]
    )
    (tmp_path / "a").write_bytes(data)
    project = source_unpack(tmp_path / "a", tmp_path / "into")
    assert (project / "l").resolve() == (project / "run").resolve()
    assert stat.S_IMODE((project / "run").stat().st_mode) & 0o7700 == 0o700
    assert not (project / "plain").stat().st_mode & 0o100


def test_unpacking_over_something_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(GOOD_TAR)
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "there").touch()
    with pytest.raises(FileExistsError):
        source_unpack(tmp_path / "a", tmp_path / "into")


def test_archive_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(GOOD_TAR)
    with pytest.raises(ArchiveError) as caught:
        source_inspect(tmp_path / "a", limits=Limits(max_archive_bytes=10))
    assert caught.value.code == "archive.too-large"


def test_unpacked_size_is_capped(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(zip_bytes({"p/a": b"x" * 2000, "p/b": b"y" * 2000}))
    with pytest.raises(ArchiveError) as caught:
        source_inspect(tmp_path / "a", limits=Limits(max_total_bytes=3000))
    assert caught.value.code == "archive.unpacked-too-large"


def test_missing_file_is_an_error_with_a_code(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as caught:
        source_inspect(tmp_path / "nothing")
    assert caught.value.code == "archive.unreadable"


@pytest.mark.parametrize("data", [GOOD_TAR, GOOD_ZIP], ids=["tar", "zip"])
def test_every_prefix_is_refused(data: bytes, inspect: Callable[[bytes], str]) -> None:
    for length in range(len(data)):
        assert inspect(data[:length]), length


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([GOOD_TAR, GOOD_ZIP]), st.data())
def test_any_change_raises_only_archive_errors(tmp_path_factory: pytest.TempPathFactory, good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    place = tmp_path_factory.mktemp("damaged") / "a"
    place.write_bytes(damaged)
    with contextlib.suppress(ArchiveError):
        source_inspect(place, limits=SMALL)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=1500), st.integers(0, 511), st.binary(max_size=30))
def test_any_tar_body_raises_only_archive_errors(tmp_path_factory: pytest.TempPathFactory, body: bytes, at: int, change: bytes) -> None:
    plain = bytearray(tar_bytes([member("p/a", b"one"), member("p/" + "n" * 120)]))
    plain[at : at + len(change)] = change
    place = tmp_path_factory.mktemp("damaged") / "a"
    place.write_bytes(gzip.compress(bytes(plain) + body))
    with contextlib.suppress(ArchiveError):
        source_inspect(place, limits=SMALL)
