# SPDX-License-Identifier: BSD-2-Clause
"""A device that lies: what QEMU's virtio-net has put into the ring of used buffers is changed, by gdb's protocol, before the driver reads it."""
import struct

from aegis import paths, proc

from gdb import Gdb

TIMES = 40  # entries of what came that are changed
SENT = 21   # of what was sent: the driver looks at these once for all that it sends at a time
# Numbers of no buffer, lengths of no frame.
LIES = ({"id": 0xffff}, {"length": 0xffffffff}, {"id": 256}, {"length": 0}, {"id": 0xffffffff}, {"length": 23}, {"id": 0x80000001}, {"length": 4000})


class Driver:
    """The kernel's variables of virtio-net: in `struct virtio`."""

    def __init__(self):
        lines = [line.split() for line in proc.run([paths.TOOL + "nm", paths.KERNEL], capture=True)[1].splitlines()]
        at = {w[2]: int(w[0], 16) for w in lines if len(w) == 3}
        self.take, self.complete = at["virtio_take"], at["virtio_lane_complete"]
        self.rx = at["virtio"] + 16
        self.tx = self.rx + QUEUE
        self.tx_first, self.tx_next = self.tx + 56, self.tx + 64


QUEUE = 72  # bytes of a queue
USED_INDEX = 16 + 14  # in a queue


def ring(gdb, queue):
    """Of a queue: the used ring, its size, up to where the driver has read it, and up to where the device has written."""
    used, _, size, _, index = struct.unpack("<QHHHH", gdb.read(queue + 16, 16))
    return used, size, index, struct.unpack("<H", gdb.read(used + 2, 2))[0]


def lie_received(gdb, driver):
    """How many lies were told. Each is about the oldest entry that the driver has not read."""
    told, last = 0, None
    for _ in gdb.stops(driver.take):
        used, size, index, end = ring(gdb, driver.rx)
        if end != index != last:
            last = index
            at, what = used + 4 + index % size * 8, LIES[told % len(LIES)]
            gdb.write(at + (4 if "length" in what else 0), struct.pack("<I", *what.values()))
            told += 1
        if told == TIMES:
            break
    gdb.ask(f"z0,{driver.take:x},2")
    return told


def sent_lie(gdb, driver, now, told):
    """What is said instead of an entry: that numbers of no descriptor were sent, one that nobody sent, one twice. None: not now."""
    used, size, index, end = now
    first, after = (struct.unpack("<Q", gdb.read(a, 8))[0] for a in (driver.tx_first, driver.tx_next))
    twice = struct.unpack("<I", gdb.read(used + 4 + (end - 2) % size * 8, 4))[0] if (end - index) % 65536 > 1 else None
    never = after % size if after - first < size else None
    ident = (0xffff, 0xffffffff, twice, size, never, 0x80000001, twice)[told % 7]
    return None if ident is None else struct.pack("<II", ident, 0xffffffff)


def lie_sent(gdb, driver):
    """The same of frames that were sent: an entry more than there are, each time, in the place of the last one; the next time the driver
    looks the true one stands in the place of the one that it has read last, and that it has is taken back."""
    told, truth, last = 0, None, None
    for _ in gdb.stops(driver.complete):
        used, size, index, end = now = ring(gdb, driver.tx)
        if truth and index == last:
            continue
        if truth:
            gdb.write(used + 4 + (index - 1) % size * 8, truth)
            gdb.write(driver.tx + USED_INDEX, struct.pack("<H", (index - 1) % 65536))
            truth, told = None, told + 1
        elif end != index:
            at = used + 4 + (end - 1) % size * 8
            entry = gdb.read(at, 8)
            if said := sent_lie(gdb, driver, now, told):
                gdb.write(at, said)
                truth, last = entry, index
        if told == SENT:
            break
    gdb.ask(f"z0,{driver.complete:x},2")
    return told


def lie(port):
    """How many were told of frames that came, and of frames that were sent."""
    gdb, driver = Gdb(port), Driver()
    told = lie_received(gdb, driver), lie_sent(gdb, driver)
    gdb.send("D")
    return told

