"""Archives for tests, made byte by byte where no program makes them: honest ones, and attacks."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

REPORT = b"# Q1\na) 2 and 3\n"


def make_zip(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data, None if isinstance(name, str) else name.compress_type)
    return stream.getvalue()


def make_tar(*members: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return stream.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target.encode()


def encrypt(data: bytes) -> bytes:
    """Say of every member that it is encrypted, as an encrypted archive does."""
    found = bytearray(data)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = found.find(magic)
        while at >= 0:
            found[at + offset] |= 1
            at = found.find(magic, at + 4)
    return bytes(found)


def overlap(copies: int, size: int) -> bytes:
    """Return a zip whose members all are one and the same stretch of the file."""
    body = zlib.compressobj(9, wbits=-15)
    packed = body.compress(bytes(range(256)) * (size // 256)) + body.flush()
    crc = zlib.crc32(bytes(range(256)) * (size // 256))
    fields = struct.pack("<IIIHH", crc, len(packed), size, 1, 0)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0x21) + fields + b"a" + packed
    listed = b"".join(
        b"PK\x01\x02"
        + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0x21)
        + fields
        + struct.pack("<HHHII", 0, 0, 0, 0, 0)
        + b"a"
        for _ in range(copies)
    )
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, copies, copies, len(listed), len(local), 0)
    return local + listed + end


def unmarked(name: str, data: bytes) -> bytes:
    """Return a zip whose name is UTF-8 without saying so, as archives from a Mac."""
    stored = make_zip((name, data))
    return stored.replace(struct.pack("<HHH", 20, 0x800, 8), struct.pack("<HHH", 20, 0, 8))


def flat_zip(size: int) -> bytes:
    return make_zip(("report.md", bytes(size)))


def stored(data: bytes) -> bytes:
    return make_zip(("a.md", data), method=zipfile.ZIP_STORED)


def many(count: int) -> bytes:
    return make_zip(*((f"a{number}.md", b"x") for number in range(count)))


def tar_with_pax(length: int) -> bytes:
    """Return a tar whose extended header is a long row of digits."""
    info = tarfile.TarInfo("a.md")
    head = info.create_pax_global_header({"comment": "x" * length})
    return head.replace(b"x" * length, b"1" * length) + make_tar(("a.md", b"x"))


# What is handed in as x.zip (or x.tar) beside report.md, and the code of the finding that must name it.
ATTACKS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "climbs out": ("x.zip", lambda: make_zip(("../../report.md", REPORT)), "zip_slip"),
    "climbs out by backslashes": ("x.zip", lambda: make_zip(("a\\..\\..\\report.md", REPORT)), "zip_slip"),
    "from the root": ("x.zip", lambda: make_zip(("/etc/report.md", REPORT)), "zip_slip"),
    "from a drive": ("x.zip", lambda: make_zip(("C:\\report.md", REPORT)), "zip_slip"),
    "link in a zip": ("x.zip", lambda: make_zip(zip_link("report.md", "/etc/passwd")), "symlink"),
    "link in a tar": ("x.tar", lambda: make_tar(link("report.md", "/etc/passwd")), "symlink"),
    "hard link": ("x.tgz", lambda: make_tar(link("a.md", "../b", tarfile.LNKTYPE), mode="w:gz"), "symlink"),
    "device": ("x.tar", lambda: make_tar(link("a.md", "", tarfile.CHRTYPE)), "not_a_file"),
    "pipe": ("x.tar", lambda: make_tar(link("a.md", "", tarfile.FIFOTYPE)), "not_a_file"),
    "tar climbs out": ("x.tar", lambda: make_tar(("../a.md", REPORT)), "zip_slip"),
    "bomb by ratio": ("x.zip", lambda: flat_zip(40_000_000), "bomb"),
    "bomb in a tar": ("x.tgz", lambda: zlib.compress(bytes(300_000_000), 9, wbits=31), "bomb"),
    "one huge": ("x.zip", lambda: make_zip(("a.csv", bytes(60_000_000)), method=zipfile.ZIP_STORED), "too_large"),
    "too many": ("x.zip", lambda: many(2_100), "too_many"),
    "far too many": ("x.zip", lambda: many(60_000), "too_many"),
    "overlapping": ("x.zip", lambda: overlap(1_000, 100_000), "overlapping"),
    "encrypted": ("x.zip", lambda: encrypt(make_zip(("report.md", REPORT))), "encrypted"),
    "bzip2": ("x.zip", lambda: make_zip(("report.md", REPORT), method=zipfile.ZIP_BZIP2), "compression"),
    "two of a name": ("x.tar", lambda: make_tar(("a.md", b"1"), ("a.md", b"2")), "two_of_a_name"),
    "cut off": ("x.zip", lambda: make_zip(("report.md", REPORT))[:-30], "damaged_archive"),
    "cut off gzip": ("x.tar.gz", lambda: make_tar(("a.md", REPORT), mode="w:gz")[:-20], "damaged_archive"),
    "broken tar header": ("x.tar", lambda: make_tar(("a.md", REPORT))[:1024] + b"\x07" * 512, "damaged_archive"),
    "wrong checksum": ("x.zip", lambda: stored(REPORT).replace(REPORT, REPORT[::-1]), "damaged_archive"),
    "long headers": ("x.tar", lambda: tar_with_pax(900_000), "damaged_archive"),
    "no archive": ("x.zip", lambda: b"PK\x03\x04 but nothing", "damaged_archive"),
    "empty": ("x.zip", lambda: b"", "damaged_archive"),
    "rar": ("x.rar", lambda: b"Rar!\x1a\x07\x01\x00", "archive"),
    "rar as zip": ("x.zip", lambda: b"Rar!\x1a\x07\x01\x00", "archive"),
    "7z": ("x.7z", lambda: b"7z\xbc\xaf\x27\x1c", "archive"),
    "long name": ("x.zip", lambda: make_zip(("a" * 2_000 + ".md", REPORT)), "long_name"),
    "three deep": ("x.zip", lambda: make_zip(("y.zip", make_zip(("z.zip", make_zip(("a.md", REPORT)))))), "nested"),
}  # fmt: skip
