# SPDX-License-Identifier: BSD-2-Clause
"""ssh as a person uses it: keys, windows that change, jobs that are stopped and interrupted, several sessions, a line that goes dead; scp."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time


class Terminal:
    """An ssh on a terminal of ours."""

    def __init__(self, command, rows=30, columns=90):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)
        self.seen, self.size = b"", (rows, columns)
        self.window(rows, columns)
        self.until(b"# ")

    def window(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, word, seconds=30):
        """What came up to and with the word."""
        end = time.monotonic() + seconds
        while (found := self.seen.find(word)) < 0:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise OSError(f"ssh: no {word!r} in {self.seen[-300:]!r}")
            self.seen += os.read(self.fd, 65536)
        got, self.seen = self.seen[:found + len(word)], self.seen[found + len(word):]
        return got

    def keys(self, data):
        os.write(self.fd, data)

    def say(self, line, word=b"# "):
        """A line; what came up to the word: the prompt, if no other."""
        self.keys(line + b"\r")
        return self.until(word)

    def end(self):
        """The status, when the other side has ended it."""
        with contextlib.suppress(OSError):
            while os.read(self.fd, 65536):
                pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def cut(self):
        """The connection ends as when a cable is pulled and the host gives up."""
        os.kill(self.pid, signal.SIGKILL)
        self.end()


def keys(tap, t):
    got = t.say(b"stty size; echo $TERM", b"xterm")
    tap(b"%d %d" % t.size in got, "ssh_terminal_is_as_large_as_ours", got)
    t.until(b"# ")
    t.window(41, 123)
    sizes = [t.say(b"stty size") for _ in range(20) if not time.sleep(0.1)]
    tap(any(b"41 123" in s for s in sizes), "ssh_window_changes", sizes[-1])
    t.say(b"echo mark", b"mark")
    t.until(b"# ")
    t.keys(b"\x1b[A\x1b[D\x1b[D!\r")  # the last line again, with a key in its midst
    got = t.until(b"# ")
    tap(b"ma!rk" in got, "ssh_lines_are_edited_and_remembered", got)
    t.keys(b"cat\r")
    time.sleep(0.5)
    t.keys(b"\x03")
    t.until(b"# ")
    got = t.say(b"echo $?")
    tap(b"130" in got, "ssh_ctrl_c_interrupts", got)
    t.keys(b"sleep 1000\r")
    time.sleep(0.5)
    t.keys(b"\x1a")
    tap(b"topped" in t.until(b"# ") and b"sleep 1000" in t.say(b"jobs"), "ssh_ctrl_z_stops")
    t.say(b"kill -9 %1; wait 2> /dev/null")


def several(tap, command, t):
    """Others come and go beside it; with one whose line is cut all its programs end."""
    others = [Terminal(command) for _ in range(3)]
    names = {re.search(rb"/dev/pts/\d+", o.say(b"tty")).group() for o in (t, *others)}
    tap(len(names) == 4, "ssh_four_sessions_have_four_terminals", names)
    others[0].keys(b"sleep 2222\r")
    others[1].keys(b"exit 5\r")
    others[2].keys(b"\x04")
    status = [o.end() for o in others[1:]]
    tap(status == [5, 0], "ssh_status_of_a_session", status)
    time.sleep(1)
    before = t.say(b"ps")
    others[0].cut()
    for _ in range(20):
        after = t.say(b"ps")
        if b"sleep 2222" not in after:
            break
        time.sleep(0.5)
    tap(b"sleep 2222" in before and b"sleep 2222" not in after, "ssh_a_line_that_is_cut_ends_its_programs", after)


def copy(tap, ssh, folder, data):
    """OpenSSH's scp by its old protocol (-O): dropbear has no sftp."""
    (folder / "there").write_bytes(data)
    (folder / "there").chmod(0o640)
    scp = ["scp", "-O", "-q", "-p", "-i", ssh.command[2], "-P", ssh.command[4], *ssh.command[5:-1]]
    done = [subprocess.run([*scp, *map(str, words)], capture_output=True, timeout=60) for words in (
        (folder / "there", "root@127.0.0.1:/tmp/copied"), ("root@127.0.0.1:/tmp/copied", folder / "back"), ("-r", "root@127.0.0.1:/www", folder / "tree"))]
    tap(not any(d.returncode for d in done) and (folder / "back").read_bytes() == data and ssh("cat /tmp/copied") == data, "scp_there_and_back", done)
    tap(ssh("stat -c %a /tmp/copied") == b"640\n" and (folder / "tree/sub/one.txt").read_bytes() == b"one\n", "scp_modes_and_folders")
    missing = subprocess.run([*scp, "root@127.0.0.1:/nothing", str(folder / "no")], capture_output=True, timeout=60)
    tap(missing.returncode == 1 and b"No such file" in missing.stderr, "scp_of_nothing_is_told", missing)


def run(tap, ssh, folder, data):
    command = [*ssh.command[:-1], "-tt", ssh.command[-1]]
    t = Terminal([str(word) for word in command])
    keys(tap, t)
    several(tap, [str(word) for word in command], t)
    t.keys(b"exit\r")
    tap(t.end() == 0, "ssh_session_ends")
    copy(tap, ssh, folder, data)
