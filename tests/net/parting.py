# SPDX-License-Identifier: BSD-2-Clause
"""Who has sent, closed and ended, while nobody else waits for the network: what was lost comes again, and a neighbour that answers late gets
what was for it. The peer is one of TCP, by hand."""
import struct
import time

from aegis import peer

FIN, SYN, ACK = 1, 2, 16
SIZE = 3000  # as parting.c has it


class Server:
    """Port 9: takes the connection, and is deaf to the first `deaf` segments that carry something."""

    def __init__(self, wire, deaf):
        self.wire, self.deaf, self.base, self.upto, self.ended, self.heard = wire, deaf, None, 0, False, 0

    def answer(self, tcp, flags, sequence):
        head = struct.pack(">HHIIBBHHH", 9, struct.unpack(">H", tcp[:2])[0], sequence, self.base + self.upto, 5 << 4, flags, 65535, 0, 0)
        pseudo = peer.OUR_IP + peer.GUEST_IP + struct.pack(">HH", 6, len(head))
        self.wire.send(peer.ipv4(head[:16] + struct.pack(">H", peer.checksum(pseudo + head)) + head[18:], 6))

    def take(self, frame):
        tcp = frame[34:14 + struct.unpack(">H", frame[16:18])[0]]
        at, flags, data = struct.unpack(">I", tcp[4:8])[0], tcp[13], tcp[(tcp[12] >> 4) * 4:]
        if flags & SYN:
            self.base = at + 1
            self.answer(tcp, SYN | ACK, 7000)
        elif (data or flags & FIN) and self.base is not None:
            self.heard += 1
            if self.heard <= self.deaf:
                return
            if at - self.base == self.upto:
                self.upto += len(data) + (flags & FIN)
                self.ended |= bool(flags & FIN)
            self.answer(tcp, ACK, 7001)


def watch(machine, wire, until, take, slow_arp=0):
    """Plays the neighbour until `until()` or the machine's end; `take` gets what is for us."""
    end, waits = time.monotonic() + 60, slow_arp
    while time.monotonic() < end and not until() and machine.result is None:
        frame = wire.receive(0.1)
        if frame is None:
            continue
        if frame[12:14] == b"\x08\x06" and frame[38:42] == peer.OUR_IP and waits:
            waits -= 1  # it asks again after a second
        elif frame[12:14] == b"\x08\0" and frame[23] == 6:
            take(frame)
        elif not peer.neighbour(wire, frame):
            take(frame)


def run(tap, start, wire):
    """`start(words, word)`: parting with these on the wire, ready when it has said so."""
    for name, words, deaf in (("while_others_sleep", ["stream", "30"], 4), ("by_the_machines_end", ["stream"], 4)):
        machine, server = start(words, b"parted"), Server(wire, deaf)
        watch(machine, wire, lambda: server.ended, server.take)
        tap(server.ended and server.upto == SIZE + 1 and server.heard > deaf, f"what_a_dead_program_sent_comes_again_{name}",
            f"{server.upto} bytes, {server.heard} segments, {machine.result}")
        machine.stop()
    got = []
    machine = start(["datagram", "30"], b"parted")
    watch(machine, wire, lambda: got, lambda frame: got.append(frame[42:142]), slow_arp=1)
    tap(got == [b"x" * 100], "a_datagram_waits_for_a_late_neighbour", f"{got} {machine.result}")
    machine.stop()
