# SPDX-License-Identifier: BSD-2-Clause
"""A device with several pairs of queues, over a tap, that has come to need a reset: a descriptor in one of its queues for sending is
changed to nonsense, so QEMU gives the device up (DEVICE_NEEDS_RESET). tests/machine/network_queues.c is the machine; behind the reset each
pair is used, and all pages of frames are where they were."""
import socket
import struct
import subprocess
import threading

import guests
import offload
from aegis import ether, machine, paths, proc

import gdb
from nonsense import QUEUE

SOURCES = [guests.HERE / f"{name}.c" for name in ("network_queues", "packets")]
PORT, SOCKETS, FLOWS = 9000, 4, 24  # the machine's ports; how many ask each of them
SPARES, PAGES = 0x68, 256  # in `struct network`: how many pages of frames are spare, and behind it each; of all
DESC_WRITE = 2


def symbols():
    lines = [line.split() for line in proc.run([paths.TOOL + "nm", paths.KERNEL], capture=True)[1].splitlines()]
    return {w[2]: int(w[0], 16) for w in lines if len(w) == 3}


def asked(number, data):
    return offload.echoed(PORT + number, data, tries=30, seconds=1)


def told(byte):
    """The machine goes on to what comes next."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(bytes((byte,)) * 20, (ether.GUEST_IP, PORT))


def queues_seen(stopped, at, pairs):
    """Of each pair how many frames the device has said that it received, and sent; and the pages of frames that are somewhere."""
    spares = struct.unpack("<I", stopped.read(at["network"] + SPARES, 4))[0]
    used, pages = [], list(struct.unpack(f"<{spares}Q", stopped.read(at["network"] + SPARES + 8, 8 * spares)))
    for n in range(2 * pairs):
        ring, _, size, _, _, frames, sent = struct.unpack("<QHHHHQQ", stopped.read(at["queues"] + n * QUEUE + 16, 32))
        used.append(struct.unpack("<H", stopped.read(ring + 2, 2))[0])
        under_way = stopped.read(sent, size) if n % 2 else bytes(size)
        frame = struct.unpack(f"<{size}Q", stopped.read(frames, 8 * size))
        pages += [frame[i] for i in range(size) if frame[i] and (n % 2 == 0 or under_way[i] % 128)]
    return list(zip(used[::2], used[1::2])), pages


def spoil(stopped, at):
    """Of the next frame that is to be sent the first descriptor becomes one that the device is to write, and the only one."""
    for _ in stopped.stops(at["virtio_notify"]):
        queue = struct.unpack("<Q", bytes.fromhex(stopped.ask("pa")))[0]
        descriptors, avail, number, size, index = struct.unpack("<QQ8xHHH", stopped.read(queue, 30))
        if number % 2:
            first = struct.unpack("<H", stopped.read(avail + 4 + (index - 1) % size * 2, 2))[0]
            stopped.write(descriptors + first * 16 + 12, struct.pack("<H", DESC_WRITE))
            break
    stopped.ask(f"z0,{at['virtio_notify']:x},2")


def stop(port, at):
    """Where nothing is under way: in front of what comes next, to nobody."""
    stopped = gdb.Gdb(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"to nobody", (ether.GUEST_IP, PORT - 1))
    next(stopped.stops(at["virtio_take"]))
    stopped.ask(f"z0,{at['virtio_take']:x},2")
    return stopped


def talk(pairs, port):
    at = symbols()
    for when, byte in (("before_a_reset", 1), ("behind_a_reset", 2)):
        lost = next(((n, flow) for flow in range(FLOWS) for n in range(SOCKETS) if not asked(n, b"%d by " % flow + bytes(range(32, 200)) * (flow % 8))), None)
        stopped = stop(port, at)
        used, pages = queues_seen(stopped, at, pairs)
        offload.tell(f"pairs_of_queues_answer_{when}_{pairs}", lost is None and all(come and gone for come, gone in used), (lost, used))
        offload.tell(f"pairs_of_queues_have_all_pages_{when}_{pairs}", len(set(pages)) == len(pages) == PAGES, (len(set(pages)), len(pages)))
        told(byte)
        if byte == 1:
            spoil(stopped, at)
        stopped.send("D")
        stopped.line.close()  # QEMU takes one at a time


def run(pairs):
    subprocess.run(["ip", "neigh", "replace", ether.GUEST_IP, "lladdr", ether.GUEST_MAC, "dev", offload.TAP], check=True)
    elf, port = guests.build("network-queues", SOURCES), machine.free_port()

    def boot():
        guests.boot(elf, f"{pairs} pairs", harts=2, memory=64, net=f"{offload.NETDEV},queues={pairs}", options=gdb.options(port))
    thread = threading.Thread(target=boot)
    thread.start()
    gdb.Gdb(port).send("D")
    try:
        talk(pairs, port)
    except OSError as error:
        offload.tell(f"{pairs}_pairs_of_queues", False, error)
    thread.join()
