# SPDX-License-Identifier: BSD-2-Clause
"""Names: a server on the wire that answers, says that there is none, lies, or is silent; tests/net/names.c asks."""
import struct
import threading

from aegis import peer

FOUR, SIX = bytes((192, 0, 2, 7)), bytes.fromhex("20010db8") + bytes(11) + b"\7"


def record(kind, data, name=b"\xc0\x0c", size=None):
    return name + struct.pack(">HHIH", kind, 1, 60, len(data) if size is None else size) + data


def answer(question, records, ident=None, code=0, flags=0x81):
    return (question[:2] if ident is None else ident) + bytes((flags, 0x80 | code)) + struct.pack(">HHHH", 1, len(records), 0, 0) \
        + question[12:] + b"".join(records)


def answers(question):
    """What comes of a question, in order."""
    end = question.index(0, 12)
    name, kind = question[12:end], struct.unpack(">H", question[end + 1:end + 3])[0]
    right = record(kind, FOUR if kind == 1 else SIX)
    if name == b"\3one\4test":
        return [answer(question, [right])]
    if name == b"\5alias\4test":
        return [answer(question, [record(5, b"\3one\xc0\x12"), record(kind, FOUR if kind == 1 else SIX, b"\xc0\x28")])]
    if name == b"\4four\4test":
        return [answer(question, [right] if kind == 1 else [])]
    if name == b"\4liar\4test":
        other = bytes(question[:12] + b"\3two\4test\0" + question[-4:])
        wrong = record(kind, (FOUR if kind == 1 else SIX)[::-1])
        return [answer(question, [wrong], ident=bytes((question[0] ^ 1, question[1]))), answer(other, [wrong]), question, question[:5], b"",
                answer(question, [wrong], flags=1), answer(question, [right])]
    if name == b"\6broken\4test":
        return [answer(question, [record(kind, b"\1\2", size=60000)])]
    if name == b"\4loop\4test":
        return [answer(question, [record(kind, b"\xc0\x0c\xc0", name=b"\x3fa" * 3)])]
    return [answer(question, [], code=3)] if name == b"\4none\4test" else []


def run(tap, start, wire):
    machine = start(["one.test", "alias.test", "four.test", "liar.test", "broken.test", "loop.test", "none.test", "silent.test", "one.test.",
                     "x" * 64 + ".test", "a..test", "192.0.2.9", "localhost", "-one.test", "-liar.test", "-none.test", "-192.0.2.9", "-localhost"])
    over = threading.Event()

    def serve():
        while not over.is_set():
            frame = wire.receive(0.2)
            if frame and not peer.neighbour(wire, frame) and frame[36:38] == b"\0\x35":
                question = frame[42:42 + struct.unpack(">H", frame[38:40])[0] - 8]
                for data in answers(question):
                    wire.send(peer.udp(data, port=struct.unpack(">H", frame[34:36])[0], source=53))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        machine.join(60)
        said = dict(line.partition(" ")[::2] for line in machine.result[1].decode(errors="replace").splitlines()) if machine.result else {}
        both, six = "2001:db8::7 192.0.2.7", "192.0.2.7"
        tap("done" in said and said["one.test"] == said["one.test."] == both, "names_are_found", str(said))
        tap(said.get("alias.test") == both and said.get("four.test") == six, "names_with_another_name", str(said))
        tap(said.get("liar.test") == both, "names_whose_answers_are_somebody_elses", str(said))
        tap(said.get("broken.test") == said.get("loop.test") == "none", "names_whose_answers_are_broken", str(said))
        tap(said.get("none.test") == said.get("a..test") == said.get("x" * 64 + ".test") == "none" and said.get("silent.test") == "again",
            "names_that_are_none_and_no_server", str(said))
        tap([said.get("-" + n) for n in ("one.test", "liar.test", "none.test", "192.0.2.9", "localhost")] == [six, six, "none", "192.0.2.9", "127.0.0.1"],
            "names_by_gethostbyname", str(said))
        tap(said.get("192.0.2.9") == "192.0.2.9" and said.get("localhost") == "127.0.0.1", "names_that_nobody_asks_for", str(said))
    finally:
        over.set()
        thread.join()
        machine.stop()
