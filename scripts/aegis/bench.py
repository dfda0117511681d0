# SPDX-License-Identifier: BSD-2-Clause
"""Figures: what a path costs, beside its limit (tests/figures.tsv) and the neighbours (tests/peers.tsv).

Two witnesses. apps/bench reads the counter before and behind each path; and QEMU's log of executed instructions, in which
nothing is the guest's own, tells how many came between a trap and its sret (`witness`). Where both know a path they must agree.
Every run is counted (shift=0, sleep=off), so every figure repeats to the digit."""
import contextlib
import selectors
import socket
import tempfile
import threading
from collections import namedtuple
from pathlib import Path

from . import executed, machine, paths, peer, proc, size

Figure = namedtuple("Figure", "name limit mode path")

FIRST = paths.PROGRAMS / "bench" / "figures"  # the first environment that takes the kernel's paths
FIRMWARE = paths.PROGRAMS / "bench" / "firmware"  # in the kernel's place: what was executed before it
FILTERS = paths.PROGRAMS / "bench" / "filters"  # the first environment that has filters installed
LIBOS = paths.PROGRAMS / "bench" / "libos"  # the first environment on the libOS
MARK = "mark_"
BURSTS = ["-object", "filter-buffer,id=burst,netdev=net0,queue=tx,interval=3000"]
M_MODE = (0x80000000, 0x80200000)  # the firmware's code, on `virt`
HUGE = 0x200000  # generated code lies behind the kernel's image, at the next such boundary
# Only boot runs these, and at length: they are left out of the log.
BOOT = {"page_boot", "page_boot_free", "image_page", "image_load", "fdt_read", "memset", "memcpy"}


