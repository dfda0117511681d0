# SPDX-License-Identifier: BSD-2-Clause
"""One run of the machine: the archive, QEMU's command line, the serial line, how it ended.

`run` is what tests call; `Session` is what both it and scripts/run are made of.
"""
import contextlib
import fcntl
import hashlib
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections import deque, namedtuple
from pathlib import Path

from . import frames, packages, paths, ports, proc
from .archive import DIRECTORY, LINK, Archive
from .proc import Failure, Wrong

TIMEOUT, BROKEN, NOT_EXECUTABLE, NOT_FOUND = 124, 125, 126, 127
HARTS = {"virt": 8, "sifive_u": 4}
MEMORY = (16, 16384)
SMALL = 32  # MiB and less: the archive holds only what the command needs, stripped

Result = namedtuple("Result", "status stdout stderr log control seconds files")


# --- QEMU and its command line ---------------------------------------------------------------

def find_qemu(wanted=None):
    """(program, firmware options): the one asked for, the system's when it is new enough, else the unpacked one."""
    wanted = wanted or os.environ.get("AEGIS_QEMU")
    if wanted:
        path = shutil.which(wanted)
        if not path:
            raise Wrong(f"--qemu {wanted}: no such program")
        # What was unpacked finds its firmware only when told.
        return (path, unpacked_firmware()) if Path(path).is_relative_to(paths.QEMU10) else (path, ["-bios", "default"])
    unpacked = paths.QEMU10 / "usr/bin/qemu-system-riscv64"
    if not unpacked.exists() or packages.system_qemu_suffices():
        path = shutil.which("qemu-system-riscv64")
        if not path:
            raise Failure("no qemu-system-riscv64; scripts/setup brings it")
        return path, ["-bios", "default"]
    return str(unpacked), unpacked_firmware()


def unpacked_firmware():
    found = sorted((paths.QEMU10 / "usr/lib").glob("riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"))
    return ["-L", str(paths.QEMU10 / "usr/share/qemu"), "-bios", str(found[0]) if found else "default"]


def check(machine, harts, memory, icount, qemu):
    if machine not in HARTS:
        raise Wrong(f"--machine {machine}: not one of {', '.join(HARTS)}")
    if not 1 <= harts <= HARTS[machine]:
        raise Wrong(f"--smp {harts}: {machine} has 1 to {HARTS[machine]} application harts")
    if not MEMORY[0] <= memory <= MEMORY[1]:
        raise Wrong(f"--memory {memory}: {MEMORY[0]} to {MEMORY[1]} MiB")
    if icount and harts >= 3 and packages.qemu_version(qemu) < (10,):
        raise Wrong("--icount with three harts or more never ends on QEMU before 10")


def forwarded(text):
    """(kind, the host's port, the guest's) of tcp:HOSTPORT:GUESTPORT or udp:..."""
    kind, _, ports = text.partition(":")
    host, _, guest = ports.partition(":")
    if kind not in ("tcp", "udp") or not all(p.isdigit() and 0 < int(p) < 65536 for p in (host, guest)):
        raise Wrong(f"--forward {text}: not tcp:HOSTPORT:GUESTPORT or udp:HOSTPORT:GUESTPORT")
    return kind, int(host), int(guest)


def forwarding(text):
    """The same as QEMU's user network has it."""
    kind, host, guest = forwarded(text)
    return f"hostfwd={kind}:127.0.0.1:{host}-:{guest}"


