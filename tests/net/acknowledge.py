# SPDX-License-Identifier: BSD-2-Clause
"""A peer that acknowledges as it likes: runs of acknowledgements are as good as each of them, duplicates are counted one by one, what
was lost is sent again at once and is what was asked for."""
import random
import time

from aegis import ether
from aegis.ether import IP, TCP, data

PORT, OURS = 80, 5000
SIZE = 60000  # of the file; less than lwIP sends at once when its window has grown


def body():
    return bytes(i * 7 % 251 for i in range(SIZE))


class Stream:
    """The client's half of one connection."""

    def __init__(self, wire):
        self.wire, self.sequence, self.wanted, self.got = wire, 1000, None, {}

    def frame(self, flags, acknowledged=0, carried=b""):
        return bytes(ether.tcp(carried, PORT, OURS, seq=self.sequence, ack=acknowledged, flags=flags, window=65535))

    def segments(self, seconds, keep=True):
        """(sequence, bytes) of those that come until none did for so long."""
        found = []
        while (got := ether.read(self.wire.receive(seconds))) is not None:
            if TCP not in got:
                ether.neighbour(self.wire, got)
                continue
            assert ether.is_summed(got), "a checksum is wrong"
            if "S" in got[TCP].flags:
                self.wanted = got[TCP].seq + 1
            elif carried := data(got):
                found.append((got[TCP].seq - self.wanted, carried))
                if keep:
                    self.got[found[-1][0]] = carried
        return found

    def open(self):
        for _ in range(20):
            self.wire.send(self.frame("S"))
            self.segments(0.5)
            if self.wanted:
                self.sequence += 1
                self.acknowledge(0)
                return True
        return False

    def ask(self, request):
        self.wire.send(self.frame("PA", self.wanted, request))
        self.sequence += len(request)

    def ask_in_pieces(self, request, order):
        """Its bytes in as many segments, in that order, one of them twice."""
        size = -(-len(request) // len(order))
        begin = self.sequence
        for i in [*order, order[0]]:
            self.sequence = begin + i * size
            self.wire.send(self.frame("PA", self.wanted + len(self.whole()), request[i * size:(i + 1) * size]))
        self.sequence = begin + len(request)

    def acknowledge(self, *upto):
        """All at once: what takes time is done before. One that says (NUMBER, LAYER) is a lie: that layer's checksum is wrong."""
        frames = []
        for n in upto:
            number, layer = n if isinstance(n, tuple) else (n, None)
            frame = self.frame("A", self.wanted + number)
            if layer:
                frame = ether.read(frame)
                frame[layer].chksum ^= 0xff00
            frames.append(bytes(frame))
        for frame in frames:
            self.wire.send(frame)

    def whole(self):
        """What is there from the first byte on."""
        out = b""
        while len(out) in self.got:
            out += self.got[len(out)]
        return out


def runs(tap, stream):
    """Each window is acknowledged segment by segment, at once."""
    for _ in range(100):
        found = stream.segments(0.3)
        if not found:
            break
        stream.acknowledge(*(at + len(carried) for at, carried in found))
    answer = stream.whole()
    tap(answer.endswith(body()) and answer.startswith(b"HTTP/1.1 200"), "acknowledged_in_runs_data_are_whole", f"{len(answer)} bytes")


def lost(tap, stream, name, before):
    """`before`: how many segments are acknowledged in front of the one that was lost, in the same run as the duplicates."""
    start = len(stream.whole())
    stream.ask(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
    found = stream.segments(0.3)
    ends = [at + len(carried) for at, carried in found]
    upto = ends[before - 1] if before else start
    begin = time.monotonic()
    stream.acknowledge(*ends[:before], *[upto] * (3 if before else 4))
    again = [at for at, _ in stream.segments(0.3)]
    tap(len(ends) >= before + 4 and upto in again and time.monotonic() - begin < 2.5, name, f"{ends} {upto} {again}")
    for _ in range(60):
        stream.acknowledge(len(stream.whole()))
        if not stream.segments(0.3):
            break
    tap(stream.whole()[start:].endswith(body()), f"{name}_data_are_whole")


def lies(tap, stream):
    """Acknowledgements of everything, wrong ones, behind right ones in the same run: what they say was not said."""
    start = len(stream.whole())
    stream.ask(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
    ends = [at + len(carried) for at, carried in stream.segments(0.3)]
    stream.acknowledge(*ends[:2], (ends[-1], TCP), *ends[2:4], (ends[-1], IP))
    again = [at for at, _ in stream.segments(4)]
    tap(len(ends) > 6 and again and min(again) == ends[3], "wrong_ones_in_runs_are_not_believed", f"{ends} {again}")
    for _ in range(60):
        stream.acknowledge(len(stream.whole()))
        if not stream.segments(0.3):
            break
    tap(stream.whole()[start:].endswith(body()), "behind_wrong_ones_data_are_whole")


def lossy(tap, stream):
    """One in ten does not come; each that does is acknowledged as a receiver would."""
    chance, start, quiet = random.Random(5), len(stream.whole()), 0
    stream.ask_in_pieces(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n", (0, 2, 1, 3))
    while quiet < 100 and not (stream.whole()[start:].endswith(body()) and len(stream.whole()) > start):
        found = stream.segments(0.05, keep=False)
        quiet = 0 if found else quiet + 1
        for at, carried in found:
            if chance.random() > 0.1:
                stream.got[at] = carried
                stream.acknowledge(len(stream.whole()))
    answer = stream.whole()[start:]
    tap(answer.endswith(body()), "one_in_ten_is_lost_data_are_whole", f"{len(answer)} bytes")


def run(tap, start, wire):
    """`start()`: httpd on this wire, whose /file is body()."""
    machine, stream = start(), Stream(wire)
    try:
        tap(stream.open(), "acknowledge_connects", str(machine.result))
        if stream.wanted is None:
            return
        stream.ask(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
        runs(tap, stream)
        lost(tap, stream, "duplicates_alone_count", 0)
        lost(tap, stream, "duplicates_behind_a_run_count", 3)
        lies(tap, stream)
        lossy(tap, stream)
    except AssertionError as error:
        tap(False, "acknowledge", str(error))
    finally:
        machine.stop()
