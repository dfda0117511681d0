# SPDX-License-Identifier: BSD-2-Clause
import socket
import struct
import threading
import unittest

import support  # noqa: F401
from aegis import relay


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "no IPv6 here")
class Relay(unittest.TestCase):
    """What comes to ::1 comes to 127.0.0.1."""

    def listen(self, kind):
        s = socket.socket(socket.AF_INET, kind)
        self.addCleanup(s.close)
        s.settimeout(10)
        s.bind(("127.0.0.1", 0))
        relay.start([("tcp" if kind == socket.SOCK_STREAM else "udp", s.getsockname()[1])])
        return s, ("::1", s.getsockname()[1])

    def connection(self):
        s, name = self.listen(socket.SOCK_STREAM)
        s.listen()
        ours = socket.create_connection(name, timeout=10)
        theirs = s.accept()[0]
        theirs.settimeout(10)
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        return ours, theirs

    def everything(self, s):
        return b"".join(iter(lambda: s.recv(1 << 16), b""))

    def test_a_stream_each_way_with_its_end(self):
        ours, theirs = self.connection()
        data = bytes(range(256)) * 8192
        threading.Thread(target=lambda: (ours.sendall(data), ours.shutdown(socket.SHUT_WR))).start()
        self.assertEqual(self.everything(theirs), data)
        threading.Thread(target=lambda: (theirs.sendall(data[::-1]), theirs.close())).start()
        self.assertEqual(self.everything(ours), data[::-1])

    def test_who_breaks_off_ends_the_other(self):
        ours, theirs = self.connection()
        ours.sendall(b"x")
        self.assertEqual(theirs.recv(1), b"x")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ours.close()
        self.assertEqual(theirs.recv(1), b"")

    def test_datagrams_find_their_way_back(self):
        s, name = self.listen(socket.SOCK_DGRAM)
        ours = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(3)]
        for i, o in enumerate(ours):
            self.addCleanup(o.close)
            o.settimeout(10)
            o.sendto(b"%d" % i, name)
        asked = [s.recvfrom(100) for _ in ours]
        for text, peer in asked:
            s.sendto(b"to " + text, peer)
        self.assertEqual([o.recv(100) for o in ours], [b"to 0", b"to 1", b"to 2"])

    def test_a_port_that_another_has_is_left_alone(self):
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
            s.listen()
            relay.start([("tcp", s.getsockname()[1])])
            with socket.create_connection(s.getsockname()[:2], timeout=10):
                s.accept()[0].close()


if __name__ == "__main__":
    unittest.main()