def free_port():
    """One of the host's that nobody has just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def network(machine, net, forward, device):
    """QEMU's options for the network. net: True is QEMU's user network, text is what -netdev says beside its id."""
    if not net and not forward:
        return []
    backend = net if isinstance(net, str) else ",".join(["user", *map(forwarding, forward)])
    if machine == "sifive_u":  # its GEM is soldered on
        return ["-netdev", backend + ",id=net0", "-net", "nic,netdev=net0"]
    legacy = "true" if device == "legacy" else "false"
    return ["-global", f"virtio-mmio.force-legacy={legacy}", "-netdev", backend + ",id=net0", "-device", "virtio-net-device,netdev=net0" + (",mq=on" if "queues=" in backend else "")]


def command_line(*, machine, harts, memory, icount, qemu, kernel, initrd, append, serial, gdb=None, net=None, forward=(), nic=None):
    program, firmware = find_qemu(qemu)
    check(machine, harts, memory, icount, program)
    cores = harts + 1 if machine == "sifive_u" else harts  # its hart 0 is the E51, which has no MMU
    command = [program, "-machine", machine, "-smp", cores, "-m", f"{memory}M", "-nodefaults", "-display", "none",
               "-monitor", "none", "-no-reboot", *firmware, "-kernel", kernel, "-initrd", initrd, "-append", append,
               "-chardev", f"pipe,id=line,path={str(serial.name).replace(',', ',,')}", "-serial", "chardev:line", *network(machine, net, forward, nic)]
    if icount:  # with a network idle virtual time would race ahead of the host, and be charged with its timers
        command += ["-icount", f"shift=0,sleep={'on' if net or forward else 'off'}", "-rtc", "clock=vm"]
    if gdb:
        command += ["-S", "-gdb", f"tcp:127.0.0.1:{gdb}"]
    return [str(c) for c in command]


def seed(icount):
    """What the kernel draws its key from. Counted runs repeat exactly, so theirs is fixed."""
    if given := os.environ.get("AEGIS_SEED"):
        if len(given) != 64 or any(c not in "0123456789abcdefABCDEF" for c in given):
            raise Wrong("AEGIS_SEED: not 64 hexadecimal digits")
        return given.lower()
    return hashlib.sha256(b"aegis").hexdigest() if icount else os.urandom(32).hex()


# --- the archive -----------------------------------------------------------------------------

def programs():
    """The build's programs: name -> ELF."""
    found = {}
    if paths.PROGRAMS.is_dir():
        for folder in sorted(paths.PROGRAMS.iterdir()):
            elf = folder / folder.name
            if folder.name != "init" and elf.is_file() and os.access(elf, os.X_OK):
                found[folder.name] = elf
    return {**found, **ports.programs()}


def names():
    """All that can be run by name: the programs and their links."""
    available = programs()
    return sorted({*available, *(n for n, p in ports.links().items() if p in available)})


def default_program():
    return "dash" if "dash" in programs() else "lua"


def selected(program):
    """What a small archive holds: the program; a shell with what it calls."""
    program = ports.links().get(program, program)
    return {program, "dash", "busybox"} if program == "dash" else {program}


def add_programs(archive, chosen, strip_all):
    available = programs()
    for name, elf in available.items():
        if not chosen or name in chosen:
            archive.add(f"bin/{name}", stripped(elf, strip_all), 0o755)
    for name, program in ports.links().items():
        if name not in available and program in available and (not chosen or program in chosen):
            archive.add(f"bin/{name}", program.encode(), 0o777, LINK)
    if paths.STACK.exists():
        archive.add("lib/aegis/lwip", paths.STACK.read_bytes())
        archive.add("lib/aegis/linger", stripped(paths.LINGER, True), 0o755)
    for tree in [paths.ROOT / "apps" / "root", *(ports.trees() if not chosen else [])]:
        archive.put(tree, "/")


def stripped(elf, everything=False):
    """The ELF's bytes without debug information (symbols stay, for backtraces) or without any; kept by time and size."""
    elf = Path(elf)
    if elf.read_bytes()[:4] != b"\x7fELF":
        return elf.read_bytes()
    status = elf.stat()
    key = hashlib.sha256(f"{elf.resolve()} {status.st_mtime_ns} {status.st_size} {everything}".encode()).hexdigest()[:32]
    kept = paths.BUILD / "stripped" / key
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as partial:
            pass
        try:
            option = "--strip-all" if everything else "--strip-debug"
            done = proc.run([paths.TOOL + "strip", option, "-o", partial.name, elf], quiet=True, check=False)[0] == 0
            if not done:
                return elf.read_bytes()
            os.replace(partial.name, kept)
        finally:
            Path(partial.name).unlink(missing_ok=True)
    return kept.read_bytes()


