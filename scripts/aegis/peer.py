# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the machine's wire: raw Ethernet frames (ether.py) over a datagram socket, which QEMU's `-netdev dgram` joins."""
import contextlib
import os
import socket
import tempfile
import threading
import time


def frames():
    """ether.py, with scapy: imported when the first frame is to be made."""
    from . import ether
    return ether


class Wire:
    """`netdev` is what QEMU's option says; `send` and `receive` are single frames."""

    def __init__(self, folder):
        self.ours, self.theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(self.ours)
        self.netdev = f"dgram,local.type=unix,local.path={self.theirs},remote.type=unix,remote.path={self.ours}"

    def send(self, frame):
        """Bytes, or what aegis/ether.py made. False: QEMU is not there, or its socket is full."""
        try:
            self.socket.sendto(bytes(frame), socket.MSG_DONTWAIT, self.theirs)
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


# What drives figures: frames are made before it starts, then bytes are compared, since a look by scapy takes a millisecond.

def answers(got, asked):
    """Whether it is of the protocol of what was asked, and for one station: so it is no question of a stack's."""
    return got[12:14] == asked[12:14] and got[23:24] == asked[23:24] and not got[0] & 1


def saturate(flight, frame):
    """Keeps `flight` frames under way: half of them are sent at once when half have been answered, so that the machine and
    not its peer is what is waited for; what is lost is asked anew."""
    asked = bytes(frame)

    def talk(made, over):
        answered = flight
        while not over.is_set():
            for _ in range(answered):
                made.send(asked)
            answered, got = 0, b""
            while answered < max(1, flight // 2) and (got := made.receive(0.3)) is not None:
                if answers(got, asked):
                    answered += 1
                else:
                    frames().neighbour(made, got)
            if got is None:
                answered = flight  # the others are lost
    return talk


def lone():
    """One datagram at a time, to a machine at rest: each says which it is, its own answer is waited for, and a moment after it, in which
    the machine idles again."""
    asked, at = bytes(frames().udp(bytes(64))), -64

    def talk(made, over):
        number = 0
        while not over.is_set():
            name = number.to_bytes(8, "big")
            made.send(asked[:at] + name + asked[at + 8:])
            while (got := made.receive(0.3)) is not None:
                if not answers(got, asked):
                    frames().neighbour(made, got)
                elif got[len(asked) + at:][:8] == name:
                    number += 1
                    time.sleep(0.0005)
                    break
    return talk


def beats(count=250, milliseconds=1, port=7):
    """Asks apps/handlers/beat.c for heartbeats, and again behind the last one; or when none has come for long."""
    asked = bytes(frames().udp(count.to_bytes(4, "big") + milliseconds.to_bytes(4, "big"), port))
    last = len(asked) - 8

    def talk(made, over):
        while not over.is_set():
            made.send(asked)
            while (got := made.receive(2)) is not None:
                if not answers(got, asked):
                    frames().neighbour(made, got)
                elif got[34:36] == asked[36:38] and got[last:last + 4] == bytes(4):
                    break
    return talk


def pour(frame, burst=32, every=0.02):
    """Frames that nobody answers, so many at a time."""
    asked = bytes(frame)

    def talk(made, over):
        while not over.wait(every):
            for _ in range(burst):
                made.send(asked)
    return talk


def seldom(seconds, frame):
    """Asks, and when it is answered waits before it asks again."""
    asked = bytes(frame)

    def talk(made, over):
        while not over.is_set():
            made.send(asked)
            if made.receive(3) is not None:
                time.sleep(seconds)
    return talk
