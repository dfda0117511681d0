# SPDX-License-Identifier: BSD-2-Clause
import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401
from aegis import bench, machine, paths, size, suites
from aegis.proc import Failure


def outcome(script, minutes=1.0):
    """(passed, failed names) of a suite that is this shell script."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(paths, "ROOT", Path(folder)):
        path = Path(folder) / "suite"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        with contextlib.redirect_stdout(io.StringIO()):
            passed, failed, _ = suites.run_suite(suites.Suite("s", ["suite"], True, False, None, minutes), False)
        return passed, failed


class Counting(unittest.TestCase):
    def test_lines_are_the_tests(self):
        self.assertEqual(outcome("echo ok a; echo ok 2 - b; echo okay; echo not ok c; exit 1"), (2, ["s: c"]))

    def test_failing_status_counts_once(self):
        self.assertEqual(outcome("echo ok a; exit 3"), (1, ["s: ended with status 3"]))

    def test_crash(self):
        self.assertEqual(outcome("echo ok a; kill -SEGV $$"), (1, ["s: ended with signal 11 (SIGSEGV)"]))

    def test_hang(self):
        self.assertEqual(outcome("echo ok a; sleep 60", minutes=0.02), (1, ["s: hung"]))

    def test_silence_is_a_failure(self):
        self.assertEqual(outcome("true"), (0, ["s: no test reported"]))

    def test_grandchild_that_keeps_the_pipe(self):
        self.assertEqual(outcome("sleep 60 & echo ok a"), (1, []))

    def test_unknown_suite(self):
        with self.assertRaises(Failure):
            suites.main(["none"], False)


class Lines(unittest.TestCase):
    def count(self, text, assembly=False):
        return sum(1 for line in size.strip_comments(text, assembly).splitlines() if line.strip())

    def test_comments_and_blanks_are_left_out(self):
        self.assertEqual(self.count("int a; // one\n\n/* two\n three */\nint b; /* four */ int c;\n"), 2)

    def test_strings_are_no_comments(self):
        self.assertEqual(self.count('char *s = "/* no */ // no";\nchar c = \'"\'; // yes\nint b;\n'), 3)

    def test_assembly(self):
        self.assertEqual(self.count("# comment\n#define A 1\n    nop # trailing\n", True), 2)


class Figures(unittest.TestCase):
    def test_peers_are_of_known_figures(self):
        known = set(bench.figures()) | set(bench.PROGRAM_OF) | {"kernel_lines", "text_bytes"}
        self.assertLessEqual(set(bench.peers()), known)

    def test_unknown_figure(self):
        with self.assertRaises(Failure):
            bench.table(["none"])


class Size(unittest.TestCase):
    def test_archive_too_large_for_the_memory(self):
        machine.check_size(4 << 20, 16)
        with self.assertRaisesRegex(Failure, "--memory"):
            machine.check_size((4 << 20) + 1, 16)


if __name__ == "__main__":
    unittest.main()
