#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""queues.py ECHO: a device with four pairs of queues, as QEMU has over a tap of the host's that was made for so many. Streams and datagrams of many
connections, by lwIP and by a handler, come back whole, and each pair has its part of them; also behind a reset (resets.py). To be run in a network
namespace of its own; status 77: there can be no such tap here."""
import concurrent.futures
import random
import socket
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "network"))
import offload  # noqa: E402
from aegis import ether, machine, paths, proc  # noqa: E402

import gdb  # noqa: E402
import resets  # noqa: E402
from nonsense import QUEUE  # noqa: E402

PAIRS = 4
NETDEV = offload.NETDEV + f",queues={PAIRS}"
HANDLER = 9  # its port


def pairs_used(port):
    """For each pair what the device has said in its rings: frames received, frames sent."""
    at = {w[2]: int(w[0], 16) for line in proc.run([paths.TOOL + "nm", paths.KERNEL], capture=True)[1].splitlines() if len(w := line.split()) == 3}
    stopped = gdb.Gdb(port)
    next(stopped.stops(at["virtio_take"]))
    counts = []
    for n in range(2 * PAIRS):
        used = struct.unpack("<Q", stopped.read(at["queues"] + n * QUEUE + 16, 8))[0]
        counts.append(struct.unpack("<H", stopped.read(used + 2, 2))[0])
    stopped.send("D")
    return list(zip(counts[::2], counts[1::2]))


def handled(data):
    return offload.echoed(HANDLER, data, tries=5, seconds=2)


def talk(data):
    with concurrent.futures.ThreadPoolExecutor(8) as many:
        each = [many.submit(offload.stream, address, data[n << 15:]) for n in range(12) for address in (ether.GUEST_IP, offload.LINK)]
        streams = [one.result() for one in each]
        datagrams = [one.result() for one in [many.submit(offload.datagrams, ether.GUEST_IP, data[n:]) for n in range(24)]]
        answers = [one.result() for one in [many.submit(handled, data[n:n + 64 + 20 * n]) for n in range(64)]]
    offload.tell("streams_of_several_queues", all(streams), streams)
    offload.tell("datagrams_of_several_queues", all(datagrams), datagrams)
    offload.tell("handlers_answer_by_several_queues", all(answers), answers)


def main():
    offload.tap_make("vnet_hdr multi_queue")
    threading.Thread(target=offload.lend_addresses, daemon=True).start()
    out, ready, over, port = bytearray(), threading.Event(), threading.Event(), machine.free_port()

    def take(part):
        out.extend(part)
        if b"serving" in out:
            ready.set()

    def run():
        made = machine.make_archive(["sh", "-c", f"handle echo {HANDLER} & exec /srv/echo"], put=[(sys.argv[1], "/srv/echo")],
                                    env=machine.default_environment(None))
        with machine.session(made, out=take, err=take, net=NETDEV, harts=2, options=gdb.options(port)) as running:
            running.loop(None, 120, interrupted=lambda: 99 if over.is_set() else None)
        ready.set()
    thread = threading.Thread(target=run)
    thread.start()
    gdb.Gdb(port).send("D")
    ready.wait(60)
    try:
        talk(random.Random(4).randbytes(1 << 20))
        used = pairs_used(port)
        offload.tell("each_pair_of_queues_has_its_part", len(used) == PAIRS and all(come and gone for come, gone in used), used)
    except OSError as error:
        offload.tell("several_queues", False, (error, bytes(out[-500:])))
    over.set()
    thread.join()
    for pairs in (2, 4):
        resets.run(pairs)


if __name__ == "__main__":
    main()
