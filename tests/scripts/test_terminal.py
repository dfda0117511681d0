# SPDX-License-Identifier: BSD-2-Clause
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import support

CHILD = [sys.executable, str(support.HERE / "tty_child.py")]


def gone(pid):
    for _ in range(50):
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


class OnTerminal(unittest.TestCase):
    """scripts/run on a pseudo-terminal: every key to the guest, and the terminal as it was afterwards."""

    def start(self, what="echo"):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(slave)

        def take():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.child = subprocess.Popen([*CHILD, what], stdin=slave, stdout=slave, stderr=slave, preexec_fn=take)
        self.slave = slave
        self.screen = b""
        self.expect(b"ctrl-a x ends it")
        self.qemu = int(re.search(rb"qemu (\d+)", self.screen)[1])
        for _ in range(100):
            if not termios.tcgetattr(slave)[3] & termios.ICANON:
                break
            time.sleep(0.05)

    def tearDown(self):
        if hasattr(self, "child"):
            self.child.kill()
            self.child.wait()
            os.close(self.master)
            os.close(self.slave)

    def expect(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.screen:
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                self.fail(f"no {text!r} in {self.screen!r}")
            self.screen += os.read(self.master, 4096)

    def restored(self):
        for _ in range(50):
            if termios.tcgetattr(self.slave) == self.before:
                return True
            time.sleep(0.1)
        return False

    def test_keys_reach_the_guest(self):
        self.start()
        os.write(self.master, b"a\x03\x04\x1a\x1c\x13b")
        self.expect(b"a\x03\x04\x1a\x1c\x13b")

    def test_ctrl_a_x_ends(self):
        self.start()
        os.write(self.master, b"\x01x")
        self.assertEqual(self.child.wait(20), 130)
        self.assertTrue(self.restored())
        self.assertTrue(gone(self.qemu))

    def test_sigterm_restores(self):
        self.start()
        self.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.child.wait(20), 143)
        self.assertTrue(self.restored())
        self.assertTrue(gone(self.qemu))

    def test_sigkill_restores_and_leaves_no_qemu(self):
        self.start()
        self.child.kill()
        self.child.wait(20)
        self.assertTrue(self.restored())
        self.assertTrue(gone(self.qemu))

    def test_window_size_follows(self):
        self.start()
        os.write(self.master, b"k")
        self.expect(b"k")
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        self.child.send_signal(signal.SIGWINCH)
        self.expect(b"50;120")

    def test_end_of_the_guest_restores(self):
        self.start("segv")
        self.assertEqual(self.child.wait(20), 139)
        self.assertTrue(self.restored())


class WithoutTerminal(unittest.TestCase):
    def start(self, what, **streams):
        return subprocess.Popen([*CHILD, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams)

    def test_pipe_file_and_null(self):
        for stream, wanted in ((subprocess.PIPE, b"hi\n"), (subprocess.DEVNULL, b"")):
            child = self.start("echo", stdin=stream)
            out, _ = child.communicate(b"hi\n" if stream == subprocess.PIPE else None, timeout=30)
            self.assertEqual((child.returncode, out), (7, wanted))
        with open(__file__, "rb") as f:
            child = self.start("echo", stdin=f)
            out, _ = child.communicate(timeout=30)
            with open(__file__, "rb") as again:
                self.assertEqual(out, again.read())

    def test_no_banner(self):
        child = self.start("segv", stdin=subprocess.DEVNULL)
        _, err = child.communicate(timeout=30)
        self.assertNotIn(b"ctrl-a", err)

    def test_sigint_ends(self):
        child = self.start("echo", stdin=subprocess.PIPE)
        line = child.stderr.readline()
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
        self.assertEqual(child.returncode, 130)
        self.assertTrue(gone(int(line.split()[1])))

    def test_closed_input(self):
        child = self.start("echo", preexec_fn=lambda: os.close(0))
        out, _ = child.communicate(timeout=30)
        self.assertEqual((child.returncode, out), (7, b""))

    def test_reader_of_output_goes_away(self):
        child = self.start("flood", stdin=subprocess.DEVNULL)
        line = child.stderr.readline()
        child.stdout.read(100)
        child.stdout.close()
        child.stdout = None
        child.communicate(timeout=30)
        self.assertEqual(child.returncode, 141)
        self.assertTrue(gone(int(line.split()[1])))


class Streams(unittest.TestCase):
    """What the guest is told of the standard streams."""

    def kinds(self, **streams):
        code = "import sys; sys.path.insert(0, sys.argv[1]); from aegis import terminal; open(sys.argv[2], 'w').write(' '.join(terminal.streams()))"
        with tempfile.NamedTemporaryFile("r") as told:
            subprocess.run([sys.executable, "-c", code, support.ROOT / "scripts", told.name], timeout=20, check=True, **streams)
            return told.read()

    def test_each_for_itself(self):
        master, slave = pty.openpty()
        with open(__file__, "rb") as file:
            self.assertEqual(self.kinds(stdin=file, stdout=slave, stderr=subprocess.DEVNULL), "file terminal null")
            self.assertEqual(self.kinds(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave), "null pipe terminal")
        os.close(master)
        os.close(slave)

    def test_a_background_job_reads_nothing(self):
        master, slave = pty.openpty()
        self.assertEqual(self.kinds(stdin=slave, stdout=slave, stderr=slave), "null terminal terminal")
        os.close(master)
        os.close(slave)


if __name__ == "__main__":
    unittest.main()
