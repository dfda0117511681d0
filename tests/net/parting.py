# SPDX-License-Identifier: BSD-2-Clause
"""Who has sent, closed and ended, while nobody else waits for the network: what was lost comes again, and a neighbour that answers late gets
what was for it. The peer is one of TCP, by scapy."""
import time

from aegis import ether
from aegis.ether import ARP, TCP, data

SIZE = 3000  # as parting.c has it


class Server:
    """Port 9: takes the connection, and is deaf to the first `deaf` segments that carry something."""

    def __init__(self, wire, deaf):
        self.wire, self.deaf, self.base, self.upto, self.ended, self.heard = wire, deaf, None, 0, False, 0

    def answer(self, got, flags, sequence):
        self.wire.send(ether.tcp(b"", got[TCP].sport, 9, seq=sequence, ack=self.base + self.upto, flags=flags, window=65535))

    def take(self, got):
        carried, ends = len(data(got)), "F" in got[TCP].flags
        if "S" in got[TCP].flags:
            self.base = got[TCP].seq + 1
            self.answer(got, "SA", 7000)
        elif (carried or ends) and self.base is not None:
            self.heard += 1
            if self.heard <= self.deaf:
                return
            if got[TCP].seq - self.base == self.upto:
                self.upto += carried + ends
                self.ended |= ends
            self.answer(got, "A", 7001)


def watch(machine, wire, until, take, slow_arp=0):
    """Plays the neighbour until `until()` or the machine's end; `take` gets what is for us."""
    end, waits = time.monotonic() + 60, slow_arp
    while time.monotonic() < end and not until() and machine.result is None:
        got = ether.read(wire.receive(0.1))
        if got is None:
            continue
        if ARP in got and got[ARP].pdst == ether.OUR_IP and waits:
            waits -= 1  # it asks again after a second
        elif TCP in got or not ether.neighbour(wire, got):
            take(got)


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
    watch(machine, wire, lambda: got, lambda frame: got.append(data(frame)), slow_arp=1)
    tap(got == [b"x" * 100], "a_datagram_waits_for_a_late_neighbour", f"{got} {machine.result}")
    machine.stop()
