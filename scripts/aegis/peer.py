# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the machine's wire: raw Ethernet frames over a datagram socket, which QEMU's `-netdev dgram` joins."""
import contextlib
import os
import socket
import struct
import tempfile
import threading
import time

GUEST_MAC, OUR_MAC = bytes.fromhex("525400123456"), bytes.fromhex("525400aabbcc")
GUEST_IP, OUR_IP = bytes((10, 0, 0, 2)), bytes((10, 0, 0, 1))


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(payload, protocol=17, *, source=OUR_IP, to=GUEST_IP, options=b"", ihl=None, length=None, flags=0):
    """A frame that carries an IPv4 packet; what is given wins over what is right."""
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack(">BBHHHBBH4s4s", 0x40 | ihl, 0, length, 0, flags, 64, protocol, 0, source, to) + options
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return GUEST_MAC + OUR_MAC + b"\x08\x00" + head + payload


def udp(payload, port=7, source=4000, **ip):
    return ipv4(struct.pack(">HHHH", source, port, 8 + len(payload), 0) + payload, **ip)


class Wire:
    """`netdev` is what QEMU's option says; `send` and `receive` are single frames."""

    def __init__(self, folder):
        self.ours, self.theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(self.ours)
        self.netdev = f"dgram,local.type=unix,local.path={self.theirs},remote.type=unix,remote.path={self.ours}"

    def send(self, frame):
        """False: QEMU is not there, or its socket is full."""
        try:
            self.socket.sendto(frame, socket.MSG_DONTWAIT, self.theirs)
        except (BlockingIOError, FileNotFoundError, ConnectionError, OSError):
            return False
        return True

    def receive(self, seconds):
        """The next frame, or None."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096)
        except (TimeoutError, OSError):
            return None


@contextlib.contextmanager
def wire(talk):
    """A wire, at whose other end `talk(wire, over)` runs in a thread until the block is left: then `over` is set."""
    with tempfile.TemporaryDirectory(prefix="aegis-wire-") as folder:
        made, over = Wire(folder), threading.Event()
        thread = threading.Thread(target=talk, args=(made, over), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            over.set()
            thread.join()
            made.socket.close()


def arp_answer(frame):
    """To whoever asks for our address: ours."""
    return frame[6:12] + OUR_MAC + b"\x08\x06" + frame[14:20] + b"\0\2" + OUR_MAC + OUR_IP + frame[22:32]


def dhcp_answer(frame):
    """To a machine that asks who it is: the guest, with a mask of 24 bits."""
    question = frame[42:]
    kind = {1: 2, 3: 5}.get(question[question.index(b"\x35\x01") + 2])  # discover: offer; request: acknowledged
    if not kind:
        return None
    options = bytes((53, 1, kind, 54, 4)) + OUR_IP + bytes((51, 4, 0, 1, 0, 0, 1, 4, 255, 255, 255, 0, 3, 4)) + OUR_IP + b"\6\4" + OUR_IP + b"\xff"
    body = b"\2\1\6\0" + question[4:8] + bytes(8) + GUEST_IP + OUR_IP + bytes(4) + question[28:34] + bytes(202) + b"\x63\x82\x53\x63" + options
    return udp(body, 68, 67, to=b"\xff" * 4)


def neighbour(made, frame):
    """Answers what a stack asks of its neighbours. False: it was something else."""
    answer = None
    if frame[12:14] == b"\x08\x06":
        answer = arp_answer(frame) if frame[20:22] == b"\0\1" and frame[38:42] == OUR_IP else None
    elif frame[12:14] == b"\x08\0" and frame[23] == 17 and frame[36:38] == b"\0\x43":
        answer = dhcp_answer(frame)
    elif frame[12:14] == b"\x08\0" and frame[23] == 17:
        return False
    if answer:
        made.send(answer)
    return True


def tcp(payload, port=80, source=4000, *, sequence=1000, acknowledged=1, flags=0x18, **ip):
    head = struct.pack(">HHIIBBHHH", source, port, sequence, acknowledged, 5 << 4, flags, 8192, 0, 0) + payload
    pseudo = OUR_IP + GUEST_IP + struct.pack(">HH", 6, len(head))
    return ipv4(head[:16] + struct.pack(">H", checksum(pseudo + head)) + head[18:], 6, **ip)


def ping(number=1, payload=bytes(56)):
    body = struct.pack(">BBHHH", 8, 0, 0, 77, number) + payload
    return ipv4(body[:2] + struct.pack(">H", checksum(body)) + body[4:], 1)


def saturate(flight, payload=64, port=7, frame=None):
    """Keeps `flight` UDP frames under way: half of them are sent at once when half have been answered, so that the machine and
    not its peer is what is waited for; what is lost is asked anew."""
    def talk(made, over):
        asked, answered = frame or udp(bytes(payload), port), flight  # payload: how many bytes, or which
        while not over.is_set():
            for _ in range(answered):
                made.send(asked)
            answered, got = 0, b""
            while answered < max(1, flight // 2) and (got := made.receive(0.3)) is not None:
                answered += not neighbour(made, got) or got[23] == asked[23] != 17
            if got is None:
                answered = flight  # the others are lost
    return talk


def lone(port=7):
    """One frame at a time, to a machine at rest: each says which it is, its own answer is waited for, and a moment after it, in which
    the machine idles again."""
    def talk(made, over):
        number = 0
        while not over.is_set():
            name = number.to_bytes(8, "big")
            made.send(udp(name + bytes(56), port))
            while (got := made.receive(0.3)) is not None:
                if neighbour(made, got) or got[42:50] != name:
                    continue
                number += 1
                time.sleep(0.0005)
                break
    return talk


def beats(count=250, milliseconds=1, port=7):
    """Asks apps/handlers/beat.c for heartbeats, and again behind the last one; or when none has come for long."""
    def talk(made, over):
        while not over.is_set():
            made.send(udp(struct.pack(">II", count, milliseconds), port))
            while (got := made.receive(2)) is not None:
                if not neighbour(made, got) and got[34:36] == struct.pack(">H", port) and got[42:46] == bytes(4):
                    break
    return talk


def pour(frame, burst=32, every=0.02):
    """Frames that nobody answers, so many at a time."""
    def talk(made, over):
        while not over.wait(every):
            for _ in range(burst):
                made.send(frame)
    return talk


def seldom(seconds):
    """Asks, and when it is answered waits before it asks again."""
    def talk(made, over):
        while not over.is_set():
            made.send(udp(bytes(64)))
            if made.receive(3) is not None:
                time.sleep(seconds)
    return talk
