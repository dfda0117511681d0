# SPDX-License-Identifier: BSD-2-Clause
"""scripts/run: its options, the user's terminal, and the status."""
import argparse
import contextlib
import os
import select
import re
import signal
import socket
import stat
import sys
import time
from pathlib import Path

from . import archive, build, frames, machine, paths, terminal
from .proc import Failure, Wrong, say

DESCRIPTION = """Boots the exokernel in QEMU and runs PROGRAM on it; what is missing is set up and built first.
A PROGRAM with a slash is a file of this computer; any other name is one of --list. Without PROGRAM: the shell, dash."""
EPILOG = """exit status: the program's own; 128+n killed by signal or fault n (139: a wild pointer); 124 time out; 125 the kernel
panicked or QEMU died; 126 not executable; 127 not found; 130 ended by ctrl-a x or SIGINT; 2 wrong options.
On a terminal every key goes to the guest; ctrl-a x ends the machine (ctrl-a ctrl-a x types an x after ctrl-a)."""


def parser():
    p = argparse.ArgumentParser(prog="run", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter,
                                usage="scripts/run [options] [PROGRAM [ARGUMENT...]]")
    p.add_argument("--machine", choices=sorted(machine.HARTS, reverse=True), default="virt", help="default virt")
    p.add_argument("--smp", type=number("virt has 1 to 8 application harts, sifive_u 1 to 4"), default=1, metavar="N", help="application harts: virt 1 to 8, sifive_u 1 to 4")
    p.add_argument("--memory", type=number("16 to 16384 MiB"), default=512, metavar="MIB", help="16 to 16384, default 512")
    p.add_argument("--put", action="append", default=[], metavar="HOST[=GUEST]",
                   help="copy a file or folder into the guest; GUEST is /basename unless said")
    p.add_argument("--get", action="append", default=[], metavar="GUEST[=HOST]",
                   help="copy a file (of a folder make a tar first) out when the program has ended; HOST is basename here unless said, or a folder for it")
    p.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="set a variable of the environment")
    p.add_argument("--net", nargs="?", const=True, metavar="NETDEV",
                   help="a network: QEMU's, which stands for the Internet (addresses 10.0.2.0/24), or (--net=tap,ifname=tap0,script=no) what its -netdev says")
    p.add_argument("--forward", action="append", default=[], metavar="tcp|udp:HOSTPORT:GUESTPORT",
                   help="with a network, in which this port of 127.0.0.1 and ::1 is a port of the guest's")
    p.add_argument("--icount", action="store_true", help="count instructions as time: runs repeat exactly")
    p.add_argument("--timeout", type=seconds, metavar="S", help="end after S seconds with status 124 and the machine's state")
    p.add_argument("--gdb", action="store_true", help="wait for a debugger; prints the command to paste")
    p.add_argument("--log", nargs="?", const="-", metavar="FILE", help="the firmware's and kernel's text (--log=FILE), else on standard error")
    p.add_argument("--trace", nargs="?", const="", metavar="CALL,...", help="kernel calls by name with arguments and results (--trace=CALL,...), but those that never leave "
                   "the fast paths: null, slice_yield, pct_return, map_protect of one page")
    p.add_argument("--slice", type=int, metavar="US", help="length of a time slice in microseconds")
    p.add_argument("--grace", type=int, metavar="US", help="time to give up a slice in microseconds")
    p.add_argument("--list", action="store_true", help="print the programs in the archive")
    p.add_argument("--qemu", metavar="PATH", help="the qemu-system-riscv64 to use")
    return p


def number(what):
    """An option's type; `what` is said of a value that is no number."""
    def parse(text):
        try:
            return int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is no number: {what}") from None
    return parse


def seconds(text):
    try:
        if 0 < (value := float(text)) < 1e7:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is no positive number of seconds")


# An option that takes its value with `=` only, so that `--log lua` runs lua.
JOINED = {"--log", "--trace", "--net"}


def split(arguments, options):
    """(options, program and its arguments): ours end at the first word that is no option or option's value."""
    takes = {s for a in options._actions for s in a.option_strings if a.nargs is None and s not in JOINED}
    at = 0
    while at < len(arguments):
        word = arguments[at]
        if word == "--":
            return arguments[:at], arguments[at + 1:]
        if not word.startswith("-") or word == "-":
            break
        at += 2 if word in takes else 1
    ours = [f"{w}=" if w == "--trace" else f"{w}=-" if w == "--log" else w for w in arguments[:at]]
    return ours, arguments[at:]


