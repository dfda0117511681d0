# SPDX-License-Identifier: BSD-2-Clause
"""Forwarded ports at ::1 too. QEMU's user network listens by IPv4 only (its hostfwd takes no IPv6 address), but `localhost` is ::1 for many a
client, and for datagrams none tries a second address: so what comes to ::1 is handed on to 127.0.0.1."""
import asyncio
import contextlib
import socket
import threading

SILENT = 60  # seconds after which a peer of datagrams is forgotten
LARGEST = 1 << 16


async def pump(reader, writer):
    """One direction, with its end; where one side breaks off the other's ends too."""
    try:
        while data := await reader.read(LARGEST):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def stream(port, reader, writer):
    try:
        there, back = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(reader, back), pump(there, writer))
    for w in (writer, back):
        w.close()


class Answers(asyncio.DatagramProtocol):
    """What comes back for one peer."""

    def __init__(self, front, peer):
        self.front, self.peer = front, peer

    def datagram_received(self, data, _):
        self.front.transport.sendto(data, self.peer)


class Front(asyncio.DatagramProtocol):
    """A port at ::1. Each peer has a socket of its own behind it."""

    def __init__(self, port):
        self.port, self.peers, self.heard, self.waiting = port, {}, {}, set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        task = asyncio.get_running_loop().create_task(self.hand_on(data, peer))
        self.waiting.add(task)
        task.add_done_callback(self.waiting.discard)

    async def hand_on(self, data, peer):
        loop = asyncio.get_running_loop()
        self.heard[peer] = loop.time()
        if peer not in self.peers:
            self.peers[peer] = loop.create_task(loop.create_datagram_endpoint(lambda: Answers(self, peer), remote_addr=("127.0.0.1", self.port)))
            loop.call_later(SILENT, self.forget, peer)
        (await self.peers[peer])[0].sendto(data)

    def forget(self, peer):
        loop = asyncio.get_running_loop()
        if loop.time() - self.heard[peer] < SILENT:
            loop.call_later(SILENT, self.forget, peer)
            return
        del self.heard[peer]
        made = self.peers.pop(peer)
        if made.done() and not made.exception():
            made.result()[0].close()


async def listen(kind, port):
    """A place that another has, or a host without IPv6, is left alone."""
    with contextlib.suppress(OSError):
        if kind == "tcp":
            await asyncio.start_server(lambda r, w: stream(port, r, w), "::1", port)
        else:
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: Front(port), local_addr=("::1", port))


def start(forwards):
    """forwards: [(tcp or udp, the host's port)]. It ends with the process."""
    if not forwards or not socket.has_ipv6:
        return

    async def serve():
        for kind, port in forwards:
            await listen(kind, port)
        ready.set()
        await asyncio.Event().wait()
    ready = threading.Event()
    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    ready.wait(5)
