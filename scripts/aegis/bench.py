# SPDX-License-Identifier: BSD-2-Clause
"""Figures: what a path costs, beside its limit (tests/figures.tsv) and the neighbours (tests/peers.tsv).

`measure(names)` is the hook: it gives {name: value} for those names that it can measure. What it cannot is shown as not measured."""
from collections import namedtuple

from . import machine, paths, proc, size

Figure = namedtuple("Figure", "name limit mode path")

PROGRAM = paths.PROGRAMS / "bench" / "bench"  # as the first environment, it prints lines `name<TAB>value`


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


def measure(names):
    """Runs the bench program on the machine, counted: QEMU 10, virt, one hart, shift=0."""
    if not PROGRAM.exists():
        return {}
    result = machine.run(["bench", *names], init=None, icount=True, timeout=300, archive_extra={"/bin/bench": str(PROGRAM)})
    if result.status:
        raise proc.Failure(f"the bench program ended with {result.status}:\n{result.stderr.decode(errors='replace')}")
    values = {}
    for line in result.stdout.decode().splitlines():
        name, _, value = line.partition("\t")
        values[name] = float(value) if "." in value else int(value)
    return {n: v for n, v in values.items() if n in names}


def over(figure, value):
    return value > float(figure.limit)


def table(names):
    """Rows (figure, value or None, peers)."""
    known = figures()
    if wrong := [n for n in names if n not in known]:
        raise proc.Wrong(f"no figure {', '.join(wrong)}; there are {', '.join(known)}")
    chosen = names or list(known)
    values = measure(chosen)
    beside = peers()
    return [(known[n], values.get(n), beside.get(n, {})) for n in chosen]


def kernel_sizes():
    return [(name, value, limit) for name, value, limit in size.rows() if limit]
