# SPDX-License-Identifier: BSD-2-Clause
"""Made code is never writable and executable at once: all that is mapped, by QEMU's own walk of the tables, at moments when filters and handlers are
compiled, verified, published, run and replaced."""
import re

from aegis import paths, proc

from gdb import Gdb

TIMES = 3  # that each place is looked at
PLACES = ("dpf_insert", "validate", "dpf_commit", "dpf_run", "call_handler_install", "ash_verify_step", "handler_enter")


def symbols():
    lines = [line.split() for line in proc.run([paths.TOOL + "nm", paths.KERNEL], capture=True)[1].splitlines()]
    return {w[2]: int(w[0], 16) for w in lines if len(w) == 3}


def mappings(gdb):
    """[(from, to, physical, rights)], one for each run of pages."""
    found = re.findall(r"^(\w{16}) (\w{16}) (\w{16}) ([-rwxugad]{7})\r?$", gdb.monitor("info mem"), re.M)
    return [(int(va, 16), int(va, 16) + int(size, 16), int(pa, 16), kind) for va, pa, size, kind in found]


def look(port):
    """{place: [what was mapped]}."""
    gdb, where = Gdb(port), symbols()
    places = {where[name]: name for name in PLACES}
    seen = {name: [] for name in PLACES}
    for at in gdb.stops(*places):
        if at not in places:
            continue
        name = places[at]
        if name == "dpf_run" and not seen["dpf_commit"]:
            continue  # a frame that came before there was a filter
        if len(seen[name]) < TIMES:
            seen[name].append(mappings(gdb))
        if len(seen[name]) == TIMES:
            gdb.ask(f"z0,{at:x},2")
            del places[at]
        if not places:
            break
    gdb.send("D")
    return seen, where["text_end"]


def check(tap, seen, text_end):
    everything = [m for maps in seen.values() for m in maps]
    tap(all(len(maps) == TIMES for maps in seen.values()) and all(everything), "made code is looked at while it is made, published and run",
        {name: len(maps) for name, maps in seen.items()})
    both = [m for maps in everything for m in maps if "w" in m[3] and "x" in m[3]]
    tap(not both, "no mapping is writable and executable at once", both[:4])
    made = {name: [m for maps in all_maps for m in maps if m[0] >> 63 and "x" in m[3] and m[0] >= text_end] for name, all_maps in seen.items()}
    tap(bool(made["dpf_run"]) and bool(made["handler_enter"]) and all(m[3][:4] == "r-x-" for ms in made.values() for m in ms),
        "made code runs by mappings of its own, R-X, not the user's", made)
    pages = [(pa, pa + end - va) for ms in made.values() for va, end, pa, _ in ms]
    users = [m for maps in everything for m in maps if m[3][3] == "u" and any(m[2] < end and pa < m[2] + m[1] - m[0] for pa, end in pages)]
    tap(bool(pages) and not users, "no page of made code is the user's by any address", users[:4])
