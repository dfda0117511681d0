# SPDX-License-Identifier: BSD-2-Clause
"""A device that lies: what QEMU's virtio-net has put into the ring of used buffers is changed, by gdb's protocol, before the driver reads it."""
import socket
import struct
import time

from aegis import paths, proc

TIMES = 40  # entries that are changed
# Numbers of no buffer, lengths of no frame.
LIES = ({"id": 0xffff}, {"length": 0xffffffff}, {"id": 256}, {"length": 0}, {"id": 0xffffffff}, {"length": 23}, {"id": 0x80000001}, {"length": 4000})


class Gdb:
    """Of gdb's remote protocol as much as is needed."""

    def __init__(self, port):
        for _ in range(200):
            try:
                self.line = socket.create_connection(("127.0.0.1", port), timeout=100)
                break
            except OSError:
                time.sleep(0.1)
        self.rest = b""

    def send(self, text):
        self.line.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) % 256))

    def receive(self):
        while b"#" not in self.rest or len(self.rest) < self.rest.index(b"#") + 3:
            if not (part := self.line.recv(4096)):
                raise ConnectionError("QEMU is gone")
            self.rest += part
        end = self.rest.index(b"#")
        answer, self.rest = self.rest[self.rest.index(b"$") + 1:end], self.rest[end + 3:]
        self.line.sendall(b"+")
        return answer.decode()

    def ask(self, text):
        self.send(text)
        return self.receive()

    def read(self, at, size):
        return bytes.fromhex(self.ask(f"m{at:x},{size:x}"))

    def write(self, at, data):
        self.ask(f"M{at:x},{len(data):x}:{data.hex()}")


def symbols():
    """Where the driver takes frames in, and its queue: that behind `rx_out`, which no other driver has."""
    lines = [line.split() for line in proc.run([paths.TOOL + "nm", "-n", paths.KERNEL], capture=True)[1].splitlines()]
    out = next(int(w[0], 16) for w in lines if w[-1] == "rx_out")
    return next(int(w[0], 16) for w in lines if w[-1] == "take"), next(int(w[0], 16) for w in lines if w[-1] == "rx" and int(w[0], 16) > out)


def lie(port):
    """How many lies were told. Each is about the oldest entry that the driver has not read."""
    take, rx = symbols()
    gdb, told = Gdb(port), 0
    gdb.ask(f"Z0,{take:x},2")
    while told < TIMES:
        gdb.send("c")
        if not gdb.receive().startswith("T05"):
            break
        used, _, size, _, index = struct.unpack("<QHHHH", gdb.read(rx + 16, 16))
        if struct.unpack("<H", gdb.read(used + 2, 2))[0] != index:
            at, what = used + 4 + index % size * 8, LIES[told % len(LIES)]
            gdb.write(at + (4 if "length" in what else 0), struct.pack("<I", *what.values()))
            told += 1
        gdb.ask(f"z0,{take:x},2")  # it would stop at the same place again
        gdb.ask("s")
        gdb.ask(f"Z0,{take:x},2")
    gdb.ask(f"z0,{take:x},2")
    gdb.send("D")
    return told


def options(port):
    return ["-S", "-gdb", f"tcp:127.0.0.1:{port}"]
