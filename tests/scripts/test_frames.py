# SPDX-License-Identifier: BSD-2-Clause
import random
import unittest

import support  # noqa: F401
from aegis import frames
from aegis.frames import Data, File, Line

STREAM = (b"firmware\n\x101hello \x10\x10!\n\x102oops\n\x103ready\nget 100644 4 /a b\nx\x10\x10\n\x100log\x103yexit 3\n\x100bye\n")


def joined(events):
    """Neighbouring pieces of one channel are one: how a stream is cut must not show."""
    out = []
    for event in events:
        if isinstance(event, Data) and out and isinstance(out[-1], Data) and out[-1].channel == event.channel:
            out[-1] = Data(event.channel, out[-1].bytes + event.bytes)
        else:
            out.append(event)
    return out


WHOLE = [Data("0", b"firmware\n"), Data("1", b"hello \x10!\n"), Data("2", b"oops\n"), Line("ready"), Data("0", b"log"),
         File("/a b", 0o100644, b"x\x10\ny"), Line("exit 3"), Data("0", b"bye\n")]


class Demultiplexer(unittest.TestCase):
    def test_whole(self):
        self.assertEqual(joined(frames.Frames().feed(STREAM)), WHOLE)

    def test_byte_by_byte(self):
        reader, events = frames.Frames(), []
        for byte in STREAM:
            events += reader.feed(bytes([byte]))
        self.assertEqual(joined(events), WHOLE)

    def test_cut_anywhere(self):
        rng = random.Random(7)
        for _ in range(300):
            cuts = sorted(rng.sample(range(len(STREAM)), rng.randrange(0, 12)))
            reader, events = frames.Frames(), []
            for start, end in zip([0, *cuts], [*cuts, len(STREAM)]):
                events += reader.feed(STREAM[start:end])
            self.assertEqual(joined(events), WHOLE)

    def test_plain_text_before_any_switch_is_the_log(self):
        self.assertEqual(frames.Frames().feed(b"OpenSBI\n"), [Data("0", b"OpenSBI\n")])

    def test_empty_file(self):
        self.assertEqual(frames.Frames().feed(b"\x103get 644 0 /e\nexit 0\n"), [File("/e", 0o644, b""), Line("exit 0")])

    def test_malformed_get_is_a_line(self):
        self.assertEqual(frames.Frames().feed(b"\x103get zz 1 /e\n"), [Line("get zz 1 /e")])

    def test_unknown_code_is_counted_and_dropped(self):
        reader = frames.Frames()
        self.assertEqual(joined(reader.feed(b"a\x10zb")), [Data("0", b"ab")])
        self.assertEqual(reader.bad, 1)

    def test_random_bytes_are_survived(self):
        rng = random.Random(3)
        reader = frames.Frames()
        for _ in range(200):
            reader.feed(bytes(rng.choice([0x10, 0x33, 10, 65]) for _ in range(rng.randrange(50))))

    def test_escape_doubles(self):
        self.assertEqual(frames.escape(b"a\x10b"), b"a\x10\x10b")
        self.assertEqual(frames.window_size(24, 80), b"\x10w24;80\n")


if __name__ == "__main__":
    unittest.main()
