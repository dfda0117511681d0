# SPDX-License-Identifier: BSD-2-Clause
import io
import os
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401
from aegis import archive
from aegis.proc import Failure


def written(made):
    file = io.BytesIO()
    made.write(file)
    return file.getvalue()


class Cpio(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        (self.path / "tree/sub").mkdir(parents=True)
        (self.path / "tree/a.txt").write_bytes(b"abc")
        (self.path / "tree/a.txt").chmod(0o640)
        (self.path / "tree/sub/run").write_bytes(b"x" * 4097)
        (self.path / "tree/sub/run").chmod(0o755)
        (self.path / "tree/link").symlink_to("sub/run")

    def tearDown(self):
        self.folder.cleanup()

    def test_round_trip(self):
        made = archive.Archive()
        made.add("init", b"\x7fELF", 0o755)
        made.put(self.path / "tree", "/data")
        members = archive.read(written(made))
        self.assertEqual(list(members)[0], "init")
        self.assertEqual(members["data/a.txt"], (stat.S_IFREG | 0o640, b"abc"))
        self.assertEqual(members["data/sub/run"], (stat.S_IFREG | 0o755, b"x" * 4097))
        self.assertEqual(members["data/link"], (stat.S_IFLNK | 0o777, b"sub/run"))
        self.assertEqual(members["data/sub"][0], stat.S_IFDIR | stat.S_IMODE((self.path / "tree/sub").stat().st_mode))

    def test_directories_come_before_what_is_in_them(self):
        made = archive.Archive()
        made.add("a/b/c", b"")
        self.assertEqual(list(archive.read(written(made))), ["a", "a/b", "a/b/c"])

    def test_same_contents_same_bytes(self):
        images = set()
        for _ in range(2):
            made = archive.Archive()
            made.put(self.path / "tree", "/data")
            os.utime(self.path / "tree/a.txt", (1, 1))
            images.add(written(made))
        self.assertEqual(len(images), 1)

    def test_times_are_kept_when_they_are_to_be(self):
        os.utime(self.path / "tree/a.txt", (1, 1234567890))
        made = archive.Archive(times=True)
        made.put(self.path / "tree", "/data")
        self.assertIn(b"%08X" % 1234567890, written(made))

    def test_parent_is_refused(self):
        made = archive.Archive()
        for name in ("../etc/passwd", "a/../../b", "a/.."):
            with self.assertRaises(Failure):
                made.add(name, b"")

    def test_missing_host_file_is_a_failure(self):
        with self.assertRaises(Failure):
            archive.Archive().put(self.path / "none", "/none")

    def test_file_over_directory_is_refused(self):
        made = archive.Archive()
        made.add("a/b", b"")
        with self.assertRaises(Failure):
            made.add("a", b"")
        with self.assertRaises(Failure):
            made.add("a/b/c", b"")

    @unittest.skipUnless(shutil.which("cpio"), "no cpio here")
    def test_cpio_reads_it(self):
        made = archive.Archive()
        made.put(self.path / "tree", "/data")
        done = subprocess.run(["cpio", "-t", "-v", "--quiet"], input=written(made), capture_output=True, check=True)
        listing = done.stdout.decode()
        self.assertIn("data/link -> sub/run", listing)
        self.assertIn("-rw-r-----", listing)
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(["cpio", "-i", "--quiet", "--no-absolute-filenames"], input=written(made), cwd=out, check=True)
            self.assertEqual((Path(out) / "data/sub/run").read_bytes(), b"x" * 4097)
            self.assertEqual(os.readlink(Path(out) / "data/link"), "sub/run")


if __name__ == "__main__":
    unittest.main()
