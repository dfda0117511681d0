# SPDX-License-Identifier: BSD-2-Clause
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401
from aegis import packages, paths, ports
from aegis.proc import Failure

PORT = ports.Port("bzip2", [])


class Ports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        for target, name, value in ((paths, "CACHE", self.path / "cache"), (paths, "PORTS", self.path / "ports"),
                                    (ports, "HEADERS", self.path / "include")):
            patch = mock.patch.object(target, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        (self.path / "include/sys").mkdir(parents=True)
        (self.path / "include/sys/a.h").write_text("1")
        self.addCleanup(self.folder.cleanup)

    def compiled(self):
        out = paths.CACHE / "ports" / f"bzip2-{ports.key(PORT, {})}-x"
        out.mkdir(parents=True)
        (out / "headers").write_text(json.dumps(ports.header_sums(["sys/a.h"])))
        return out

    def test_every_port_has_a_source_and_a_recipe(self):
        for port in ports.PORTS:
            self.assertEqual(packages.table()[port.name].kind, "source")
            self.assertTrue((ports.folder(port) / "compile").is_file())

    def test_needs_come_first(self):
        seen = set()
        for port in ports.PORTS:
            self.assertLessEqual(set(port.needs), seen)
            seen.add(port.name)

    def test_headers_that_were_read_are_found(self):
        (self.path / "source").mkdir()
        (self.path / "source/x.d").write_text(f"x.o: x.c {self.path}/include/sys/a.h \\\n /usr/include/b.h\n")
        self.assertEqual(ports.headers_read(self.path / "source"), ["sys/a.h"])

    def test_objects_are_kept_until_a_header_changes(self):
        out = self.compiled()
        self.assertEqual(ports.kept(PORT, {}), out)
        (self.path / "include/sys/other.h").write_text("2")
        self.assertEqual(ports.kept(PORT, {}), out)
        (self.path / "include/sys/a.h").write_text("2")
        self.assertIsNone(ports.kept(PORT, {}))

    def test_a_failure_is_told_once(self):
        with mock.patch.object(ports, "compile_port", side_effect=Failure("broken")) as compile_port:
            with self.assertRaisesRegex(Failure, "broken"):
                ports.objects(PORT, {})
            self.assertIsNone(ports.objects(PORT, {}))
            self.assertEqual(compile_port.call_count, 1)
            (self.path / "include/sys/a.h").write_text("3")
            with self.assertRaises(Failure):
                ports.objects(PORT, {})

    def test_missing_names_are_told_once_each(self):
        text = "x.o: undefined reference to `fork'\ny.o: undefined reference to `pipe'\nz.o: undefined reference to `fork'\n"
        self.assertEqual(ports.undefined(text), ["fork", "pipe"])

    def test_links(self):
        out = self.compiled()
        (out / "links").write_text("bzip2 bunzip2\nbzip2 bzcat\n")
        paths.PORTS.mkdir()
        (paths.PORTS / "outs").write_text(f"{out}\n")
        self.assertEqual(ports.links(), {"bunzip2": "bzip2", "bzcat": "bzip2"})


if __name__ == "__main__":
    unittest.main()
