# SPDX-License-Identifier: BSD-2-Clause
"""The tables of the paper of 1995 again: its figures beside ours (tests/paper.tsv), as text and as pictures.

Its machine and ours have nothing in common but the structure of their software, so what is compared is what it gained:
microseconds of the monolith over those of the exokernel there, instructions of Linux over ours here."""
from collections import namedtuple
from html import escape
from math import log10

from . import bench

Row = namedtuple("Row", "table name exos ultrix ours linux what")

TITLES = {
    "7": "Table 7: a TCP frame classified, ten connections' filters",
    "8": "Table 8: communication between processes",
    "9": "Table 9: a program that needs no system",
    "10": "Table 10: virtual memory (Appel and Li)",
    "11": "Table 11: a datagram of 60 bytes there and back",
    "12": "Table 12: procedure calls, server untrusted and trusted",
    "13": "Table 13: the page table replaced: inverted, and the original",
}
# What is measured of the original, where a table compares two of ours.
ORIGINAL = {f"inverted.{n}": n for n in ("dirty", "prot1", "prot100", "unprot100", "appel1", "appel2")} | {"inverted.trap": "upcall_trap"}


def number(text):
    return None if text == "-" else float(text)


# What the columns of a table are: a monolith's figure and ours, then and now; and what the two bars of its picture are.
USUAL = ("Ultrix us", "ExOS us", "Linux instr.", "ours"), ("1995: Ultrix / ExOS, time", "here: Linux / Aegis-V, instructions")
COLUMNS = {
    "7": (("others us", "DPF us", "others instr.", "ours"), ("1995: MPF, PATHFINDER / DPF, time", "here: libpcap / ours, instructions")),
    "12": (("lrpc us", "tlrpc us", "lrpc instr.", "tlrpc"), ("1995: lrpc / tlrpc, time", "here: lrpc / tlrpc, instructions")),
    "13": (("original us", "inverted us", "original instr.", "inverted"), ("1995: original / inverted, time", "here: original / inverted, instructions")),
}


def measure():
    """{figure: instructions} of all that the tables name, and of a handler beside busy processes."""
    wanted = {r[4] for r in bench.rows("paper.tsv")} | {"ash_load"}
    values = bench.measure(wanted & set(bench.figures()))
    values["udp_echo_raw_lone"] = bench.echo(1)["udp_echo_raw"]
    for part in ("matrix", "rpc", "inverted"):
        values |= bench.by_program(part)
    return values


def stride():
    """{name: slices after each} of three children at 3:2:1."""
    table = bench.program_output("stride")
    found = [list(map(int, line.split(b"\t"))) for line in table.splitlines() if line.count(b"\t") == 2]
    return {name: list(column) for name, column in zip(("3", "2", "1"), zip(*found))} if found else None


def load():
    """{processes that compute: slices that a datagram waits for its owner, mean}, and the worst in rotations."""
    found = bench.udp_load()
    # its slots are of a millisecond
    return {int(n.split(".")[1].partition("_")[0]): v / 1000 for n, v in found.items() if n.endswith("_mean_us")}, found["udp_load"]


def rows(values):
    """Row by row, ours from `values` {figure: instructions}."""
    peers = bench.peers()
    for table, name, exos, ultrix, ours, divide, what, *given in bench.rows("paper.tsv"):
        value = values.get(ours)
        if given:  # a neighbour's, or another of ours
            beside = int(given[0]) if given[0].isdigit() else values.get(given[0])
        elif ours in ORIGINAL:
            beside = values.get(ORIGINAL[ours])
        else:
            beside = peers.get("signal_trap" if ours == "upcall_trap" else ours, {}).get("linux")
        yield Row(table, name, number(exos), number(ultrix), value / int(divide) if value is not None else None,
                  beside / int(divide) if beside else None, what)


def gain(monolith, ours):
    return monolith / ours if monolith and ours else None


