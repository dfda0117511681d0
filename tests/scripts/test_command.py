# SPDX-License-Identifier: BSD-2-Clause
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support
from aegis import command, terminal
from aegis.proc import Failure

RUN = support.ROOT / "scripts" / "run"


def run(*arguments, **options):
    return subprocess.run([RUN, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)


class Split(unittest.TestCase):
    """Where our options end and the program begins."""

    def split(self, *words):
        return command.split(list(words), command.parser())

    def test_what_follows_the_program_is_untouched(self):
        self.assertEqual(self.split("--smp", "2", "lua", "--smp", "9", "--help"),
                         (["--smp", "2"], ["lua", "--smp", "9", "--help"]))

    def test_log_and_trace_take_values_only_joined(self):
        self.assertEqual(self.split("--log", "lua"), (["--log=-"], ["lua"]))
        self.assertEqual(self.split("--trace", "lua"), (["--trace="], ["lua"]))
        self.assertEqual(self.split("--trace=map,claim", "lua"), (["--trace=map,claim"], ["lua"]))

    def test_net_takes_a_value_only_joined(self):
        parser = command.parser()
        for words, net in ((["--net", "httpd"], True), (["--net=tap,ifname=tap0", "httpd"], "tap,ifname=tap0"), (["httpd"], None)):
            ours, program = self.split(*words)
            self.assertEqual((parser.parse_args(ours).net, program), (net, ["httpd"]))

    def test_two_dashes_end_the_options(self):
        self.assertEqual(self.split("--icount", "--", "-x"), (["--icount"], ["-x"]))

    def test_nothing(self):
        self.assertEqual(self.split(), ([], []))


class Arguments(unittest.TestCase):
    """Every wrong argument is told before anything boots, with status 2."""

    def refused(self, said, *arguments, status=2):
        done = run(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        self.assertIn(said, done.stderr)

    def test_harts(self):
        self.refused("1 to 8", "--smp", "9", "lua")
        self.refused("1 to 4", "--machine", "sifive_u", "--smp", "5", "lua")
        self.refused("1 to 8", "--smp", "two")

    def test_memory(self):
        self.refused("16 to 16384", "--memory", "15")
        self.refused("16 to 16384", "--memory", "512M")

    def test_machine(self):
        self.refused("invalid choice", "--machine", "pc")

    def test_put_of_a_missing_file(self):
        self.refused("there is no /nonexistent", "--put", "/nonexistent", "lua")

    def test_put_outside(self):
        self.refused("must not contain", "--put", f"{__file__}=/../x", "lua")

    def test_env_without_value(self):
        self.refused("NAME=VALUE", "--env", "X", "lua")

    def test_timeout(self):
        self.refused("timeout", "--timeout", "-1", "lua")
        self.refused("soon is no positive number of seconds", "--timeout", "soon", "lua")

    def test_unknown_option(self):
        self.refused("unrecognized", "--fast", "lua")

    def test_host_program_missing_is_127(self):
        self.refused("No such file", "./nonexistent", status=127)

    def test_program_without_a_name_is_127(self):
        self.refused("'': not found", "", status=127)

    def test_host_program_not_executable_is_126(self):
        self.refused("not an executable", __file__, status=126)

    def test_host_program_of_another_machine_is_126(self):
        self.refused("riscv64", os.path.realpath(sys.executable), status=126)

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--machine", "--smp", "--memory", "--put", "--get", "--env", "--icount", "--timeout", "--gdb", "--log",
                       "--trace", "--list", "--qemu"):
            self.assertIn(option, done.stdout)


class Pairs(unittest.TestCase):
    def options(self, *words):
        return command.parser().parse_args(words)

    def test_put_defaults_to_basename(self):
        put, _, _ = command.pairs(self.options("--put", __file__))
        self.assertEqual(put, [(__file__, "/" + Path(__file__).name)])

    def test_get_and_env(self):
        _, get, env = command.pairs(self.options("--get", "/a/b", "--get", "c=d", "--env", "A=b=c", "--env", "E="))
        self.assertEqual(get, [("/a/b", "b"), ("/c", "d")])
        self.assertEqual(env, {"A": "b=c", "E": ""})

    def test_get_into_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            _, get, _ = command.pairs(self.options("--get", f"/a/b={folder}"))
        self.assertEqual(get, [("/a/b", f"{folder}/b")])

    def test_get_of_nothing(self):
        with self.assertRaises(Failure):
            command.pairs(self.options("--get", "="))


class Keys(unittest.TestCase):
    def test_ctrl_a_x_ends(self):
        self.assertEqual(terminal.Keys().filter(b"ab\x01xc"), (b"ab\x01", True))

    def test_split_over_two_reads(self):
        keys = terminal.Keys()
        self.assertEqual(keys.filter(b"\x01"), (b"\x01", False))
        self.assertEqual(keys.filter(b"x"), (b"", True))

    def test_ctrl_a_reaches_the_guest(self):
        self.assertEqual(terminal.Keys().filter(b"\x01bx"), (b"\x01bx", False))

    def test_twice_makes_the_x_an_x(self):
        self.assertEqual(terminal.Keys().filter(b"\x01\x01x"), (b"\x01\x01x", False))


class Received(unittest.TestCase):
    def test_only_what_was_asked_for_is_written(self):
        from aegis.frames import File
        with tempfile.TemporaryDirectory() as folder:
            got = set()
            take = command.receiver([("/a", f"{folder}/a"), ("/d", f"{folder}/d/e")], got)
            take(File("/a", 0o755, b"1"))
            take(File("/d", 0o600, b"2"))
            take(File("/d/f", 0o600, b"3"))
            take(File("/evil", 0o644, b"4"))
            take(File("/d/../../x", 0o644, b"5"))
            self.assertEqual(sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file()), ["a", "d/e"])
            self.assertEqual((Path(folder) / "a").stat().st_mode & 0o777, 0o755)
            self.assertEqual(got, {"/a", "/d"})


if __name__ == "__main__":
    unittest.main()
