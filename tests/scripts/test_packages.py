# SPDX-License-Identifier: BSD-2-Clause
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support
from aegis import packages, paths
from aegis.proc import Failure


class Table(unittest.TestCase):
    def test_every_row_is_whole(self):
        for source in packages.table().values():
            self.assertIn(source.kind, ("system", "source", "deb", "inner"))
            self.assertTrue(source.without)
            if source.kind != "system":
                self.assertRegex(source.sha256, r"^-$" if source.version == "any" else r"^[0-9a-f]{64}$")

    def test_patches_are_each_explained(self):
        text = (support.ROOT / "libos/newlib/README.md").read_text()
        for patch in packages.newlib_patches():
            self.assertIn(f"`{patch.stem}`", text)

    def test_newlib_never_defines_the_global_pointer(self):
        for patch in packages.newlib_patches():
            self.assertNotIn("__global_pointer$", patch.read_text())


class Key(unittest.TestCase):
    """What was built from other patches, flags or by another compiler is never taken."""

    def test_depends_on_everything(self):
        keys = {packages.newlib_key()}
        with mock.patch.object(packages, "FLAGS", packages.FLAGS + " -O3"):
            keys.add(packages.newlib_key())
        with mock.patch.object(packages, "compiler_version", return_value="another"):
            keys.add(packages.newlib_key())
        with tempfile.TemporaryDirectory() as folder:
            patch = Path(folder) / "0006-more.patch"
            patch.write_text("x")
            with mock.patch.object(packages, "newlib_patches", return_value=[patch]):
                keys.add(packages.newlib_key())
        self.assertEqual(len(keys), 4)


class Fetch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        cache = mock.patch.object(paths, "CACHE", Path(self.folder.name))
        cache.start()
        self.addCleanup(cache.stop)
        apt = mock.patch.object(packages, "private_apt", return_value={})
        apt.start()
        self.addCleanup(apt.stop)

    def test_failure_names_package_version_and_what_works(self):
        with mock.patch.object(packages, "download", return_value=(None, "E: no such thing")), self.assertRaises(Failure) as raised:
            packages.fetch("lua")
        for word in ("lua5.4", packages.table()["lua"].version, "everything but /bin/lua", "E: no such thing"):
            self.assertIn(word, str(raised.exception))

    def test_wrong_checksum_is_refused_and_not_kept(self):
        wrong = Path(self.folder.name) / "wrong"
        wrong.write_bytes(b"not Lua")
        with mock.patch.object(packages, "download", return_value=(wrong, "")), self.assertRaisesRegex(Failure, "checksum"):
            packages.fetch("lua")
        self.assertIsNone(packages.cached(packages.table()["lua"]))

    def test_cached_file_needs_no_network(self):
        source = packages.table()["lua"]
        path = paths.CACHE / "files" / source.sha256 / source.file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"here")
        with mock.patch.object(packages, "download", side_effect=AssertionError("the network was asked")):
            self.assertEqual(packages.fetch("lua"), path)


class Unpack(unittest.TestCase):
    def test_torn_unpacking_is_done_again(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "x"
            with self.assertRaises(RuntimeError):
                packages.unpacked(folder, "1", mock.Mock(side_effect=RuntimeError))
            self.assertFalse(folder.exists())
            packages.unpacked(folder, "1", lambda to: (to / "a").write_text("1"))
            packages.unpacked(folder, "1", mock.Mock(side_effect=RuntimeError))  # nothing to do
            packages.unpacked(folder, "2", lambda to: (to / "b").write_text("2"))
            self.assertEqual(sorted(p.name for p in folder.iterdir()), [".key", "b"])


class Repository(unittest.TestCase):
    def test_no_path_of_this_machine(self):
        for path in [*paths.SCRIPTS.rglob("*"), *(support.ROOT / "tests/scripts").glob("*"), support.ROOT / "meson.build"]:
            if path.is_file() and "__pycache__" not in str(path):
                self.assertNotIn(str(support.ROOT) + "/", path.read_text(errors="replace"), path)

    def test_version_in_sources_matches_the_file(self):
        newlib = packages.table()["newlib"]
        self.assertIn(newlib.version, newlib.file)
        self.assertTrue(re.fullmatch(r"lua5\.4_5\.4\.\d+\.orig\.tar\.gz", packages.table()["lua"].file))


if __name__ == "__main__":
    unittest.main()