def rows(name):
    for line in (paths.ROOT / "tests" / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def figures():
    return {r[0]: Figure(*r) for r in rows("figures.tsv")}


def peers():
    found = {}
    for name, peer, value, _ in rows("peers.tsv"):
        found.setdefault(name, {})[peer] = int(value)
    return found


# --- by the guest's counter ------------------------------------------------------------------

def numbers(text):
    found = {}
    for line in text.decode(errors="replace").splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            found[name] = float(value) if "." in value else int(value)
    return found


def counted(init, *, harts=1, append=(), kernel=None, net=None):
    """What the first environment `init` prints."""
    result = machine.run(None, init=init, harts=harts, icount=True, timeout=120, append=["bench", *append], kernel=kernel, net=net)
    if result.status:
        raise proc.Failure(f"{init.name} ended with {result.status}:\n{(result.stdout + result.stderr).decode(errors='replace')}")
    return numbers(result.stdout)


def before_the_kernel(harts):
    """Instructions of the firmware, reset to S-mode, with the same archive and options."""
    log = machine.run(None, init=FIRST, harts=harts, icount=True, timeout=60, append=["bench"], kernel=FIRMWARE).log
    return numbers(log)["firmware"]


def kernel_paths(harts=1):
    found = counted(FIRST, harts=harts)
    if "boot_and_firmware" in found:
        found["boot.firmware"] = before_the_kernel(harts)
        found["boot"] = found.pop("boot_and_firmware") - found["boot.firmware"]
    return found


def by_libos(harts):
    """What the first environment on the libOS prints."""
    return counted(LIBOS, harts=harts)


def program_output(part):
    """What apps/bench/PART.c prints, an ordinary program under init."""
    program = paths.PROGRAMS / "bench" / f"figures-{part}"
    if not program.exists():
        return b""
    result = machine.run([str(program)], icount=True, timeout=120, append=["bench"])
    if result.status:
        raise proc.Failure(f"{program.name} ended with {result.status}:\n{(result.stdout + result.stderr).decode(errors='replace')}")
    return result.stdout


def by_program(part):
    return numbers(program_output(part))


def lua_overhead():
    """fib(27) in Lua with slices of the usual length, over the same with one slice that does not end."""
    def nanoseconds(*append):
        done = machine.run(["lua", "fib.lua"], icount=True, put=[(paths.ROOT / "apps/bench/fib.lua", "fib.lua")], append=append,
                           timeout=120)
        if done.status:
            raise proc.Failure(f"lua ended with {done.status}:\n{done.stderr.decode(errors='replace')}")
        return int(done.stdout.split()[0])
    return round(nanoseconds() / nanoseconds("slice=100000000"), 5)


def echo(flight=64):
    """What apps/bench/echo.c prints, with `flight` frames under way: instructions of the whole machine for each, idle excluded.
    QEMU 10 counts none while a hart waits. The wire hands frames over in bursts, three milliseconds of the machine each: otherwise a machine that is
    quicker than its peer is woken for each, and the figure tells how busy the host is."""
    with peer.wire(peer.saturate(flight, peer.frames().udp(bytes(64))) if flight > 1 else peer.lone()) as wire:
        result = machine.run(None, init=paths.PROGRAMS / "bench" / "echo", icount=True, net=wire.netdev, timeout=120,
                             append=["bench", "slice=1000000"], options=BURSTS if flight > 1 else [])
    if result.status:
        raise proc.Failure(f"echo ended with {result.status}:\n{(result.stdout + result.stderr).decode(errors='replace')}")
    return numbers(result.stdout)


def handlers(talk, *, bursts=True, program="handlers"):
    """What apps/bench/handlers.c prints: frames that handlers answer while its process sleeps."""
    with peer.wire(talk) as wire:
        result = machine.run(None, init=paths.PROGRAMS / "bench" / program, icount=True, net=wire.netdev, timeout=120,
                             append=["bench", "slice=1000000"], options=BURSTS if bursts else [])
    if result.status:
        raise proc.Failure(f"handlers ended with {result.status}:\n{(result.stdout + result.stderr).decode(errors='replace')}")
    return {k: v for k, v in numbers(result.stdout).items() if k.startswith("ash_")}


# Who asks for a figure of apps/bench/handlers.c; `e` is ether.py.
ASKED = {
    "ash_echo": lambda e: peer.saturate(64, e.udp(bytes(64))),
    "ash_kv_get": lambda e: peer.saturate(64, e.udp(b"get " + b"\1" * 16, 11)),
    "ash_ping": lambda e: peer.saturate(64, e.ping()),
    "ash_count": lambda e: peer.saturate(64, e.udp(b"\0\0\0\1\0\0\0\0\0\0\0\1", 12)),
    "ash_tcp": lambda e: peer.saturate(64, e.tcp(b"GET / HTTP/1.0\r\n\r\n")),
    "ash_balance": lambda e: peer.saturate(64, e.udp(bytes(64), 9)),
    "ash_sample": lambda e: peer.pour(e.udp(bytes(64), 13)),
}


def handlers_at_load():
    """{ash_load: how much longer the slowest of 1 to 20 computing environments makes a reply than the quickest, from the interrupt to the
    device's hearing of it}, and ash_load.N: the instructions beside N."""
    loads, frames = (1, 2, 5, 10, 20), 20  # as apps/bench/handlers.c has them
    kernel = functions(paths.KERNEL)
    at = {name: (first, end) for first, end, name in kernel}
    base = executed.symbols(paths.KERNEL)["image_start"]
    code = (base & -(1 << 30)) + 16 * HUGE  # of handlers; that of filters stands behind the image
    filters_ = (base & -HUGE) + HUGE
    left_out = BOOT | {"machine_clear", "siphash"}
    ranges = merged([(a, b) for a, b, n in kernel if n not in left_out and a >= base]) + [(filters_, filters_ + HUGE), (code, code + HUGE)]
    with peer.wire(peer.seldom(0.02, peer.frames().udp(bytes(64)))) as wire:
        run = executed.run(paths.PROGRAMS / "bench" / "handlers-load", ranges, append=["bench", "slice=1000000"], net=wire.netdev)
    if run.status or b"passed\t0" not in run.stdout:
        raise proc.Failure(f"handlers-load ended with {run.status}:\n{(run.stdout + run.stderr).decode(errors='replace')}")
    costs, since, ran = [], None, False
    for i, pc in enumerate(run.pcs):
        if pc == at["trap_entry"][0]:
            since, ran = i, False
        elif pc == at["handler_enter"][0]:
            ran = True
        elif ran and since is not None and pc == at["virtio_notify"][0]:
            costs.append(i - since)
            since = None
    parts = [sorted(costs[k * frames:(k + 1) * frames]) for k in range(len(loads))]
    if not parts[-1]:
        raise proc.Failure(f"{len(costs)} replies, not {frames * len(loads)}")
    middle = [part[len(part) // 2] for part in parts]
    return {"ash_load": round(max(middle) / min(middle), 3)} | {f"ash_load.{n}": m for n, m in zip(loads, middle)}


def by_handlers(names):
    values = {}
    for name, talk in ASKED.items():
        if name in names or (name == "ash_echo" and "ash_install_4k" in names):
            values = quiet(name, lambda: handlers(talk(peer.frames()))) | values  # what it costs to install one is the first's, at which nothing comes meanwhile
    if "ash_echo_lone" in names:
        values["ash_echo_lone"] = handlers(peer.lone(), bursts=False, program="handlers-lone")["ash_echo"]
    if "ash_beat" in names:
        values |= handlers(peer.beats(), bursts=False, program="handlers-beat")
    if "ash_load" in names:
        values |= handlers_at_load()
    return values


def served(part, client, *, forward=None, net=None, **options):
    """What `figures-net PART` prints; once it serves, `client(over)` runs beside it."""
    program, out, serving, over = paths.PROGRAMS / "bench" / "figures-net", bytearray(), threading.Event(), threading.Event()
    made = machine.make_archive([str(program), part], env=machine.default_environment(None), put=options.pop("put", ()))

    def take(data):
        out.extend(data)
        if b"serving" in out:
            serving.set()

    def talk():
        if serving.wait(60) and client:
            client(over)
    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        with machine.session(made, out=take, err=out.extend, icount=True, append=["bench"], forward=[forward] if forward else (), net=net,
                             **options) as running:
            status = running.loop(None, 120)
    finally:
        serving.set()
        over.set()
        thread.join()
    if status:
        raise proc.Failure(f"{program.name} {part} ended with {status}:\n{out.decode(errors='replace')}")
    return numbers(bytes(out))


def udp_echo_socket():
    with peer.wire(peer.saturate(64, peer.frames().udp(bytes(64)))) as wire:
        return served("udp", None, net=wire.netdev, options=BURSTS)


def ask_much(port, connections, request, size):
    """Each of some connections asks again when `size` bytes have come."""
    def client(over):
        with contextlib.ExitStack() as stack:
            open_, got = selectors.DefaultSelector(), {}
            for _ in range(connections):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                got[s] = 0
                open_.register(s, selectors.EVENT_READ)
                s.sendall(request)
            with contextlib.suppress(OSError):
                while not over.is_set():
                    for key, _ in open_.select(0.2):
                        s = key.fileobj
                        if not (part := s.recv(65536)):
                            return
                        got[s] += len(part)
                        if got[s] == size:
                            got[s] = 0
                            s.sendall(request)
    return client


def http_1k():
    """16 connections through QEMU's user network."""
    port, body = machine.free_port(), bytes(i % 64 + 32 for i in range(1024))
    request = b"GET /1k.txt HTTP/1.1\r\nHost: machine\r\n\r\n"
    head = len(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1024\r\n"
               b"Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n")
    with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
        (Path(folder) / "1k.txt").write_bytes(body)
        return served("http", ask_much(port, 16, request, head + len(body)), forward=f"tcp:{port}:80", put=[(folder, "/www")], options=BURSTS)


def tcp_send_64k():
    port = machine.free_port()
    return served("send", ask_much(port, 1, b"", 0), forward=f"tcp:{port}:5001", options=BURSTS)


def udp_load():
    """What apps/bench/load.c prints: slots of a millisecond, so that twenty others are waited for in reasonable time."""
    result = machine.run([str(paths.PROGRAMS / "bench" / "figures-load")], icount=True, net=True, timeout=200, append=["bench", "slice=1000"])
    if result.status:
        raise proc.Failure(f"figures-load ended with {result.status}:\n{(result.stdout + result.stderr).decode(errors='replace')}")
    return numbers(result.stdout)


# --- by QEMU's log ---------------------------------------------------------------------------

def witness():
    """{name: count} of the last time that each marked path was taken, trap entry to sret, of those that stay in entry.S."""
    kernel, first = executed.symbols(paths.KERNEL), executed.symbols(FIRST)
    entry, end = kernel["trap_entry"], kernel["user_enter"]
    marks = {address: name[len(MARK):] for name, address in first.items() if name.startswith(MARK)}
    run = executed.run(FIRST, [(entry, end), M_MODE, *((a, a + 2) for a in marks)], append=["bench"])
    if run.status:
        raise proc.Failure(f"the counted run ended with {run.status}:\n{run.stderr.decode(errors='replace')}")
    return last_counts(run.pcs, entry, end, marks, {kernel[n] for n in ("call_c", "transfer_slow", "interrupt_frame")})


def last_counts(pcs, entry, end, marks, leaves):
    """A path begins at `entry`; its name is that of the mark before it. {name: count}, the last one of each that stayed here; and
    {name.firmware: count} of what was executed in M-mode on it, where there was any."""
    found, name, runs, firmware = {}, None, [], 0

    def close():
        if name and firmware:
            found[name + ".firmware"] = firmware
        nth = 1 if name == "revoke_upcall" else 0  # it comes right behind the call that asks for it
        if len(runs) > nth and runs[nth] is not None:
            found[name] = runs[nth]
    for pc in pcs:
        if pc in marks:
            close()
            name, runs, firmware = marks[pc], [], 0
        elif M_MODE[0] <= pc < M_MODE[1]:
            firmware += len(runs) < 3  # behind the last mark the machine ends
        elif pc == entry:
            runs.append(1)
        elif entry <= pc < end and runs and runs[-1] is not None:
            runs[-1] = None if pc in leaves else runs[-1] + 1
    close()
    return found


def functions(elf):
    """[(start, end, name)] of a program's code, by its symbols."""
    text = proc.run([paths.TOOL + "nm", "-n", elf], capture=True)[1]
    found = [(int(w[0], 16), w[2]) for w in map(str.split, text.splitlines()) if len(w) == 3 and w[1] in "tT"]
    return [(a, b, n) for (a, n), (b, _) in zip(found, found[1:]) if a < b]


def interrupt_to_app():
    """Instructions, kernel's and libOS's, from the end of the hart's `wfi` to the application that waits for the device."""
    kernel, program = functions(paths.KERNEL), functions(LIBOS)
    mark = executed.symbols(LIBOS)[MARK + "interrupt_to_app"]
    wfi = {int(line.split(":")[0], 16) for line in proc.run([paths.TOOL + "objdump", "-d", paths.KERNEL], capture=True)[1].splitlines()
           if line.endswith("\twfi")}
    ranges = [(a, b) for a, b, n in kernel if n not in BOOT]
    # Not `main`, which waits in loops; it goes on where the mark stands.
    ranges += [(a, b) for a, b, n in program if n not in BOOT and not n.startswith("main")] + [(mark, mark + 2)]
    run = executed.run(LIBOS, merged(ranges), append=["bench"])
    if run.status:
        raise proc.Failure(f"{LIBOS.name} ended with {run.status}:\n{run.stderr.decode(errors='replace')}")
    counts, since = [], None
    for i, pc in enumerate(run.pcs):
        if pc in wfi:
            since = i
        elif pc == mark:
            counts += [i - since - 1] if since is not None else []
            since = None
    if not counts:
        raise proc.Failure("no interrupt came while the guest was idle")
    return counts[-1]


def merged(ranges):
    out = []
    for a, b in sorted(ranges):
        if out and out[-1][1] == a:
            out[-1] = (out[-1][0], b)
        else:
            out.append((a, b))
    return out


def filters():
    """Installing is counted by the guest; classifying in the log: from dpf_run on, generated code and all."""
    kernel = functions(paths.KERNEL)
    first = next(a for a, _, n in kernel if n == "dpf_run")
    last = next(b for _, b, n in kernel if n == "dpf_more")
    generated = (executed.symbols(paths.KERNEL)["image_start"] & -HUGE) + HUGE
    run = executed.run(FILTERS, [(first, last), (generated, generated + HUGE)], append=["bench", "slice=100000000"])
    if run.status:
        raise proc.Failure(f"{FILTERS.name} ended with {run.status}:\n{run.stderr.decode(errors='replace')}")
    starts = [i for i, pc in enumerate(run.pcs) if pc == first]
    counts = [b - a for a, b in zip(starts, [*starts[1:], len(run.pcs)])]
    if len(counts) != 2:
        raise proc.Failure(f"{len(counts)} frames were classified, not 2")
    return numbers(run.stdout) | dict(zip(("dpf_10", "dpf_1000"), counts))


# --- the table -------------------------------------------------------------------------------

KERNEL_PATHS = {"exception_dispatch", "fault_dispatch", "null_call", "pct_oneway", "pct_return", "slice_end", "slice_begin",
                "stlb_refill", "claim", "map_page", "share_100", "protect_1", "protect_100", "unprotect_100", "page_cycle",
                "env_cycle", "boot", "kernel_memory"}


MARKED = {"exception_dispatch", "fault_dispatch", "null_call", "pct_oneway", "pct_return", "slice_end", "slice_begin", "stlb_refill",
          "revoke_upcall"}

# Through sockets, with a peer beside the machine.
NETWORK = {"udp_echo_socket": udp_echo_socket, "http_1k": http_1k, "tcp_send_64k": tcp_send_64k, "udp_load": udp_load}

# Which program of apps/bench tells a figure: PART.c.
PROGRAM_OF = {name: part for part, found in {
    "process": ("fork_exit_wait", "fork_exec_wait", "yield_switch"),
    "memory": ("appel1", "appel2", "prot1", "prot100", "unprot100", "dirty", "first_touch", "cow_fault", "mmap_cycle", "policy_swap"),
    "thread": ("signal_trap", "upcall_trap", "mutex", "thread_cycle"),
    "files": ("pipe_pingpong", "socketpair_pingpong", "pipe_64k", "file_cycle", "stat", "open_close", "read_4k"),
}.items() for name in found}


def quiet(name, measured, tries=3):
    """What measured() returns; with a value over the limit, again, and the least: a busy host hands frames over in smaller bursts, or stops the
    machine between two, and so can only add to what a frame costs."""
    limit, runs = float(figures()[name].limit), []
    while len(runs) < tries and not (runs and runs[-1][name] <= limit):
        runs.append(measured())
    return min(runs, key=lambda values: values[name])


def measure(names, harts=1):
    """{name: value} for those names that can be measured, and parts of them as NAME.PART."""
    if not FIRST.exists():
        return {}
    values = kernel_paths(harts) if KERNEL_PATHS & set(names) else {}
    if harts == 1 and MARKED & set(names):
        by_log = witness()
        values |= {name: value for name, value in by_log.items() if name == "revoke_upcall" or name.endswith(".firmware")}
    if LIBOS.exists() and {"fault_pager", "slice_switch", "interrupt_to_app"} & set(names):
        values |= by_libos(harts)
    if LIBOS.exists() and "interrupt_to_app" in names and harts == 1:
        values["interrupt_to_app"] = interrupt_to_app()
    for part in sorted({PROGRAM_OF[n] for n in names if n in PROGRAM_OF} if harts == 1 else ()):
        values |= by_program(part)
    if harts == 1 and {"dpf_10", "dpf_1000", "dpf_insert_1000"} & set(names):
        values |= filters()
    if {"udp_echo_raw", "upcall_echo"} & set(names) and harts == 1:
        # upcall_echo: the owner does nothing but sleep until it is upcalled
        values |= quiet("upcall_echo", lambda: (made := echo()) | {"upcall_echo": made["udp_echo_raw"]})
    if harts == 1:
        values |= by_handlers(names)
    for name, measured in NETWORK.items() if harts == 1 else ():
        if name in names:
            values |= quiet(name, measured)
    if "lua_overhead" in names and harts == 1 and (paths.PROGRAMS / "lua" / "lua").exists():
        values["lua_overhead"] = lua_overhead()
    return values


def over(figure, value):
    return value > float(figure.limit)


def chosen_of(names):
    """Those figures, or all."""
    known = figures()
    if wrong := [n for n in names if n not in known]:
        raise proc.Wrong(f"no figure {', '.join(wrong)}; there are {', '.join(known)}")
    return names or list(known)


def table(names, harts=1):
    """Rows (figure, value or None, peers)."""
    known, chosen = figures(), chosen_of(names)
    values = measure(chosen, harts)
    beside = peers()
    return [(known[n], values.get(n), beside.get(n, {}), values.get(n + ".firmware", 0)) for n in chosen]


def kernel_sizes():
    return [(name, value, limit) for name, value, limit in size.rows() if limit]
