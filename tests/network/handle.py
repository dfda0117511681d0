# SPDX-License-Identifier: BSD-2-Clause
"""apps/handle, an ordinary program: all its applications at once, and at the wire's other end who asks them."""
import struct
import threading

from aegis import machine, peer

APPLICATIONS = ("echo 7", "ping", "tcp 80 twenty-byte-answer+", "count 12", "kv 11", "beat 13", "balance 9 10.0.0.11 10.0.0.12")
SERVERS = {bytes((10, 0, 0, 11)): bytes.fromhex("02000000000b"), bytes((10, 0, 0, 12)): bytes.fromhex("02000000000c")}
SYN, ACK, PSH, FIN = 2, 16, 8, 1


def answer(frame):
    """Of the servers and the neighbour, to what the machine's stack asks. None: it was something else."""
    if frame[12:14] == b"\x08\x06" and frame[38:42] in SERVERS:
        mac = SERVERS[frame[38:42]]
        return frame[6:12] + mac + b"\x08\x06" + frame[14:20] + b"\0\2" + mac + frame[38:42] + frame[22:32]
    return None


class Talk:
    def __init__(self, tap):
        self.tap, self.said, self.over = tap, bytearray(), threading.Event()

    def next(self, made, seconds=0.3):
        """The next frame that is nobody's question."""
        while (frame := made.receive(seconds)) is not None:
            if frame[12:14] == b"\x86\xdd":
                continue
            if (said := answer(frame)) is not None:
                made.send(said)
            elif frame[12:14] == b"\x08\0" and frame[23] != 17 or not peer.neighbour(made, frame):
                return frame
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
        got = self.ask(made, peer.udp(b"to be echoed"), lambda f: f[42:54] == b"to be echoed" and f[26:30] == peer.GUEST_IP)
        self.tap(got is not None, "a program's handler echoes")

    def ping(self, made):
        asked = peer.ping()
        got = self.ask(made, asked, lambda f: f[23] == 1 and f[34] == 0 and f[38:] == asked[38:] and peer.checksum(f[34:]) == 0)
        self.tap(got is not None, "a program's handler answers ping")

    def tcp(self, made):
        def good(flags, acknowledged):
            return lambda f: f[23] == 6 and f[47] == flags and f[42:46] == struct.pack(">I", acknowledged)
        got = self.ask(made, peer.tcp(b"", acknowledged=0, flags=SYN), good(SYN | ACK, 1001))
        self.tap(got is not None, "a program's handler takes a connection")
        if got:
            ours = (struct.unpack(">I", got[38:42])[0] + 1) & 0xffffffff
            got = self.ask(made, peer.tcp(b"GET /", sequence=1001, acknowledged=ours), good(ACK | PSH | FIN, 1006))
        pseudo = peer.GUEST_IP + peer.OUR_IP + struct.pack(">HH", 6, len(got) - 34) if got else b""
        self.tap(got is not None and got[54:] == b"twenty-byte-answer+ " and peer.checksum(pseudo + got[34:]) == 0, "and answers what it is asked", got)

    def message(self, made, what, value, before):
        good = lambda f: f[42:46] == struct.pack(">I", what) and f[50:54] == struct.pack(">I", before)  # noqa: E731
        made.send(peer.udp(struct.pack(">III", what, 5, value), port=12))
        got = self.next(made, 10)
        return got is not None and good(got)

    def count(self, made):
        said = [self.message(made, *m) for m in ((1, 3, 0), (1, 4, 3), (4, 0, 7), (3, 7, 7), (2, 77, 0), (2, 78, 77), (3, 77, 77), (4, 0, 0))]
        self.tap(all(said), "a program's handler adds, locks and unlocks", said)

    def store(self, made):
        def said(question):
            got = self.ask(made, peer.udp(question, port=11), lambda f: f[34:36] == b"\0\x0b")
            by.append("handler" if got and got[40:42] == b"\0\0" else "process")  # a handler makes no sum of UDP's
            return got[42:42 + struct.unpack(">H", got[38:40])[0] - 8] if got else None
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
                got += [struct.unpack(">I", frame[42:46])[0]] if frame[34:36] == b"\0\x0d" else []
            return got
        made.send(peer.udp(struct.pack(">II", 5, 20), port=13))
        got = numbers(6)
        self.tap(got == [4, 3, 2, 1, 0], "a program's handler sends heartbeats by itself, and no more than it was asked for", got)

    def balance(self, made):
        seen, wrong = {}, []
        for port in range(5000, 5064):
            payload = struct.pack(">I", port) + b"to a server"
            pseudo = peer.OUR_IP + peer.GUEST_IP + struct.pack(">HHHHHH", 17, 8 + len(payload), port, 9, 8 + len(payload), 0) + payload
            whole = struct.pack(">HHHH", port, 9, 8 + len(payload), peer.checksum(pseudo)) + payload
            got = self.ask(made, peer.ipv4(whole), lambda f, p=payload: f[42:42 + len(p)] == p)
            if got is None:
                wrong.append(port)
                break
            to = got[30:34]
            sums = peer.checksum(got[14:34]), peer.checksum(got[26:34] + struct.pack(">HH", 17, 8 + len(payload)) + got[34:42 + len(payload)])
            seen[to] = seen.get(to, 0) + 1
            if got[:6] != SERVERS.get(to) or got[6:12] != peer.GUEST_MAC or got[26:30] != peer.OUR_IP or any(sums):
                wrong.append(got)
        self.tap(not wrong and set(seen) == set(SERVERS) and min(seen.values()) > 16, "frames are forwarded to two servers, whole", f"{seen} {wrong[:1]}")


def run(tap):
    talk = Talk(tap)
    script = "\n".join(f"handle {a} &" for a in APPLICATIONS) + "\nwait\n"
    made = machine.make_archive(["sh", "-c", script], env=machine.default_environment(None))
    with peer.wire(talk) as wire, machine.session(made, out=talk.said.extend, err=talk.said.extend, net=wire.netdev) as running:
        status = running.loop(None, 240, interrupted=lambda: 0 if talk.over.is_set() else None)
    tap(status == 0, "handlers of ordinary programs serve until the end", talk.said.decode(errors="replace"))
