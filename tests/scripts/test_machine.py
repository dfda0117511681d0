# SPDX-License-Identifier: BSD-2-Clause
import os
import tempfile
import unittest

import support
from aegis import machine, packages
from aegis.proc import Failure


class Ends(unittest.TestCase):
    """How a run can end, and the status of each."""

    def test_exit_status_is_the_programs(self):
        result = support.toy("echo", stdin=b"hello\n")
        self.assertEqual((result.status, result.stdout, result.stderr), (7, b"hello\n", b""))
        self.assertIn(b"booted", result.log)
        self.assertEqual(result.control, ["ready", "exit 7"])

    def test_signal_is_128_more(self):
        self.assertEqual(support.toy("segv").status, 139)

    def test_not_found_is_127(self):
        self.assertEqual(support.toy("notfound").status, 127)

    def test_not_executable_is_126(self):
        self.assertEqual(support.toy("notexec").status, 126)

    def test_panic_is_125_with_the_log(self):
        result = support.toy("panic")
        self.assertEqual(result.status, 125)
        self.assertIn(b"PANIC: on purpose", result.stderr)

    def test_end_without_a_record_is_125(self):
        result = support.toy("die")
        self.assertEqual(result.status, 125)
        self.assertIn(b"last words", result.stderr)

    def test_time_out_is_124_with_the_state(self):
        result = support.toy("echo", stdin=None, timeout=2)
        self.assertEqual(result.status, 124)
        self.assertIn(b"hart 0 idles", result.stderr)

    def test_time_out_of_a_guest_that_does_not_answer(self):
        result = support.toy("hang", timeout=1)
        self.assertEqual(result.status, 124)

    def test_silence_is_a_hang_and_a_long_run_is_none(self):
        self.assertEqual(support.toy("hang", timeout=None, silence=1).status, 124)
        self.assertEqual(support.toy("ticks", timeout=None, silence=1.5).status, 0)

    def test_missing_kernel_is_a_failure(self):
        with self.assertRaises(Failure):
            machine.run(archive=b"", kernel="/nonexistent/kernel")


class Line(unittest.TestCase):
    """No byte is lost or changed in either direction."""

    def test_every_byte_value_comes_back(self):
        data = bytes(range(256)) * 16
        self.assertEqual(support.toy("echo", stdin=data).stdout, data)

    def test_input_of_half_a_mebibyte(self):
        result = support.toy("swallow", stdin=b"0123456789abcdef" * (1 << 15), timeout=120)
        self.assertEqual(result.status, 7)

    def test_output_of_2_megabytes(self):
        result = support.toy("flood", timeout=120)
        self.assertEqual(result.status, 3)
        self.assertEqual(result.stdout, (b"abcdefghijklmnopqrstuvwxyz" * 80000)[:2000000])

    def test_line_holds_what_comes_while_the_host_is_busy(self):
        with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
            line = machine.SerialLine(folder)
            try:
                os.set_blocking(line.held, False)
                for _ in range(500000):  # one by one, as a UART does
                    os.write(line.held, b"x")
                line.give()
                got = bytearray()
                while data := os.read(line.incoming, 1 << 18):
                    got += data
                self.assertEqual(len(got), 500000)
            finally:
                line.close()

    def test_files_come_back_whatever_is_between(self):
        result = support.toy("files")
        self.assertEqual(result.files["/a/b"].content, b"x\x10\nyz")
        self.assertEqual(result.files["/a/b"].mode, 0o100644)
        self.assertIn("nofile /c", result.control)
        self.assertEqual(result.stderr, b"between")


class Arguments(unittest.TestCase):
    def test_harts_out_of_range_name_the_range(self):
        for name, harts, said in (("virt", 9, "1 to 8"), ("virt", 0, "1 to 8"), ("sifive_u", 5, "1 to 4")):
            with self.assertRaisesRegex(Failure, said):
                machine.check(name, harts, 512, False, None)

    def test_memory_out_of_range(self):
        for memory in (15, 16385):
            with self.assertRaisesRegex(Failure, "16 to 16384"):
                machine.check("virt", 1, memory, False, None)

    def test_unknown_machine(self):
        with self.assertRaises(Failure):
            machine.check("pc", 1, 512, False, None)

    def test_seed_is_fixed_when_counted_and_fresh_otherwise(self):
        self.assertEqual(machine.seed(True), machine.seed(True))
        self.assertNotEqual(machine.seed(False), machine.seed(False))
        self.assertEqual(len(machine.seed(False)), 64)
        os.environ["AEGIS_SEED"] = "ab" * 32
        try:
            self.assertEqual(machine.seed(False), "ab" * 32)
        finally:
            del os.environ["AEGIS_SEED"]

    def test_counted_runs_repeat(self):
        logs = {support.toy("echo", stdin=b"", icount=True, harts=1).log for _ in range(2)}
        self.assertEqual(len(logs), 1)

    def test_both_qemus(self):
        if packages.system_qemu_suffices():
            self.skipTest("the system's QEMU is the only one")
        result = support.toy("echo", stdin=b"old\n", qemu="qemu-system-riscv64")
        self.assertEqual((result.status, result.stdout), (7, b"old\n"))


if __name__ == "__main__":
    unittest.main()
