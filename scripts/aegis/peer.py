# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the machine's wire: raw Ethernet frames over a datagram socket, which QEMU's `-netdev dgram` joins."""
import contextlib
import os
import socket
import struct
import tempfile
import threading

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


def saturate(flight, payload=64, port=7):
    """Keeps `flight` UDP frames under way: half of them are sent at once when half have been answered, so that the machine and
    not its peer is what is waited for; what is lost is asked anew."""
    def talk(made, over):
        frame, answered = udp(bytes(payload), port), flight  # payload: how many bytes, or which
        while not over.is_set():
            for _ in range(answered):
                made.send(frame)
            answered = 0
            while answered < max(1, flight // 2) and made.receive(0.3) is not None:
                answered += 1
            answered = answered or flight
    return talk
