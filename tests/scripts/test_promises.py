# SPDX-License-Identifier: BSD-2-Clause
"""tests/promises.md names tests that there are."""
import re
import unittest

from support import ROOT

from aegis import bench, suites

TABLE = (ROOT / "tests/promises.md").read_text()
# A test's name as it is given: a function, or what a string begins with (that ends in _: its first part).
GIVEN = r'(?:\b(?:def|void) |"){}(?:(?<=_)|(?!\w))'


def named():
    """(suite, name or "") of each row's last column."""
    for row in re.findall(r"^\| (?!promise|---).* \| (.*) \|$", TABLE, re.M):
        yield [part.partition(": ")[::2] for part in re.findall(r"`([^`]+)`", row)]


def exists(suite, name):
    if not name:
        return True
    if suite.name == "figures":
        return name in bench.figures()
    folder = (ROOT / suite.command[0]).parent
    files = [f for f in folder.rglob("*") if f.is_file() and f.suffix not in (".md", ".pyc", ".tsv")]
    if any(f.stem == name for f in files):
        return True
    return any(re.search(GIVEN.format(re.escape(name)), f.read_text(errors="replace"), re.M) for f in files)


class Promises(unittest.TestCase):
    def test_each_has_a_test(self):
        rows = list(named())
        self.assertGreater(len(rows), 60)
        self.assertEqual([row for row in rows if not row], [])

    def test_each_test_is_there(self):
        known = {s.name: s for s in suites.SUITES}
        missing = [f"{suite}: {name}" for row in named() for suite, name in row if suite not in known or not exists(known[suite], name)]
        self.assertEqual(missing, [])
