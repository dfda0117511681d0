# SPDX-License-Identifier: BSD-2-Clause
"""exokernel/bad-input.md: its rows, and what is wrong with them by calls.def and by the text of the tests that they name."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "exokernel/bad-input.md"
ROW = re.compile(r"^\| `(\w+)` \| (?:`(\w+)`|none) \| (.+) \| ([A-Z_]+|none) \| (.+) \|$", re.M)
CALL = re.compile(r'^CALL\(\d+, (\w+), \d, \((.*?)\), "(.*?)"', re.M)
FUNCTION = re.compile(r"^(?:\w+[ *]+)+(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.M | re.S)
MACRO = re.compile(r"^#define (\w+)((?:.*\\\n)*.*)$", re.M)


def calls():
    """{call: (arguments, errors)}, in their order."""
    return {name: (arguments.split(", ") if arguments else [], set(re.findall(r"\b[A-Z_]+\b", errors)) - {"AGAIN"})
            for name, arguments, errors in CALL.findall((ROOT / "exokernel/include/aegis/calls.def").read_text())}


def tests(cell):
    """[(name, is a unit test)] of the last column."""
    return [(name, bool(unit)) for name, unit in re.findall(r"`([^`]+)`( \(unit\))?", cell) if not name.startswith("scripts/test ")]


def rows():
    """[(call, argument or "", error, tests)]"""
    return [(call, argument, error, tests(cell)) for call, argument, _, error, cell in ROW.findall(TABLE.read_text())]


class Sources:
    """The C of some suites: what stands in a function and in what it uses of them."""

    def __init__(self, *folders):
        files = [path for folder in folders for path in sorted((ROOT / "tests" / folder).glob("*.[ch]"))]
        self.parts = {path: dict(FUNCTION.findall(path.read_text()) + MACRO.findall(path.read_text())) for path in files}

    def find(self, name, near):
        places = [near] if name in self.parts.get(near, {}) else [path for path in self.parts if name in self.parts[path]]
        return [(path, name) for path in places]

    def said(self, name):
        """All that stands there; empty: there is no such function."""
        todo, seen = self.find(name, None), set()
        while todo:
            if (part := todo.pop()) not in seen:
                seen.add(part)
                path, of = part
                todo += [found for word in set(re.findall(r"\w+", self.parts[path][of])) for found in self.find(word, path)]
        return "\n".join(self.parts[path][of] for path, of in seen)


def unlike_calls(table):
    """Arguments that the table leaves out, that there are not, or that stand elsewhere than in calls.def."""
    wanted = [(call, argument) for call, (arguments, _) in calls().items() for argument in arguments or [""]]
    got = list(dict.fromkeys((call, argument) for call, argument, _, _ in table))
    named = len(re.findall(r"^\| `", TABLE.read_text(), re.M))
    yield from (f"left out: {call} {argument}" for call, argument in wanted if (call, argument) not in got)
    yield from (f"not in calls.def: {call} {argument}" for call, argument in got if (call, argument) not in wanted)
    if set(got) == set(wanted) and got != wanted:
        yield "another order than in calls.def"
    if named != len(table):
        yield f"{named - len(table)} rows that are none"


def unlike_tests(table):
    """Rows whose test is none, or says nothing of the error, or (unless it is a unit test) of the call."""
    guests, unit = Sources("machine", "hostile"), Sources("unit")
    for call, argument, error, names in table:
        short = call.removeprefix("slice_")
        for name, is_unit in names:
            text = (unit if is_unit else guests).said(name)
            if not text:
                yield f"{call} {argument}: no test {name}"
            elif error != "none" and not re.search(rf"\b(AEGIS_E_)?{error}\b", text):
                yield f"{call} {argument}: {name} has no {error}"
            elif not is_unit and not re.search(rf"\b(aegis_{call}|AEGIS_CALL_{call}|up_{short})\b", text):
                yield f"{call} {argument}: {name} does not call it"


def missing_tests():
    """Names in the last column of the other tables that no test has."""
    guests, unit = Sources("machine", "hostile"), Sources("unit")
    boots = (ROOT / "tests/hostile/run").read_text()
    for row in re.findall(r"^\| (?!`|call|protected|attempt).*$", TABLE.read_text(), re.M):
        for name, is_unit in tests(row.rstrip(" |").rsplit(" | ", 1)[1]):
            if not (unit if is_unit else guests).said(name) and not (" " in name and name.split(" ...")[0].split(": ")[0] in boots):
                yield name
