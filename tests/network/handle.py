# SPDX-License-Identifier: BSD-2-Clause
"""apps/handle, an ordinary program: all its applications at once, and at the wire's other end who asks them."""
import struct
import threading

from aegis import ether, machine, peer
from aegis.ether import ARP, ICMP, IP, TCP, UDP, Ether, data

APPLICATIONS = ("echo 7", "ping", "tcp 80 twenty-byte-answer+", "count 12", "kv 11", "beat 13", "balance 9 10.0.0.11 10.0.0.12")
SERVERS = {"10.0.0.11": "02:00:00:00:00:0b", "10.0.0.12": "02:00:00:00:00:0c"}


class Talk:
    def __init__(self, tap):
        self.tap, self.said, self.over = tap, bytearray(), threading.Event()

    def next(self, made, seconds=0.3):
        """The next packet of IPv4 that is nobody's question. The servers answer here, and the neighbour."""
        while (got := ether.read(made.receive(seconds))) is not None:
            if ARP in got and got[ARP].pdst in SERVERS:
                made.send(ether.arp_answer(got, SERVERS[got[ARP].pdst]))
            elif IP in got and got[IP].proto != 17 or not ether.neighbour(made, got):
                return got
        return None

    def ask(self, made, frame, good):
        """What comes back and is good, asked again until it does."""
        got = None
        for _ in range(60):
            made.send(frame)
            while (got := self.next(made)) is not None:
                if good(got):
                    return got
        return None

    def __call__(self, made, over):
        try:
            while self.said.count(b"serving") < len(APPLICATIONS) and not over.is_set():
                self.next(made, 0.2)
            for part in (self.echo, self.ping, self.tcp, self.count, self.store, self.beat, self.balance):
                if not over.is_set():
                    part(made)
        finally:
            self.over.set()

    def echo(self, made):
        got = self.ask(made, ether.udp(b"to be echoed"), lambda f: UDP in f and data(f) == b"to be echoed" and f[IP].src == ether.GUEST_IP)
        self.tap(got is not None, "a program's handler echoes")

    def ping(self, made):
        got = self.ask(made, ether.ping(5), lambda f: ICMP in f and (f[ICMP].type, f[ICMP].id, f[ICMP].seq) == (0, 77, 5) and
                       data(f) == bytes(56) and ether.is_summed(f))
        self.tap(got is not None, "a program's handler answers ping")

    def tcp(self, made):
        def good(flags, acknowledged):
            return lambda f: TCP in f and f[TCP].flags == flags and f[TCP].ack == acknowledged
        got = self.ask(made, ether.tcp(ack=0, flags="S"), good("SA", 1001))
        self.tap(got is not None, "a program's handler takes a connection")
        if got:
            got = self.ask(made, ether.tcp(b"GET /", seq=1001, ack=(got[TCP].seq + 1) % 2 ** 32), good("FPA", 1006))
        self.tap(got is not None and data(got) == b"twenty-byte-answer+ " and ether.is_summed(got), "and answers what it is asked", got)

    def message(self, made, what, value, before):
        made.send(ether.udp(struct.pack(">III", what, 5, value), port=12))
        return data(self.next(made, 10)) == struct.pack(">III", what, 5, before)

    def count(self, made):
        said = [self.message(made, *m) for m in ((1, 3, 0), (1, 4, 3), (4, 0, 7), (3, 7, 7), (2, 77, 0), (2, 78, 77), (3, 77, 77), (4, 0, 0))]
        self.tap(all(said), "a program's handler adds, locks and unlocks", said)

    def store(self, made):
        def said(question):
            got = self.ask(made, ether.udp(question, port=11), lambda f: UDP in f and f[UDP].sport == 11)
            by.append("handler" if got and not got[UDP].chksum else "process")  # a handler makes no sum of UDP's
            return data(got) if got else None
        by = []
        keys = [bytes((k,)) * 16 for k in range(1, 6)]
        values = [bytes((k + i) % 256 for i in range(64)) for k in range(1, 6)]
        self.tap(said(b"get " + keys[0]) == b"none", "GET of what is not there goes to the process")
        kept = [said(b"put " + k + v) for k, v in zip(keys, values)]
        self.tap(kept == [b"kept"] * 4 + [b"full"], "PUT goes to the process, a fifth key of one bucket finds no room", kept)
        found = [said(b"get " + k) for k in keys[:4]]
        self.tap(found == [b"get " + v for v in values[:4]], "GET is answered with what was PUT", found)
        self.tap(by == ["process"] * 6 + ["handler"] * 4, "GETs by the handler, all else by the process", by)

    def beat(self, made):
        def numbers(most):
            got = []
            while len(got) < most and (frame := self.next(made, 0.5 if got else 3)) is not None:
                got += struct.unpack(">I", data(frame)[:4]) if UDP in frame and frame[UDP].sport == 13 else ()
            return got
        made.send(ether.udp(struct.pack(">II", 5, 20), port=13))
        got = numbers(6)
        self.tap(got == [4, 3, 2, 1, 0], "a program's handler sends heartbeats by itself, and no more than it was asked for", got)

    def balance(self, made):
        seen, wrong = {}, []
        for port in range(5000, 5064):
            payload = struct.pack(">I", port) + b"to a server"
            got = self.ask(made, ether.udp(payload, 9, port, chksum=None), lambda f, p=payload: UDP in f and data(f) == p)
            if got is None:
                wrong.append(port)
                break
            to = got[IP].dst
            seen[to] = seen.get(to, 0) + 1
            if got[Ether].dst != SERVERS.get(to) or got[Ether].src != ether.GUEST_MAC or got[IP].src != ether.OUR_IP or \
                    not got[UDP].chksum or not ether.is_summed(got):
                wrong.append(got)
        self.tap(not wrong and set(seen) == set(SERVERS) and min(seen.values()) > 16, "frames are forwarded to two servers, whole", f"{seen} {wrong[:1]}")


def run(tap):
    talk = Talk(tap)
    script = "\n".join(f"handle {a} &" for a in APPLICATIONS) + "\nwait\n"
    made = machine.make_archive(["sh", "-c", script], env=machine.default_environment(None))
    with peer.wire(talk) as wire, machine.session(made, out=talk.said.extend, err=talk.said.extend, net=wire.netdev) as running:
        status = running.loop(None, 240, interrupted=lambda: 0 if talk.over.is_set() else None)
    tap(status == 0, "handlers of ordinary programs serve until the end", talk.said.decode(errors="replace"))