def pairs(options):
    """--put, --get and --env, checked before anything is built."""
    put, get, environment = [], [], {}
    for text in options.put:
        host, _, guest = text.partition("=")
        if not host or not os.path.lexists(host):
            raise Wrong(f"--put {text}: there is no {host or 'file named'}")
        guest = guest or "/" + Path(os.path.abspath(host)).name
        archive.clean(guest)
        put.append((host, guest))
    for text in options.get:
        guest, _, host = text.partition("=")
        name = archive.clean(guest)
        if not name:
            raise Wrong(f"--get {text}: names no file")
        host = host or Path(name).name
        get.append(("/" + name, os.path.join(host, Path(name).name) if os.path.isdir(host) else host))
    for text in options.env:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise Wrong(f"--env {text}: not NAME=VALUE")
        environment[name] = value
    return put, get, environment


def check_program(argv, put):
    """The status for a host program that cannot be run, or None."""
    if argv and not argv[0]:
        say("run: '': not found")
        return machine.NOT_FOUND
    if not argv or "/" not in argv[0] or machine.is_guest_path(argv[0], put):
        return None
    try:
        status = os.stat(argv[0])
    except OSError as error:
        say(f"run: {argv[0]}: {error.strerror}")
        return machine.NOT_FOUND
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
        say(f"run: {argv[0]}: not an executable file")
        return machine.NOT_EXECUTABLE
    with open(argv[0], "rb") as f:
        start = f.read(20)
    if start[:4] == b"\x7fELF" and (start[4] != 2 or start[18:20] != b"\xf3\0"):
        say(f"run: {argv[0]}: not a program for riscv64; scripts/aegis-cc makes them")
        return machine.NOT_EXECUTABLE
    return None


def trace_mask(names):
    """The kernel's trace= word: bit n for call n of calls.def; no names, every call."""
    definitions = (paths.ROOT / "exokernel/include/aegis/calls.def").read_text()
    numbers = {name: int(number) for number, name in re.findall(r"^CALL\((\d+), (\w+),", definitions, re.M)}
    mask = 0
    for name in names.split(",") if names else numbers:
        if name not in numbers:
            raise Wrong(f"--trace={names}: {name} is not a call; exokernel/calls.md lists them")
        mask |= 1 << numbers[name]
    return mask


def tokens(options):
    words = []
    if options.trace is not None:
        words.append(f"trace={trace_mask(options.trace)}")
    for name in ("slice", "grace"):
        value = getattr(options, name)
        if value is not None:
            if value <= 0:
                raise Wrong(f"--{name} {value}: not a positive number of microseconds")
            words.append(f"{name}={value}")
    return words


class Signals:
    """SIGINT, SIGTERM and SIGHUP end the machine; SIGWINCH tells the guest. All of them wake the loop."""

    def __init__(self, running, tty):
        self.status = None
        self.running, self.tty = running, tty
        self.wake, writer = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, self.ended)
        if tty:
            signal.signal(signal.SIGWINCH, lambda *_: running.send(frames.window_size(*terminal.size())))

    def ended(self, number, _):
        self.status = 128 + number

    def interrupted(self):
        return self.status


def write_all(fd):
    """A sink for a descriptor; what cannot be written any more ends the machine."""
    def sink(data):
        while data:
            try:
                data = data[os.write(fd, data):]
            except BlockingIOError:
                select.select([], [fd], [])
            except BrokenPipeError:
                raise
            except OSError as error:
                raise Failure(f"standard {'output' if fd == 1 else 'error'}: {error.strerror}") from None
    return sink


def without_banner(write):
    """A sink that drops what comes before the kernel's first line: the firmware's text."""
    before = b""

    def sink(data):
        nonlocal before
        if before is not None:
            before += data
            start = before.find(b"\naegis: ")
            if start < 0:
                return
            data, before = before[start + 1:], None
        write(data)
    return sink


def log_sink(options, tty):
    if options.log not in (None, "-"):
        try:
            return open(options.log, "wb", buffering=0).write
        except OSError as error:
            raise Wrong(f"--log={options.log}: {error.strerror}") from None
    if options.log != "-" and options.trace is None:
        return None
    write = write_all(2) if options.log == "-" else without_banner(write_all(2))
    # A raw terminal makes no carriage returns, and the guest makes none in what is the kernel's.
    return (lambda data: write(data.replace(b"\n", b"\r\n"))) if tty and os.isatty(2) else write


