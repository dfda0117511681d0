# SPDX-License-Identifier: BSD-2-Clause
import subprocess
import tempfile
import unittest
from pathlib import Path

import support

UP, DOWN, RIGHT, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"
HOME, END, DELETE = b"\x1b[H", b"\x1b[F", b"\x1b[3~"


def ctrl(c):
    return bytes([ord(c) & 0x1f])


class Readline(unittest.TestCase):
    """The line editor, on the host, with sanitizers."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.program = Path(cls.folder.name) / "readline"
        ours = Path(cls.folder.name) / "include"  # and none of the C library's that stand beside them
        ours.mkdir()
        for name in ("aegis", "readline"):
            (ours / name).symlink_to(support.ROOT / "libos/include" / name)
        subprocess.run(["gcc", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                        "-D_GNU_SOURCE", "-I", ours, "-o", cls.program,
                        support.HERE / "readline_host.c", support.ROOT / "libos/posix/readline.c"], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def lines(self, keys):
        done = subprocess.run([self.program], input=keys, capture_output=True, timeout=20, check=True)
        self.screen = done.stdout
        return done.stderr.decode(errors="replace").splitlines()

    def one(self, keys, line):
        self.assertEqual(self.lines(keys + b"\r"), [f"[{line}]"])

    def test_plain_line(self):
        self.one(b"hello", "hello")
        self.assertTrue(self.screen.startswith(b"\r> "))

    def test_arrows_insert_in_the_middle(self):
        self.one(b"ac" + LEFT + b"b" + RIGHT + b"d", "abcd")

    def test_home_and_end(self):
        self.one(b"b" + HOME + b"a" + END + b"c", "abc")
        self.one(b"b" + ctrl("a") + b"a" + ctrl("e") + b"c", "abc")
        self.one(b"b\x1b[1~a\x1b[4~c\x1bOHx\x1bOFy", "xabcy")

    def test_delete_and_backspace(self):
        self.one(b"abcd\x7f" + HOME + DELETE, "bc")
        self.one(b"abc" + LEFT + ctrl("d"), "ab")
        self.one(b"\x7f\x7fa" + ctrl("h") + ctrl("h") + b"b", "b")

    def test_kill_line_and_word(self):
        self.one(b"one two" + ctrl("w") + b"x", "one x")
        self.one(b"one two" + ctrl("u") + b"x", "x")
        self.one(b"one two" + LEFT * 3 + ctrl("k"), "one ")
        self.one(b"one two  " + ctrl("w"), "one ")

    def test_history(self):
        self.assertEqual(self.lines(b"a\rb\r" + UP + UP + b"!\r"), ["[a]", "[b]", "[a!]"])
        self.assertEqual(self.lines(b"a\rhalf" + UP + DOWN + b"!\r"), ["[a]", "[half!]"])
        self.assertEqual(self.lines(UP + DOWN + b"a\r"), ["[a]"])
        self.assertEqual(self.lines(b"a\ra\rb\r" + UP * 9 + b"\r"), ["[a]", "[a]", "[b]", "[a]"])

    def test_history_keeps_200(self):
        keys = b"".join(b"%d\r" % n for n in range(300)) + UP * 400 + b"\r"
        self.assertEqual(self.lines(keys)[-1], "[100]")

    def test_ctrl_c_clears(self):
        self.one(b"rubbish" + ctrl("c") + b"good", "good")

    def test_ctrl_d_ends_only_an_empty_line(self):
        self.assertEqual(self.lines(b"a\r" + ctrl("d") + b"never\r"), ["[a]"])
        self.one(b"a" + ctrl("d") + b"b", "ab")

    def test_end_of_input_keeps_what_was_typed(self):
        self.assertEqual(self.lines(b"half"), ["[half]"])

    def test_utf8_moves_by_characters(self):
        self.one("äö".encode() + LEFT + b"x" + RIGHT + b"\x7f", "äx")
        self.one("aü".encode() + ctrl("t"), "üa")

    def test_long_line_scrolls(self):
        text = b"0123456789" * 30
        self.one(text + ctrl("a") + b"<" + ctrl("e") + b">", "<" + text.decode() + ">")
        self.assertLess(max(len(row) for row in self.screen.split(b"\r")), 100)

    def test_unknown_sequences_are_ignored(self):
        self.one(b"a\x1b[15~\x1b[99999999999~\x1bxb\x1b[1;5D\x1b[1;5Cc", "abc")

    def test_random_keys_are_safe(self):
        import random
        rng = random.Random(1)
        for _ in range(20):
            self.lines(bytes(rng.choice([*range(256), 27, 91, 65, 66, 67, 68, 13]) for _ in range(2000)))


if __name__ == "__main__":
    unittest.main()