def make_archive(argv, *, init=None, put=(), env=None, get=(), tty=None, streams=None, memory=512, extra=None,
                 date=None):
    """The boot archive. `argv` None is the default program; a name with a slash is a host file.
    date: when it begins, in seconds since 1970; with one, files keep theirs.
    tty: (rows, columns) of a terminal; then all standard streams are that, unless `streams` says three kinds."""
    archive = Archive(times=bool(date))
    small = memory <= SMALL
    init = Path(init or paths.INIT)
    if not init.is_file():
        raise Failure(f"{init}: there is no such first program")
    archive.add("init", stripped(init, small), 0o755)
    argv = argv or [default_program() if init == paths.INIT else init.name]
    if init == paths.INIT:
        add_programs(archive, selected(argv[0]) if small else None, small)
    if argv and "/" in argv[0] and not is_guest_path(argv[0], put):
        host = Path(argv[0])
        archive.add(f"bin/{host.name}", stripped(host, small), 0o755)
        argv = [f"/bin/{host.name}", *argv[1:]]
    for host, guest in put:
        archive.put(host, guest)
    for guest, content in (extra or {}).items():
        archive.add(guest, content if isinstance(content, bytes) else Path(content).read_bytes(), 0o755)
    archive.add("tmp", b"", 0o1777, DIRECTORY)
    archive.add("root", b"", 0o700, DIRECTORY)
    archive.add(".aegis/argv", nul(argv))
    archive.add(".aegis/environ", nul(f"{n}={v}" for n, v in (env or {}).items()))
    if get:
        archive.add(".aegis/get", nul(get))
    if date:
        archive.add(".aegis/time", b"%d\n" % date)
    if tty:
        archive.add(".aegis/tty", b"%d %d\n" % tty)
    archive.add(".aegis/streams", (" ".join(streams or ["terminal" if tty else "pipe"] * 3) + "\n").encode())
    return archive


def nul(strings):
    return b"".join(os.fsencode(s) + b"\0" for s in strings)


def is_guest_path(name, put):
    """A name with a slash is the host's, unless this very path was put into the guest or the host has none like it."""
    return any(name == "/" + str(g).strip("/") for _, g in put)


# --- a run -----------------------------------------------------------------------------------

class Session:
    """QEMU and the serial line. `loop` returns the status that scripts/run exits with."""

    def __init__(self, command, serial, *, out, err, log=None, on_file=None, trace=False):
        self.out, self.err, self.log, self.on_file = out, err, log, on_file
        self.frames = frames.Frames()
        self.tail = deque(maxlen=60)  # the last lines of firmware and kernel, for when it goes wrong
        self.line = b""
        self.control = []
        self.status = None
        self.outgoing = bytearray()
        self.open = True
        # A counted run repeats only if nothing interrupts it unasked: the mere end of input waits until somebody reads.
        self.counted, self.end = "-icount" in command, b""
        self.heard = 0  # how often anything came
        self.ready = False  # input sent before the kernel has set up its UART would be lost
        self.complaints = tempfile.TemporaryFile()
        self.serial = serial
        self.qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.complaints, stderr=self.complaints,
                                     pass_fds=[serial.held], process_group=0, preexec_fn=proc.die_with_parent)
        serial.give()

    # -- from the guest

    def receive(self):
        try:
            data = os.read(self.serial.incoming, 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self.open = False
            return
        self.heard += 1
        for event in self.frames.feed(data):
            self.ready |= not isinstance(event, frames.Data) or event.channel != frames.LOG
            if isinstance(event, frames.Line) and event.text == "input":  # somebody waits for it
                self.counted = False
                self.send(self.end)
                continue
            self.handle(event)

    def handle(self, event):
        if isinstance(event, frames.File):
            if self.on_file:
                self.on_file(event)
        elif isinstance(event, frames.Line):
            self.control.append(event.text)
            self.record(event.text)
        elif event.channel == frames.OUT:
            self.out(event.bytes)
        elif event.channel == frames.ERR:
            self.err(event.bytes)
        else:
            self.logged(event.bytes)

    def logged(self, data):
        if self.log:
            self.log(data)
        lines = (self.line + data).split(b"\n")
        self.line = lines.pop()[-4096:]
        self.tail.extend(lines)

    def record(self, text):
        word, _, value = text.partition(" ")
        if self.status is not None:
            return
        if word == "exit" and value.isdigit():
            self.status = int(value) & 0xff
        elif word == "signal" and value.isdigit():
            self.status = 128 + int(value)
        elif word == "notfound":
            self.status = NOT_FOUND
        elif word == "notexec":
            self.status = NOT_EXECUTABLE
        elif word == "panic":
            self.status = BROKEN

    # -- to the guest

    def send(self, data):
        self.outgoing += data

    def transmit(self):
        try:
            sent = os.write(self.serial.outgoing, self.outgoing[:1 << 16])
            del self.outgoing[:sent]
        except BlockingIOError:
            pass

    # -- the loop

    def pump(self, timeout, source=None, wake=None):
        """One round: waits for the line, the input or a signal, and moves what is there."""
        poll = select.poll()
        reading = source is not None and source.open and (self.ready or source.keys) and len(self.outgoing) < 1 << 16
        sending = self.outgoing and self.ready
        poll.register(self.serial.incoming, select.POLLIN)
        if sending:
            poll.register(self.serial.outgoing, select.POLLOUT)
        if wake is not None:
            poll.register(wake, select.POLLIN)
        if reading and source.fd is not None:
            poll.register(source.fd, select.POLLIN)
        if reading and source.fd is None:
            timeout = 0  # what is in memory is there at once
        events = dict(poll.poll(None if timeout is None else max(0, timeout) * 1000))
        if wake is not None and wake in events:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 64)
        if self.serial.outgoing in events:
            self.transmit()
        if self.serial.incoming in events:
            self.receive()
        if reading and (source.fd is None or source.fd in events):
            data = source.read()
            if self.counted and data == frames.END_OF_INPUT:
                self.end = data
            else:
                self.send(data)

    def loop(self, source=None, timeout=None, wake=None, interrupted=lambda: None, silence=None):
        """Until the machine ends, the time is over, nothing has come for `silence` seconds, or `interrupted` gives a status."""
        patience, quiet, heard = proc.Patience(self.qemu.pid, timeout), proc.Patience(self.qemu.pid, silence), 0
        while self.open and self.status is None:
            if (status := interrupted()) is not None:
                self.status = status
                return status
            if heard != self.heard:
                quiet, heard = proc.Patience(self.qemu.pid, silence), self.heard
            left = min((t for t in (patience.left(), quiet.left()) if t is not None), default=None)
            if left is not None and left <= 0:
                return self.timed_out()
            self.pump(left if left is None else min(left, 1), source, wake)
            if source is not None and source.ended:
                self.status = source.ended
                return self.status
        self.finish()
        if self.status is None:
            self.status = BROKEN
        return self.status

    def finish(self):
        """After the last record: QEMU ends by itself, with whatever it still sends; 5 seconds for that."""
        deadline = time.monotonic() + 5
        while self.open and (left := deadline - time.monotonic()) > 0:
            self.pump(left)

    def timed_out(self):
        """Asks the kernel for its state and waits until its text stops, 2 seconds at most."""
        self.status = TIMEOUT
        self.outgoing.clear()
        self.ready = True
        self.send(frames.DUMP_STATE)
        self.tail = deque(self.tail, maxlen=2000)
        end, seen, quiet = time.monotonic() + 2, len(self.tail), None
        while self.open and time.monotonic() < end and not (quiet and time.monotonic() > quiet):
            self.pump(0.1)
            if len(self.tail) > seen:
                seen, quiet = len(self.tail), time.monotonic() + 0.5
        return self.status

    def close(self):
        """Ends QEMU if it still lives. Safe to call twice."""
        if self.qemu.poll() is None:
            proc.stop(self.qemu, 0.5)
        self.serial.close()
        self.complaints.close()

    def story(self):
        """The last lines of the log and what QEMU itself said."""
        lines = [*self.tail, self.line] if self.line else list(self.tail)
        for i, text in enumerate(lines):
            if text.startswith(b"Boot HART MEDELEG"):  # the last line of the firmware's banner, which tells nothing here
                lines = lines[i + 1:]
                break
        self.complaints.seek(0)
        said = [line for line in self.complaints.read().splitlines() if b"same build" not in line]
        return b"\n".join([*lines, *said])


