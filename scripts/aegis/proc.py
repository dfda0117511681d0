# SPDX-License-Identifier: BSD-2-Clause
"""Child processes that cannot outlive us, locks between scripts, and how errors are shown."""
import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Failure(Exception):
    """Something the user can act on; the text says what."""
    status = 1


class Wrong(Failure):
    """A wrong option or argument."""
    status = 2


def die_with_parent():
    """Runs in the child: SIGTERM when our process ends, even by SIGKILL."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


def stop(child, grace=2.0):
    """Ends a child that leads a process group of its own, and all of that group."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
            if sig == signal.SIGTERM:
                continue
            return


def scheduled(pid):
    """(nanoseconds that a process's threads ran, nanoseconds that they waited for a processor); zeros where nobody counts them."""
    ran = waited = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError):
            numbers = file.read_text().split()
            ran, waited = ran + int(numbers[0]), waited + int(numbers[1])
    return ran, waited


class Patience:
    """Seconds for a process, in which it can run: a busy host's do not count. So a hang is found, and nothing else."""

    def __init__(self, pid, seconds):
        self.pid, self.seconds = pid, seconds
        self.at, self.before = time.monotonic(), scheduled(pid)

    def left(self):
        """None: for ever."""
        now = time.monotonic()
        if self.seconds is None or now - self.at < 0.2:
            return None if self.seconds is None else max(self.seconds - (now - self.at), 0.01)
        passed, after = now - self.at, scheduled(self.pid)
        ran, waited = (max(0, b - a) / 1e9 for a, b in zip(self.before, after))
        lost = min(passed, waited) * waited / (ran + waited) if waited else 0
        self.seconds -= passed - lost
        self.at, self.before = now, after
        return self.seconds


def run(command, *, cwd=None, env=None, capture=False, check=True, quiet=False, timeout=None, stdin=None):
    """Runs `command` in a group of its own; any exception (ctrl-C too) ends the whole group first.

    quiet keeps the output and shows it only when the command fails."""
    command = [str(c) for c in command]
    keep = capture or quiet
    child = subprocess.Popen(command, cwd=cwd, env=env, stdin=stdin or subprocess.DEVNULL, text=True, errors="replace",
                             stdout=subprocess.PIPE if keep else None,
                             stderr=subprocess.STDOUT if quiet else subprocess.PIPE if capture else None,
                             process_group=0, preexec_fn=die_with_parent)
    try:
        out, err = child.communicate(timeout=timeout)
    except BaseException:
        stop(child)
        raise
    if check and child.returncode:
        text = "".join(t for t in (out, err) if t)
        raise Failure(f"{' '.join(command)} failed with status {child.returncode}"
                      + (":\n" + "\n".join(text.splitlines()[-40:]) if text.strip() else ""))
    return child.returncode, out or "", err or ""


@contextlib.contextmanager
def lock(path):
    """One script at a time; says so when it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another script that holds {path.name}", file=sys.stderr, flush=True)
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def standard_descriptors():
    """0, 1 and 2 are open: else the next file opened would be taken for one of them."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def say(text):
    print(text, file=sys.stderr, flush=True)


def main(function):
    """Calls a script's main; turns what the user can act on into one line and a status."""
    standard_descriptors()
    try:
        status = function()
        if sys.stdout:  # None: it was closed when we began
            sys.stdout.flush()
        sys.exit(status)
    except Failure as failure:
        say(f"{os.path.basename(sys.argv[0])}: {failure}")
        sys.exit(failure.status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except KeyboardInterrupt:
        say("")
        sys.exit(130)