def receiver(get, received):
    """Writes what the guest sends back; under a name made only of what the user asked for."""
    wanted = dict(get)

    def take(file):
        guest = "/" + file.path.strip("/")
        if guest not in wanted:
            return
        host = wanted[guest]
        received.add(guest)
        try:
            os.makedirs(os.path.dirname(host) or ".", exist_ok=True)
            with open(host, "wb") as f:
                f.write(file.content)
            os.chmod(host, file.mode & 0o777 or 0o644)
        except OSError as error:
            say(f"run: --get: {host}: {error.strerror}")
    return take


def gdb_command(port, argv):
    symbols = []
    if argv:
        elf = Path(argv[0]) if "/" in argv[0] else machine.programs().get(argv[0])
        if elf and Path(elf).is_file():
            symbols = ["-ex", f"'with confirm off -- add-symbol-file {Path(elf).resolve()}'"]
    # Source names in the symbols are relative to the repository.
    return " ".join(["gdb-multiarch", "-iex", f"'cd {paths.ROOT}'", "-ex", f"'target remote 127.0.0.1:{port}'", *symbols, str(paths.KERNEL)])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(arguments):
    options_parser = parser()
    ours, argv = split(arguments, options_parser)
    options = options_parser.parse_args(ours)
    put, get, environment = pairs(options)
    machine.check(options.machine, options.smp, options.memory, False, None)
    forwards = [machine.forwarded(text)[:2] for text in options.forward]
    if forwards and isinstance(options.net, str):
        raise Wrong("--forward is of QEMU's user network, not of --net=" + options.net)
    extra = tokens(options)
    if (status := check_program(argv, put)) is not None:
        return status
    build.build()
    if options.list:
        print("\n".join(machine.names()))
        return 0
    streams = terminal.streams()
    tty = streams[0] == "terminal"
    size = terminal.size() if "terminal" in streams else None
    made = machine.make_archive(argv or None, put=put, env={**machine.default_environment(size), **environment},
                                get=[g for g, _ in get], tty=size, streams=streams, memory=options.memory,
                                date=None if options.icount else time.time())
    received = set()
    port = free_port() if options.gdb else None
    with machine.session(made, machine=options.machine, harts=options.smp, memory=options.memory, icount=options.icount,
                         qemu=options.qemu, append=extra, gdb=port, net=options.net, forward=options.forward, out=write_all(1), err=write_all(2), log=log_sink(options, tty),
                         on_file=receiver(get, received)) as running:
        if forwards:
            from . import relay  # asyncio takes its time, and is wanted here only
            relay.start(forwards)
        return drive(running, options, argv, tty, get, received, port)


def drive(running, options, argv, tty, get, received, port):
    signals = Signals(running, tty)
    source = machine.Input(0, keys=terminal.Keys() if tty else None)
    if not tty and terminal.kind(0) == "terminal":
        source = machine.Input(data=b"")  # a background job reads nothing
    if port:
        say("waiting for the debugger: " + gdb_command(port, argv))
    if tty:
        harts = f"{options.smp} hart{'s' if options.smp > 1 else ''}"
        say(f"aegis on {options.machine}, {harts}, {options.memory} MiB; ctrl-a x ends it")
    try:
        with terminal.raw(0) if tty else contextlib.nullcontext():
            status = running.loop(source, options.timeout, signals.wake, signals.interrupted)
    except BrokenPipeError:
        return 141
    if status in (machine.TIMEOUT, machine.BROKEN):
        if not (options.log == "-"):
            sys.stderr.buffer.write(running.story() + b"\n")
        say("run: time out" if status == machine.TIMEOUT else
            "run: the kernel panicked" if "panic" in running.control else "run: QEMU ended without a result")
    elif status in (machine.NOT_FOUND, machine.NOT_EXECUTABLE) and {"notfound", "notexec"} & set(running.control):
        name = argv[0] if argv else "the default program"
        say(f"run: {name}: {'not found; --list names what there is' if status == machine.NOT_FOUND else 'not executable'}")
    elif status > 128:
        for line in running.tail:
            if line.startswith(b"environment ") and b" ended: " in line:  # the kernel's word on one that it ended itself
                say("run: " + line.decode(errors="replace"))
    elif status < 124:
        for guest, _ in get:
            if guest not in received:
                say(f"run: --get {guest}: the guest has no such regular file")
    return status