class Input:
    """Bytes for the guest from a file descriptor or from memory; their end is sent too."""

    def __init__(self, fd=None, data=None, keys=None, end=True):
        self.fd, self.data, self.keys, self.end = fd, data, keys, end
        self.open = True
        self.ended = None  # a status when the user ended the machine

    def read(self):
        if self.fd is None:
            chunk, self.data = self.data[:1 << 16], self.data[1 << 16:]
        else:
            try:
                chunk = os.read(self.fd, 1 << 16)
            except InterruptedError:
                return b""
            except OSError:
                chunk = b""
        if not chunk:
            self.open = False
            return frames.END_OF_INPUT if self.end else b""
        if self.keys:
            chunk, stop = self.keys.filter(chunk)
            if stop:
                self.ended = 130
        return frames.escape(chunk)


class SerialLine:
    """Two pipes in a folder, which QEMU opens by name. They hold a mebibyte; a socket, which takes some 800 bytes for each that a UART writes, is
    full at 11,000: of a trace that is a tenth of a second in which the host does something else, and the kernel waits little longer
    before it drops the rest of its line. QEMU 7.2's SiFive UART drops what does not fit at once."""

    def __init__(self, folder):
        self.name = Path(folder) / "line"
        for way in ("in", "out"):
            os.mkfifo(f"{self.name}.{way}")
        self.incoming = os.open(f"{self.name}.out", os.O_RDONLY | os.O_NONBLOCK)
        self.outgoing = os.open(f"{self.name}.in", os.O_RDWR | os.O_NONBLOCK)  # QEMU need not be there yet
        self.held = os.open(f"{self.name}.out", os.O_WRONLY)  # QEMU inherits it: what comes in ends when QEMU does
        with contextlib.suppress(OSError):  # a user may have so many pages of pipes
            fcntl.fcntl(self.incoming, fcntl.F_SETPIPE_SZ, 1 << 20)

    def give(self):
        """QEMU has its end."""
        os.close(self.held)
        self.held = None

    def close(self):
        for end in (self.incoming, self.outgoing, self.held):
            if end is not None:
                os.close(end)
        self.incoming = self.outgoing = self.held = None


