# SPDX-License-Identifier: BSD-2-Clause
"""Frames that are wrong in every way, to a machine whose stack is lwIP: none is answered as if it were right, the machine goes on,
and has as many pages as before."""
import random
import struct

from aegis import peer

MARK = b"never to be answered"


def udp_sum(payload, total=0):
    """The checksum of a datagram from our port 4000 to port 7."""
    pseudo = peer.OUR_IP + peer.GUEST_IP + struct.pack(">BBH", 0, 17, 8 + len(payload))
    return peer.checksum(pseudo + struct.pack(">HHHH", 4000, 7, 8 + len(payload), total) + payload) or 0xffff


def datagram(payload, length=None, total=0):
    return struct.pack(">HHHH", 4000, 7, 8 + len(payload) if length is None else length, total) + payload


def fragment(data, offset, more, ident):
    """Of a packet `ident`, at a multiple of 8."""
    frame = peer.ipv4(data, flags=(0x2000 if more else 0) | offset // 8)
    head = frame[14:34]
    head = head[:4] + struct.pack(">H", ident) + head[6:10] + b"\0\0" + head[12:]
    return frame[:14] + head[:10] + struct.pack(">H", peer.checksum(head)) + head[12:] + frame[34:]


def truncated():
    good = peer.udp(MARK * 3)
    return [good[:n] for n in range(len(good) - 1)]


def lengths():
    data = datagram(MARK)
    frames = [peer.ipv4(data, ihl=n) for n in range(16) if n != 5]
    frames += [peer.ipv4(data, length=n) for n in (0, 1, 19, 20, 27, 60, 200, 1500, 65535)]
    frames += [peer.ipv4(datagram(MARK, length=n)) for n in (0, 1, 7, 60, 200, 65535)]
    frames += [peer.ipv4(datagram(b"right, but for its options"), options=bytes(o)) for o in ([7, 255, 4, 0], [68, 3, 0, 0] * 10, [131, 39] + [0] * 38, [0] * 40)]
    return frames


def sums():
    wrong = bytearray(peer.udp(MARK))
    wrong[24] ^= 0x55  # of IPv4's header
    return [bytes(wrong), peer.ipv4(datagram(MARK, total=udp_sum(MARK) ^ 0x0101))]


def fragments(chance):
    """Overlapping, with holes, beyond the largest packet, of one byte, ends that contradict each other."""
    data, frames = datagram(MARK * 60), []
    for ident in range(300):
        kind = ident % 6
        if kind == 0:  # the second begins in the first
            frames += [fragment(data[:800], 0, True, ident), fragment(data[400:], 400, False, ident)]
        elif kind == 1:  # it lies in the first
            frames += [fragment(data[:800], 0, True, ident), fragment(data[160:400], 160, False, ident)]
        elif kind == 2:
            frames += [fragment(data[:1000], 65528, False, ident)]
        elif kind == 3:
            frames += [fragment(data[:13], 8, True, ident), fragment(data[:1], 0, True, ident)]
        elif kind == 4:  # two ends
            frames += [fragment(data[800:], 800, False, ident), fragment(data[400:800], 400, False, ident)]
        else:
            frames += [fragment(data[n:n + 8], n, True, ident) for n in chance.sample(range(0, 1200, 8), 20)]
    return frames


def segments(chance):
    def tcp(flags, offset=5, data=b"", source=None):
        return peer.ipv4(struct.pack(">HHIIBBHHH", source or chance.randrange(1024, 65536), 80, chance.getrandbits(32), chance.getrandbits(32),
                                     offset << 4, flags, 1000, 0, 0) + data, 6)
    frames = [tcp(f, o, chance.randbytes(chance.choice((0, 3, 40)))) for f in range(64) for o in (0, 4, 5, 6, 15)]
    for _ in range(700):  # who never answers
        frame = bytearray(tcp(2))
        pseudo = peer.OUR_IP + peer.GUEST_IP + struct.pack(">BBH", 0, 6, 20)
        frame[50:52] = struct.pack(">H", peer.checksum(pseudo + bytes(frame[34:54])))
        frames.append(bytes(frame))
    return frames


def others(chance):
    ether = peer.GUEST_MAC + peer.OUR_MAC
    six = struct.pack(">IHBB", 6 << 28, 40, 0, 64) + bytes.fromhex("fe80") + bytes(13) + b"\1" + bytes.fromhex("fe80000000000000505400fffe123456")
    frames = [ether + b"\x08\x06" + chance.randbytes(n) for n in range(0, 46, 3)]
    frames += [ether + b"\x86\xdd" + six[:n] for n in range(0, 40, 3)]
    frames += [ether + b"\x86\xdd" + six + bytes((kind, n)) + chance.randbytes(38) for kind in (0, 43, 44, 50, 51, 58, 60) for n in (0, 1, 4, 255)]
    frames += [ether + b"\x86\xdd" + six[:6] + b"\x3a" + six[7:] + bytes((t, 0, 0, 0)) + bytes(20) + bytes((o, 0)) + bytes(14)
               for t in range(128, 140) for o in (1, 3, 5, 200)]
    frames += [peer.ipv4(bytes((t, c)) + chance.randbytes(30), 1) for t in range(0, 20) for c in (0, 3, 255)]
    frames += [ether + struct.pack(">H", t) + chance.randbytes(64) for t in (0, 46, 0x8100, 0x88a8, 0x0800, 0x86dd)]
    return frames


def mutated(chance, count):
    """Right ones, some of whose bytes are not."""
    for _ in range(count):
        frame = bytearray(peer.ipv4(datagram(MARK, total=udp_sum(MARK))))
        for _ in range(chance.randrange(1, 5)):
            frame[chance.randrange(12, len(frame))] = chance.randrange(256)
        if frame[34:] != datagram(MARK, total=udp_sum(MARK)):
            yield bytes(frame)


class Talk:
    """`ask` gets an answer to a datagram while the stack's other questions are answered, and keeps what should not have come."""

    def __init__(self, wire):
        self.wire, self.alien = wire, 0

    def answer(self, seconds=0.3):
        frame = self.wire.receive(seconds)
        if frame is None or peer.neighbour(self.wire, frame):
            return frame is not None, None
        data = frame[42:42 + struct.unpack(">H", frame[38:40])[0] - 8]
        if data.startswith(MARK[:8]):
            self.alien += 1
            return True, None
        return True, data

    def ask(self, payload, tries=60):
        for _ in range(tries):
            self.wire.send(peer.udp(payload))
            more = True
            while more:
                more, data = self.answer()
                if data is not None:
                    return data
        return None

    def send(self, frames):
        for i, frame in enumerate(frames):
            if frame:
                self.wire.send(frame)
            if i % 16 == 15:
                while self.answer(0.002)[0]:
                    pass


def exact(talk):
    """Sizes whose answers differ from what was asked, or have a wrong checksum, or do not come."""
    wrong = []
    for size in [*range(64), *range(64, 300, 7), 1000, 1472]:
        data, good = bytes((size + i * 5) % 251 for i in range(size)), False
        for _ in range(20):
            talk.wire.send(peer.ipv4(datagram(data, total=udp_sum(data))))
            while (frame := talk.wire.receive(0.3)) is not None and peer.neighbour(talk.wire, frame):
                pass
            if frame is not None and frame[34:36] == b"\0\7":
                udp = frame[34:14 + struct.unpack(">H", frame[16:18])[0]]
                pseudo = peer.GUEST_IP + peer.OUR_IP + struct.pack(">BBH", 0, 17, len(udp))
                good = udp[8:] == data and peer.checksum(frame[14:34]) == 0 and peer.checksum(pseudo + udp) == 0 and udp[6:8] != b"\0\0"
                break
        wrong += [] if good else [size]
    return wrong


def run(tap, start, wire):
    """`start()`: the machine with tests/net/frames.c on this wire."""
    machine, talk, chance = start(), Talk(wire), random.Random(11)

    def everything():
        for frames in (truncated(), lengths(), sums(), fragments(chance), segments(chance), others(chance), mutated(chance, 1500)):
            talk.send(frames)
    try:
        first = talk.ask(b"hello")
        wrong = exact(talk)
        tap(not wrong, "datagrams_come_back_whole_and_summed", str(wrong))
        everything()  # memory that a stack takes once is taken now
        before = talk.ask(b"pages")
        everything()
        everything()
        after = talk.ask(b"pages")
        tap(first == b"hello" and machine.result is None and after is not None, "hostile_frames_the_machine_goes_on", str(machine.result))
        tap(before is not None and before == after, "hostile_frames_no_page_is_lost", f"{before} {after}")
        tap(talk.alien == 0, "hostile_frames_none_is_answered", str(talk.alien))
        big = bytes(range(250)) * 12
        pieces = datagram(big)
        good = None
        for ident in range(40000, 40020):  # parts of the wrong ones are still waited for
            for at in range(0, len(pieces), 1480):
                wire.send(fragment(pieces[at:at + 1480], at, at + 1480 < len(pieces), ident))
            more = True
            while more and good is None:
                more, data = talk.answer()
                good = data is not None or None
            if good:
                break
        tap(good, "hostile_frames_fragments_go_together_again")
    finally:
        machine.stop()
