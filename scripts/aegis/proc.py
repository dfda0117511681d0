# SPDX-License-Identifier: BSD-2-Clause
"""Child processes that cannot outlive us, locks between scripts, and how errors are shown."""
import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys


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