def check_size(size, memory):
    """QEMU puts kernel, archive and devicetree at fixed places that a large archive would run over: 4 MiB of 16."""
    if size > memory << 18:
        raise Failure(f"the archive has {size / (1 << 20):.1f} MiB; that takes --memory {(size >> 18) + 1} or more, not {memory}")


@contextlib.contextmanager
def session(archive, *, machine="virt", harts=1, memory=512, icount=False, qemu=None, append=(), kernel=None, gdb=None,
            plain=False, net=None, forward=(), nic=None, options=(), **sinks):
    """Boots `archive`; the machine is gone when the block is left.
    net: True, or what -netdev says (nic "legacy": an old virtio device); options: more for QEMU."""
    kernel = Path(kernel or paths.KERNEL)
    if not kernel.is_file():
        raise Failure(f"{kernel}: there is no kernel; scripts/build makes it")
    tokens = [] if plain else ["console=framed"]
    tokens += [f"seed={seed(icount)}", f"harts={harts}", *append]
    with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
        initrd = Path(folder) / "archive.cpio"
        with open(initrd, "wb") as f:
            archive.write(f)
        check_size(initrd.stat().st_size, memory)
        serial = SerialLine(folder)
        try:
            command = command_line(machine=machine, harts=harts, memory=memory, icount=icount, qemu=qemu, kernel=kernel,
                                   initrd=initrd, append=" ".join(tokens), serial=serial, gdb=gdb,
                                   net=net, forward=forward, nic=nic) + [str(o) for o in options]
            running = Session(command, serial, **sinks)
        except BaseException:
            serial.close()
            raise
        try:
            yield running
        finally:
            running.close()


def run(program_argv=None, *, machine="virt", harts=1, memory=512, icount=False, put=(), env=None, stdin=b"", timeout=60,
        silence=None, qemu=None, append=(), init=None, archive_extra=None, get=(), kernel=None, tty=None, streams=None,
        archive=None, net=None, forward=(), nic=None, options=()):
    """Boots, runs one program, waits for the end. Never raises for what the guest does: see Result.status.

    timeout: seconds for all; silence: seconds in which nothing comes (for what has no end of its own to wait for).
    put: [(host path, guest path)]; stdin None keeps the input open; init: another ELF as the first environment;
    archive_extra: {guest path: bytes or host path}; archive: bytes of a whole archive instead (for broken ones)."""
    out, err, log, files = bytearray(), bytearray(), bytearray(), {}
    if archive is None:
        made = make_archive(program_argv, init=init, put=put, env={**default_environment(tty), **(env or {})}, get=get, tty=tty,
                            streams=streams, memory=memory, extra=archive_extra, date=None if icount else time.time())
    else:
        made = Bytes(archive)
    started = time.monotonic()
    with session(made, machine=machine, harts=harts, memory=memory, icount=icount, qemu=qemu, append=append, kernel=kernel,
                 net=net, forward=forward, nic=nic, options=options, out=out.extend, err=err.extend, log=log.extend,
                 on_file=lambda f: files.__setitem__(f.path, f)) as running:
        source = Input(data=stdin) if stdin is not None else None
        status = running.loop(source, timeout, silence=silence)
        if status in (TIMEOUT, BROKEN) and (said := running.story()):
            err += b"\n" + said + b"\n"
        return Result(status, bytes(out), bytes(err), bytes(log), running.control, time.monotonic() - started, files)


class Bytes:
    """An archive as bytes, as they are."""

    def __init__(self, data):
        self.data = data

    def write(self, file):
        file.write(self.data)


def default_environment(tty):
    environment = {"PATH": "/bin", "HOME": "/root", "PWD": "/", "USER": "root", "LOGNAME": "root", "ENV": "/etc/shrc"}
    if tty:
        environment["TERM"] = os.environ.get("TERM", "vt100")
    return environment
