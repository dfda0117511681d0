# SPDX-License-Identifier: BSD-2-Clause
"""Peers that would have the machine work much for little: segments of a byte, connections that are only begun, resets that are guessed.
tests/net/frames.c is the machine."""
from aegis import ether
from aegis.ether import ICMP, IP, TCP, Raw, data, ipv4, ipv6

from hostile import Connection, Talk, segment

SIZE = 10000  # bytes that it sends
PLENTY = 1000  # frames for that: no more are waited for


class Greedy(Connection):
    """One that says what it likes when it begins, and counts the frames in which its bytes come back."""

    def open_with(self, **fields):
        got = self.talk.ask(self.segment(flags="S", ack=0, **fields), lambda got: self.mine(got) and got[TCP].flags == "SA", 20)
        if got is None:
            return False
        self.at, self.theirs = self.at + 1, (got[TCP].seq + 1) % 2 ** 32
        self.talk.send(self.segment(flags="A", window=65535))
        return True

    def frames_for(self, size, **fields):
        """Frames with data, until all bytes are there; None: they are not."""
        asked, count, idle, sent = bytes(i % 251 for i in range(size)), 0, 0, 0
        came = b""
        while len(came) < size and idle < 30 and count < PLENTY:
            if sent < size and sent - len(came) < 2000:
                part = asked[sent:sent + 1000]
                self.talk.send(self.segment(part, window=65535, **fields))
                self.at, sent = self.at + len(part), sent + len(part)
                fields = {}
            more, got = self.talk.next(0.1)
            idle = 0 if more else idle + 1
            if got is None or not self.mine(got) or not data(got):
                continue
            count += 1
            if got[TCP].seq == self.theirs:
                came, self.theirs = came + data(got), (self.theirs + len(data(got))) % 2 ** 32
            self.talk.send(self.segment(flags="A", window=65535))
        return count if came == asked or count == PLENTY else None

    def end(self):
        self.talk.send(self.segment(flags="RA"))


def small_segments(tap, talk):
    """48 bytes a segment are the least that is believed, and only of who begins a connection."""
    seen = {}
    for number, (mss, most) in enumerate(((0, 24), (1, 230), (2, 230), (40, 230), (48, 230), (536, 36))):
        c = Greedy(talk, 5000 + number, ipv4())
        seen[mss] = c.open_with(options=[("MSS", mss)]) and c.frames_for(SIZE), most
        c.end()
    tap(all(got and got <= most for got, most in seen.values()), "greedy_small_segments_when_it_begins", str(seen))
    seen = {}
    for number, options in enumerate(([("MSS", 1)], [("NOP", None), ("NOP", None), ("MSS", 1)])):
        c = Greedy(talk, 5020 + number, ipv4())
        seen[number] = c.open_with(options=[("MSS", 1400)]) and c.frames_for(SIZE, options=options)
        c.end()
    tap(all(got and got <= 24 for got in seen.values()), "greedy_small_segments_later_on", str(seen))
    c = Greedy(talk, 5030, ipv4())
    opened = c.open_with(options=[("MSS", 1400)])
    about = IP(src=ether.GUEST_IP, dst=ether.OUR_IP) / TCP(sport=7, dport=5030, seq=c.theirs)
    talk.send(ipv4() / ICMP(type=3, code=4, nexthopmtu=68) / Raw(bytes(about)[:28]))
    got = opened and c.frames_for(SIZE)
    c.end()
    tap(got and got <= 24, "greedy_narrow_path_of_ipv4", str(got))


def begun(tap, talk):
    """Connections that are only begun, more than a listener's queue takes, do not keep others out."""
    for number in range(40):
        talk.send(ipv4() / segment(sport=5100 + number, dport=7, seq=number))
    got = []
    for number, below in enumerate((ipv4(), ipv6())):  # the machine serves one after the other
        c = Greedy(talk, 5200 + number, below)
        got.append(c.open_with() and c.frames_for(500))
        c.end()
    for number in range(40):
        talk.send(ipv4() / segment(sport=5100 + number, dport=7, seq=number + 1, flags="R"))
    tap(all(got), "greedy_connections_only_begun_keep_nobody_out", str(got))


def guessed(tap, talk):
    """RFC 5961: what is not quite right is asked about, and changes nothing."""
    for version, below in (("4", ipv4()), ("6", ipv6())):
        c, wrong = Greedy(talk, 5300, below), []
        opened = c.open_with()
        for name, fields in {"reset": {"flags": "R", "ack": 0, "seq": c.at + 100}, "reset at the window's end": {"flags": "R", "ack": 0, "seq": c.at + 60000},
                             "beginning": {"flags": "S", "ack": 0, "seq": c.at + 100}, "beginning before": {"flags": "S", "ack": 0, "seq": c.at - 9}}.items():
            got = talk.ask(c.segment(**fields), lambda got: c.mine(got) and got[TCP].flags == "A", 1, 1)
            if got is None or (got[TCP].seq, got[TCP].ack) != (c.theirs, c.at):
                wrong.append(name)
        alive = opened and c.frames_for(100)
        talk.send(c.segment(flags="R", ack=0))
        dead = talk.ask(c.segment(b"still there?"), lambda got: c.mine(got), 1, 1)
        tap(not wrong and alive and dead is not None and "R" in dead[TCP].flags, f"greedy_guesses_of_a_connection_change_nothing_{version}",
            f"{wrong} {alive} {dead and dead.summary()}")


def run(tap, start, wire):
    """`start()`: the machine with tests/net/frames.c on this wire."""
    machine, talk = start(), Talk(wire)
    try:
        first = talk.echo(b"hello")
        tap(first == b"hello", "greedy_machine_answers", str(first))
        for part in (small_segments, begun, guessed):
            part(tap, talk)
        tap(machine.result is None and talk.echo(b"goes on") == b"goes on", "greedy_machine_goes_on", str(machine.result))
    finally:
        machine.stop()
