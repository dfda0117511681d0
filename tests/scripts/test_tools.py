# SPDX-License-Identifier: BSD-2-Clause
"""The small scripts: what they say, their statuses, and that clean takes no more than it says."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import support
from aegis import packages

SCRIPTS = support.ROOT / "scripts"


def run(*words, **options):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **options)


class Help(unittest.TestCase):
    def test_each_script_has_help(self):
        for script in sorted(SCRIPTS.iterdir()):
            if script.is_file() and os.access(script, os.X_OK):
                done = run(script, "--help")
                self.assertEqual(done.returncode, 0, script)
                self.assertIn("usage", done.stdout.lower(), script)

    def test_a_wrong_option_is_2(self):
        for name in ("run", "test", "bench", "size", "setup", "clean", "build"):
            done = run(SCRIPTS / name, "--nonsense")
            self.assertEqual((done.returncode, done.stdout), (2, ""), name)
            self.assertIn("--nonsense", done.stderr, name)


class Setup(unittest.TestCase):
    def test_check_tells_each_source_and_touches_nothing(self):
        with tempfile.TemporaryDirectory() as cache:
            done = run(SCRIPTS / "setup", "--check", env=dict(os.environ, XDG_CACHE_HOME=cache))
            self.assertEqual(done.returncode, 1)  # the cache is empty
            self.assertEqual(os.listdir(cache), [])
        for source in packages.table().values():
            self.assertIn(f"{source.name:10} {source.version}", done.stdout)
        self.assertIn("missing; without it: ", done.stdout)


class Size(unittest.TestCase):
    def test_limits_are_printed_and_held(self):
        done = run(SCRIPTS / "size")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^kernel lines +[\d,]+ of 5,000$")
        self.assertRegex(done.stdout, r"(?m)^kernel text bytes +[\d,]+ of 65,536$")


class Clean(unittest.TestCase):
    def test_it_removes_what_it_says(self):
        with tempfile.TemporaryDirectory() as name:
            root, cache = Path(name) / "tree", Path(name) / "cache"
            for folder in (root / "scripts", root / "build/machine", root / "apps", cache / "aegis-v/files", cache / "other"):
                folder.mkdir(parents=True)
            shutil.copy(SCRIPTS / "clean", root / "scripts")
            env = dict(os.environ, XDG_CACHE_HOME=str(cache))
            self.assertEqual(run(root / "scripts/clean", env=env).returncode, 0)
            self.assertEqual(sorted(p.name for p in root.iterdir()), ["apps", "scripts"])
            self.assertTrue((cache / "aegis-v/files").exists())
            self.assertEqual(run(root / "scripts/clean", "--cache", env=env).returncode, 0)
            self.assertEqual(sorted(p.name for p in cache.iterdir()), ["other"])


if __name__ == "__main__":
    unittest.main()
