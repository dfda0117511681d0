# SPDX-License-Identifier: BSD-2-Clause
"""A peer that acknowledges as it likes: runs of acknowledgements are as good as each of them, duplicates are counted one by one, what
was lost is sent again at once and is what was asked for."""
import random
import struct
import time

from aegis import peer

PORT, OURS = 80, 5000
SIZE = 60000  # of the file; less than lwIP sends at once when its window has grown
SYN, PUSH, ACK = 2, 8, 16


def body():
    return bytes(i * 7 % 251 for i in range(SIZE))


class Stream:
    """The client's half of one connection, by hand."""

    def __init__(self, wire):
        self.wire, self.sequence, self.wanted, self.got = wire, 1000, None, {}

    def frame(self, flags, acknowledged=0, data=b"", window=65535):
        head = struct.pack(">HHIIBBHHH", OURS, PORT, self.sequence, acknowledged, 5 << 4, flags, window, 0, 0)
        pseudo = peer.OUR_IP + peer.GUEST_IP + struct.pack(">BBH", 0, 6, len(head) + len(data))
        return peer.ipv4(head[:16] + struct.pack(">H", peer.checksum(pseudo + head + data)) + head[18:] + data, 6)

    def segments(self, seconds, keep=True):
        """(sequence, bytes) of those that come until none did for so long."""
        found = []
        while (frame := self.wire.receive(seconds)) is not None:
            if frame[12:14] != b"\x08\0" or frame[23] != 6:
                peer.neighbour(self.wire, frame)
                continue
            size = struct.unpack(">H", frame[16:18])[0]
            tcp = frame[34:14 + size]
            pseudo = peer.GUEST_IP + peer.OUR_IP + struct.pack(">BBH", 0, 6, len(tcp))
            assert peer.checksum(pseudo + tcp) == 0 and peer.checksum(frame[14:34]) == 0, "a checksum is wrong"
            sequence, data = struct.unpack(">I", tcp[4:8])[0], tcp[(tcp[12] >> 4) * 4:]
            if tcp[13] & SYN:
                self.wanted = sequence + 1
            elif data:
                found.append((sequence - self.wanted, data))
                if keep:
                    self.got[sequence - self.wanted] = data
        return found

    def open(self):
        for _ in range(20):
            self.wire.send(self.frame(SYN))
            self.segments(0.5)
            if self.wanted:
                self.sequence += 1
                self.acknowledge(0)
                return True
        return False

    def ask(self, request):
        self.wire.send(self.frame(PUSH | ACK, self.wanted, request))
        self.sequence += len(request)

    def ask_in_pieces(self, request, order):
        """Its bytes in as many segments, in that order, one of them twice."""
        size = -(-len(request) // len(order))
        begin = self.sequence
        for i in [*order, order[0]]:
            self.sequence = begin + i * size
            self.wire.send(self.frame(PUSH | ACK, self.wanted + len(self.whole()), request[i * size:(i + 1) * size]))
        self.sequence = begin + len(request)

    def acknowledge(self, *upto):
        for n in upto:
            self.wire.send(self.frame(ACK, self.wanted + n))

    def lie(self, upto, at):
        """An acknowledgement with a wrong checksum, that at `at` of the frame."""
        frame = bytearray(self.frame(ACK, self.wanted + upto))
        frame[at] ^= 0xff
        self.wire.send(bytes(frame))

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
        stream.acknowledge(*(at + len(data) for at, data in found))
    answer = stream.whole()
    tap(answer.endswith(body()) and answer.startswith(b"HTTP/1.1 200"), "acknowledged_in_runs_data_are_whole", f"{len(answer)} bytes")


def lost(tap, stream, name, before):
    """`before`: how many segments are acknowledged in front of the one that was lost, in the same run as the duplicates."""
    start = len(stream.whole())
    stream.ask(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
    found = stream.segments(0.3)
    ends = [at + len(data) for at, data in found]
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
    ends = [at + len(data) for at, data in stream.segments(0.3)]
    stream.acknowledge(*ends[:2])
    stream.lie(ends[-1], 50)  # TCP's
    stream.acknowledge(*ends[2:4])
    stream.lie(ends[-1], 24)  # IP's
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
        for at, data in found:
            if chance.random() > 0.1:
                stream.got[at] = data
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
