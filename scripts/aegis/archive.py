# SPDX-License-Identifier: BSD-2-Clause
"""The boot archive: cpio newc, the same bytes for the same contents."""
import os
import stat
from pathlib import Path

from .proc import Failure, Wrong

HEADER, PAGE = 110, 4096
DIRECTORY, REGULAR, LINK = 0o040000, 0o100000, 0o120000


def clean(path):
    """A guest path as the archive names it: relative, without `.`, `..` or empty parts."""
    parts = [p for p in str(path).split("/") if p not in ("", ".")]
    if ".." in parts:
        raise Wrong(f"{path}: a path in the guest must not contain '..'")
    if "\0" in str(path) or "\n" in str(path):
        raise Wrong(f"{path!r}: a path in the guest must not contain a newline or NUL")
    return "/".join(parts)


class Archive:
    def __init__(self, times=False):
        """times: what is put in keeps its time of change. Without, the same contents are the same bytes."""
        self.members = {}  # name -> (mode, content); in order, directories before what is in them
        self.keep_times, self.times = times, {}

    def add(self, path, content, mode=0o644, kind=REGULAR):
        name = clean(path)
        if not name:
            raise Failure(f"{path}: names no file in the guest")
        parent = ""
        for part in name.split("/")[:-1]:
            parent = f"{parent}/{part}" if parent else part
            self.members.setdefault(parent, (DIRECTORY | 0o755, b""))
            if not stat.S_ISDIR(self.members[parent][0]):
                raise Failure(f"/{name}: /{parent} is not a directory")
        if name in self.members and stat.S_ISDIR(self.members[name][0]) != (kind == DIRECTORY):
            raise Failure(f"/{name} would be both a file and a directory")
        self.members[name] = (kind | mode, content)

    def put(self, host, guest):
        """A host file or folder, with what is below it; modes and symbolic links are kept, and times if they are to be."""
        host = Path(host)
        try:
            status = host.stat()  # what the user names is followed; links below it are kept
            if stat.S_ISDIR(status.st_mode):
                if clean(guest):
                    self.add(guest, b"", stat.S_IMODE(status.st_mode), DIRECTORY)
                for name in sorted(os.listdir(host)):
                    self.put_below(host / name, f"{guest}/{name}")
            elif stat.S_ISREG(status.st_mode):
                self.add(guest, host.read_bytes(), stat.S_IMODE(status.st_mode))
            else:
                raise Failure(f"{host}: neither a file, a folder nor a symbolic link")
            if self.keep_times:
                self.times[clean(guest)] = min(max(int(status.st_mtime), 0), 0xffffffff)
        except OSError as error:
            raise Failure(f"{host}: {error.strerror}") from None

    def put_below(self, host, guest):
        if host.is_symlink():
            self.add(guest, os.readlink(host).encode(), 0o777, LINK)
        else:
            self.put(host, guest)

    def write(self, file):
        """Owners 0, inode numbers in order, times 0 but those that were kept: nothing else of the host gets in."""
        at = 0
        for inode, (name, (mode, content)) in enumerate(self.members.items(), 1):
            at += file.write(header(name, mode, content, inode, at, self.times.get(name, 0)))
        file.write(header("TRAILER!!!", 0, b"", 0, at))


def header(name, mode, content, inode, at, changed=0):
    """A member that begins at byte `at`. What fills a page begins at one, so that it can be mapped: the name ends in more NULs."""
    encoded = name.encode() + b"\0"
    if stat.S_ISREG(mode) and len(content) >= PAGE:
        encoded += b"\0" * (-(at + HEADER + len(encoded)) % PAGE)
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, changed, len(content), 0, 0, 0, 0, len(encoded), 0)
    record = b"070701" + b"".join(b"%08X" % f for f in fields) + encoded
    return pad(record) + pad(content)


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def read(data):
    """The members of an archive, for tests: {name: (mode, content)}."""
    members, at = {}, 0
    while True:
        if data[at:at + 6] != b"070701":
            raise ValueError(f"no header at {at}")
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, length = fields[6], fields[11]
        name = data[at + HEADER:at + HEADER + length].rstrip(b"\0").decode()
        at += HEADER + length + (-(HEADER + length) % 4)
        if name == "TRAILER!!!":
            return members
        members[name] = (fields[1], data[at:at + size])
        at += size + (-size % 4)
