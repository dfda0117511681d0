# SPDX-License-Identifier: BSD-2-Clause
"""The user's terminal: raw while the machine runs, and restored whatever happens, our own death by SIGKILL included."""
import contextlib
import os
import signal
import stat
import termios

CTRL_A = 0x01


def size(fds=(0, 1, 2)):
    """Rows and columns of the first that is a terminal."""
    for fd in fds:
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(fd)
            if rows and columns:
                return rows, columns
    return 24, 80


def kind(fd):
    """What a standard stream is, as `.aegis/streams` says it."""
    try:
        if os.isatty(fd):
            return "terminal"
        status = os.fstat(fd)
    except OSError:
        return "null"
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3):
        return "null"
    return "file" if stat.S_ISREG(status.st_mode) else "pipe"


def streams():
    """The kinds of 0, 1 and 2. A background job's input is at its end from the beginning."""
    kinds = [kind(fd) for fd in range(3)]
    if kinds[0] == "terminal" and not foreground(0):
        kinds[0] = "null"
    return kinds


def foreground(fd):
    """A background job must neither read nor change the terminal."""
    with contextlib.suppress(OSError):
        return os.tcgetpgrp(fd) == os.getpgrp()
    return False


@contextlib.contextmanager
def raw(fd):
    saved = termios.tcgetattr(fd)
    guardian, pipe = guard(fd, saved)
    try:
        mode = termios.tcgetattr(fd)
        # Every key goes through. The guest's line discipline makes carriage returns if its output comes here too.
        if os.isatty(1):
            mode[1] &= ~termios.OPOST
        mode[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP | termios.IXON)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSADRAIN, mode)
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(fd, termios.TCSADRAIN, saved)
        with contextlib.suppress(OSError):
            os.write(pipe, b"k")
            os.close(pipe)
            os.waitpid(guardian, 0)


def guard(fd, saved):
    """A child that restores the terminal if we vanish without saying so."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(reader)
        return child, writer
    try:
        os.close(writer)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTTOU, signal.SIGTSTP):
            signal.signal(sig, signal.SIG_IGN)
        if os.read(reader, 1) != b"k":
            termios.tcsetattr(fd, termios.TCSANOW, saved)
    except BaseException:
        pass
    os._exit(0)


class Keys:
    """Watches for ctrl-a x. The ctrl-a itself goes to the guest at once; a second one makes the next x an x."""

    def __init__(self):
        self.armed = False

    def filter(self, data):
        """(what goes to the guest, True when the machine shall end)."""
        for i, byte in enumerate(data):
            if self.armed and byte in b"xX":
                return data[:i], True
            self.armed = byte == CTRL_A and not self.armed
        return data, False