def shown(value, form="{:,.0f}", none="-"):
    return none if value is None else form.format(value)


def text(found):
    """Lines."""
    table = None
    for r in found:
        if r.table != table:
            table = r.table
            yield ""
            yield TITLES[table]
            first = COLUMNS.get(table, USUAL)[0]
            yield f"{'':12}{first[0]:>12}{first[1]:>12}{'gain':>7}   {first[2]:>16}{first[3]:>11}{'gain':>8}"
        yield (f"{r.name:12}{shown(r.ultrix, '{:g}'):>12}{shown(r.exos, '{:g}'):>12}{shown(gain(r.ultrix, r.exos), '{:.1f}'):>7}   "
               f"{shown(r.linux):>16}{shown(r.ours):>11}{shown(gain(r.linux, r.ours), '{:.1f}'):>8}   {r.what}")


# --- pictures --------------------------------------------------------------------------------

THEN, NOW, INK, GRID = "#b07a2a", "#1f6f8b", "#222", "#ddd"
LEFT, RIGHT, LINE, TOP = 110, 60, 36, 54


def svg_gains(title, entries, legend, width=640):
    """Pairs of bars on a logarithmic axis from 0.5: how many times cheaper than the monolith, then and now."""
    entries = [(n, then, now) for n, then, now in entries if then or now]
    top = max([2.0, *(v for _, *both in entries for v in both if v)])
    scale = (width - LEFT - RIGHT) / (log10(top) - log10(0.5))
    at = lambda v: LEFT + scale * (log10(max(v, 0.5)) - log10(0.5))  # noqa: E731
    height = TOP + LINE * len(entries) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}"><rect width="{width}" height="{height}" fill="#fff"/>',
           f'<text x="10" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
           f'<rect x="10" y="30" width="10" height="10" fill="{THEN}"/><text x="25" y="39">{escape(legend[0])}</text>',
           f'<rect x="260" y="30" width="10" height="10" fill="{NOW}"/><text x="275" y="39">{escape(legend[1])}</text>']
    for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        if tick <= top:
            out.append(f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{TOP - 4}" y2="{height - 22}" '
                       f'stroke="{INK if tick == 1 else GRID}"/><text x="{at(tick):.1f}" y="{height - 8}" text-anchor="middle">{tick:g}</text>')
    for i, (name, then, now) in enumerate(entries):
        y = TOP + i * LINE
        out.append(f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(name)}</text>')
        for value, colour, dy in ((then, THEN, 2), (now, NOW, 15)):
            if value:
                a, b = sorted((at(1), at(value)))
                out.append(f'<rect x="{a:.1f}" y="{y + dy}" width="{max(b - a, 1):.1f}" height="11" fill="{colour}"/>'
                           f'<text x="{at(max(value, 1)) + 4:.1f}" y="{y + dy + 10}" font-size="10">{value:.1f}</text>')
            else:
                out.append(f'<text x="{at(1) + 4:.1f}" y="{y + dy + 10}" font-size="10" fill="#777">nothing to compare with</text>')
    return "\n".join([*out, "</svg>\n"])


def svg_lines(title, series, ideal, width=640, height=300):
    """Cumulative slices of each process; `series` {name: [value, ...]}, `ideal` {name: share}."""
    count = max(len(v) for v in series.values())
    top = max(max(v) for v in series.values()) or 1
    x = lambda i: 50 + (width - 130) * i / max(count - 1, 1)  # noqa: E731
    y = lambda v: height - 40 - (height - 90) * v / top  # noqa: E731
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}"><rect width="{width}" height="{height}" fill="#fff"/>',
           f'<text x="10" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
           f'<text x="{width / 2:.0f}" y="{height - 8}" text-anchor="middle">slices</text>',
           f'<line x1="50" x2="{width - 80}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="{INK}"/><line x1="50" x2="50" y1="40" y2="{y(0):.1f}" stroke="{INK}"/>']
    for colour, (name, values) in zip((NOW, THEN, "#5b8c3a", "#7a4a8c"), series.items()):
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(values))
        out.append(f'<line x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(count - 1):.1f}" y2="{y(ideal[name] * (count - 1)):.1f}" stroke="{GRID}" stroke-width="5"/>')
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
                   f'<text x="{x(count - 1) + 6:.1f}" y="{y(values[-1]) + 4:.1f}" fill="{colour}">{escape(name)}: {values[-1]:g}</text>')
    return "\n".join([*out, "</svg>\n"])


