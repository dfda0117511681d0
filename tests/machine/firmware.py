# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel passes to the firmware: each call that it makes is stopped at, by gdb's protocol, on a machine whose UART it does not know, so
that every byte of its console goes that way."""
import re
import socket
import struct
import sys
import tempfile
import threading
from pathlib import Path

import guests
from guests import HERE, ROOT, machine, tap
from aegis import paths, proc

sys.path.insert(0, str(ROOT / "tests/network"))
import gdb  # noqa: E402

MOST = 64
PUTCHAR, RESET, CONSOLE = 1, 0x53525354, 0x4442434E
# Extensions whose calls pass numbers alone: base, TIME, IPI, HSM, SRST, the old shutdown.
NUMBERS = (0x10, 0x54494D45, 0x735049, 0x48534D, RESET, 8)


def passed(extension, function, size):
    """How many bytes of text or memory one call passes; a call that is not known passes too many."""
    if extension in NUMBERS:
        return 0
    if extension == PUTCHAR or (extension == CONSOLE and function == 2):
        return 1
    return size if extension == CONSOLE else MOST + 1


def places():
    """Where the kernel calls the firmware."""
    listed = proc.run([paths.TOOL + "objdump", "-d", guests.KERNEL or paths.KERNEL], capture=True)[1]
    return [int(at, 16) for at in re.findall(r"^(f\w{15}):\s+\w+\s+ecall$", listed, re.M)]


def watch(port, seen):
    """[(extension, function, bytes passed)] of every call until the machine ends."""
    line = gdb.Gdb(port)
    at = places()
    try:
        for stopped in line.stops(*at):
            if stopped in at:
                size, function, extension = (struct.unpack("<Q", bytes.fromhex(line.ask(f"p{n:x}")))[0] for n in (10, 16, 17))
                seen.append((extension, function, passed(extension, function, size)))
    except OSError:  # with the last of them QEMU is gone
        pass


def another_uart(tree):
    """The devicetree with a UART that the firmware knows and the kernel does not."""
    found = re.search(rb"\x00\x00\x00\x03\x00\x00\x00\x09(....)ns16550a\x00...", tree, re.S)
    name = b"snps,dw-apb-uart"
    made = b"\0\0\0\3" + struct.pack(">I", len(name) + 1) + found[1] + name + bytes(4 - len(name) % 4)
    head = list(struct.unpack(">10I", tree[:40]))
    more = len(made) - (found.end() - found.start())
    for field in (1, 3, 9):  # the size of all, where names stand, the size of the structure
        head[field] += more
    return struct.pack(">10I", *head) + tree[40:found.start()] + made + tree[found.end():]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def firmware():
    names = set(re.findall(r"\bsbi_call\((\w+)", "".join(path.read_text() for path in (ROOT / "exokernel").rglob("*.[ch]"))))
    tap(names == {"unsigned", "SBI_BASE", "SBI_TIME", "SBI_IPI", "SBI_HSM", "SBI_SRST", "SBI_LEGACY_PUTCHAR", "SBI_LEGACY_SHUTDOWN"},
        "firmware: no call of it that takes memory", " ".join(sorted(names)).encode())
    boot = dict(init=guests.build("dies", [HERE / "dies.S"], library=()), kernel=guests.KERNEL, memory=64, timeout=60)
    with tempfile.TemporaryDirectory() as folder:
        tree, seen, port = Path(folder) / "tree.dtb", [], free_port()
        machine.run(**boot, options=["-machine", f"dumpdtb={tree}"])
        tree.write_bytes(another_uart(tree.read_bytes()))
        watcher = threading.Thread(target=watch, args=(port, seen))
        watcher.start()
        result = machine.run(**boot, options=["-dtb", tree, *gdb.options(port)])
        watcher.join()
    sent = sum(extension in (PUTCHAR, CONSOLE) for extension, _, _ in seen)
    tap(result.status == 125 and b"the first environment ended" in result.log and sent, "firmware: it has the console of a machine without a known UART",
        result.log + result.stderr + b"\n%d calls" % sent)
    wrong = sorted({f"extension {e:x}, function {f:x}: {size} bytes" for e, f, size in seen if size > MOST})
    tap(seen and any(e == RESET for e, _, _ in seen) and not wrong, f"firmware: each call passes {MOST} bytes at the most",
        "\n".join(wrong or [f"{len(seen)} calls"]).encode())
