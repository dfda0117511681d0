# SPDX-License-Identifier: BSD-2-Clause
"""The kernel's size: lines of code without blanks and comments, bytes of text."""
import re
from pathlib import Path

from . import paths, proc

KERNEL = ("core", "riscv")  # what the limit holds; drivers are counted beside it
BESIDE = ("dev",)
HANDLERS = ("handler", "handler_bind", "handler_page")  # of dev: counted beside the drivers
LINES, TEXT = 5000, 64 << 10
VERIFIER = ("verify.c", "verify.h", "value.h", "decode.c", "decode.h")  # of ash/: what is trusted
VERIFIER_LINES = 700
TEXT_BESIDE = {".text.dpf": "dpf", ".text.ash": "ash"}

# A comment, or a string or character that may look like one inside.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
HASH = re.compile(r"^\s*#(?!\s*(?:include|define|undef|if|ifdef|ifndef|else|elif|endif|error|pragma|warning|line)\b).*", re.M)


def strip_comments(text, assembly=False):
    text = TOKEN.sub(lambda m: m[0] if m[0][0] in "\"'" else "\n" * m[0].count("\n"), text)
    return HASH.sub("", text) if assembly else text


def lines(path):
    text = strip_comments(path.read_text(errors="replace"), path.suffix == ".S")
    return sum(1 for line in text.splitlines() if line.strip())


def folder_lines(folder):
    return {p: lines(p) for p in sorted(Path(folder).rglob("*")) if p.suffix in (".c", ".h", ".S", ".def")}


def text_bytes(elf, beside=None):
    """Code of the kernel and its drivers; or what is counted beside it: the compiler of filters, handlers and their verifier."""
    total = 0
    output = proc.run([paths.TOOL + "readelf", "-SW", elf], capture=True)[1]
    for line in output.splitlines():
        found = re.match(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s+\S+\s+([A-Za-z]*)", line)
        if found and "X" in found[3] and TEXT_BESIDE.get(found[1]) == beside:
            total += int(found[2], 16)
    return total


def verdict(name, value, limit, over):
    """A line of results. What is missed and known to be (tests/open.tsv) is said so, and must not get worse."""
    if over and value is not None:
        for line in (paths.ROOT / "tests/open.tsv").read_text().splitlines():
            if line.startswith("#"):
                continue
            known, held, why = line.split("\t")
            if known == name and value <= float(held):
                return f"# MISSED {name}: {value} of {limit}, held at {held}: {why}"
    return f"{'not ok' if over else 'ok'} {name}: {'not measured' if value is None else value} of {limit}"


def rows():
    """(name, value, limit or None)."""
    out = []
    for name in KERNEL + BESIDE:
        counts = folder_lines(paths.ROOT / "exokernel" / name)
        out.append((f"exokernel/{name} lines", sum(n for p, n in counts.items() if p.stem not in HANDLERS), None))
    out.append(("kernel lines", sum(v for _, v, _ in out[:len(KERNEL)]), LINES))
    for name in ("dpf", "ash"):
        if (paths.ROOT / name).is_dir():
            out.append((f"{name} lines", sum(folder_lines(paths.ROOT / name).values()), None))
    if (paths.ROOT / "ash").is_dir():
        out.append(("handlers in the kernel lines", sum(lines(p) for p in (paths.ROOT / "exokernel/dev").iterdir() if p.stem in HANDLERS), None))
        out.append(("ash verifier lines", sum(lines(paths.ROOT / "ash" / name) for name in VERIFIER), VERIFIER_LINES))
    if paths.KERNEL.exists():
        out.append(("kernel text bytes", text_bytes(paths.KERNEL), TEXT))
        out += [(f"{name} text bytes", text_bytes(paths.KERNEL, name), None) for name in TEXT_BESIDE.values()]
    return out