# Read off the paper's plot, +-40 us: round trip by processes active on the receiver; with an ASH flat at 255.
FIGURE_2 = {n: us for n, us in enumerate((320, 640, 950, 1310, 1600, 1920, 2560, 2880, 3200, 3520), 1)}
FIGURE_2_ASH = 255


def svg_load(waits, handled=None, width=640, height=300):
    """Times the wait with one process, by processes that compute: then and here, each with a handler too."""
    series = {"1995": {n: v / FIGURE_2[1] for n, v in FIGURE_2.items()}, "1995, handler": dict.fromkeys(FIGURE_2, FIGURE_2_ASH / FIGURE_2[1]),
              "here": {n: v / waits[1] for n, v in waits.items()}}
    if handled:
        series["here, handler"] = {n: v / waits[1] for n, v in handled.items()}
    top = max(v for s in series.values() for v in s.values())
    x = lambda n: 50 + (width - 160) * n / max(waits)  # noqa: E731
    y = lambda v: height - 40 - (height - 90) * v / top  # noqa: E731
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}"><rect width="{width}" height="{height}" fill="#fff"/>',
           '<text x="10" y="20" font-size="14" font-weight="bold">Figure 2: a datagram to a process that does not run (times that with one other)</text>',
           f'<text x="{width / 2:.0f}" y="{height - 4}" text-anchor="middle">processes that compute</text>',
           f'<line x1="50" x2="{x(max(waits)):.1f}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="{INK}"/><line x1="50" x2="50" y1="40" y2="{y(0):.1f}" stroke="{INK}"/>']
    for n in (1, 5, 10, 15, 20):
        out.append(f'<text x="{x(n):.1f}" y="{y(0) + 15:.1f}" text-anchor="middle">{n}</text><text x="44" y="{y(n) + 4:.1f}" text-anchor="end">{n}</text>'
                   f'<line x1="50" x2="{x(max(waits)):.1f}" y1="{y(n):.1f}" y2="{y(n):.1f}" stroke="{GRID}"/>')
    for colour, (name, values) in zip((THEN, "#7a4a8c", NOW, "#5b8c3a"), series.items()):
        points = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in sorted(values.items()))
        last = max(values)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{x(last) + 6:.1f}" y="{y(values[last]) - 6:.1f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>\n"])


def handled(values):
    """{processes that compute: slices of a millisecond that a handler's reply takes}, or None. An instruction is a nanosecond."""
    return {int(n.split(".")[1]): v / 1e6 for n, v in values.items() if n.startswith("ash_load.")} or None


def pictures(values, slices=None, waits=None):
    """{file name: SVG}."""
    found = list(rows(values))
    out = {}
    for table in ("7", "8", "10", "11", "12", "13"):
        entries = [(r.name, gain(r.ultrix, r.exos), gain(r.linux, r.ours)) for r in found if r.table == table]
        legend = COLUMNS.get(table, USUAL)[1]
        out[f"table{table}.svg"] = svg_gains(TITLES[table], entries, legend)
    if waits:
        out["figure2.svg"] = svg_load(waits, handled(values))
    if slices:
        shares = {n: int(n) / 6 for n in slices}
        out["figure3.svg"] = svg_lines("Figure 3: stride scheduling by an application, 3:2:1", slices, shares)
    return out
