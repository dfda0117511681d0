# SPDX-License-Identifier: BSD-2-Clause
"""gdb's remote protocol, as much of it as is needed to look at a machine, and to lie to it."""
import socket
import struct
import time


class Gdb:
    """Of gdb's remote protocol as much as is needed."""

    def __init__(self, port):
        for _ in range(200):
            try:
                self.line = socket.create_connection(("127.0.0.1", port), timeout=100)
                self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        """What is answered. That the machine has stopped, said once more, is no answer."""
        self.send(text)
        while (answer := self.receive()).startswith("T"):
            pass
        return answer

    def go(self, how):
        """Runs, or makes a step; whether it has stopped, and not ended."""
        self.send(how)
        while (answer := self.receive())[:1] not in ("T", "W", "X"):
            pass
        return answer.startswith("T")

    def monitor(self, command):
        """What QEMU's monitor answers."""
        self.send("qRcmd," + command.encode().hex())
        text = b""
        while (answer := self.receive()) != "OK":
            text += bytes.fromhex(answer[1:]) if answer.startswith("O") else b""
        return text.decode(errors="replace")

    def stops(self, *places):
        """Runs to one of the places, again and again, until the machine ends; yields where it is. Now and then QEMU stops twice at once: who is
        told sees where it is."""
        for at in places:
            self.ask(f"Z0,{at:x},2")
        while self.go("c"):
            yield (at := self.pc())
            if at in places:  # it would stop at the same place again
                self.ask(f"z0,{at:x},2")
                self.go("s")
                self.ask(f"Z0,{at:x},2")

    def pc(self):
        return struct.unpack("<Q", bytes.fromhex(self.ask("p20")))[0]

    def read(self, at, size):
        return bytes.fromhex(self.ask(f"m{at:x},{size:x}"))

    def write(self, at, data):
        self.ask(f"M{at:x},{len(data):x}:{data.hex()}")


def options(port):
    """QEMU's: it waits for one that connects."""
    return ["-S", "-gdb", f"tcp:127.0.0.1:{port}"]
