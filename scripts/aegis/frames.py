# SPDX-License-Identifier: BSD-2-Clause
"""The serial line's framing (scripts/README.md states it): 0x10 announces a channel switch or a literal 0x10."""
from collections import namedtuple

DLE = 0x10
LOG, OUT, ERR, CONTROL = "0", "1", "2", "3"

END_OF_INPUT = b"\x10e"
DUMP_STATE = b"\x10d"

Data = namedtuple("Data", "channel bytes")
Line = namedtuple("Line", "text")  # a line of the control channel
File = namedtuple("File", "path mode content")  # sent back by `get`


def escape(data):
    """Host to guest: input bytes as they go over the line."""
    return data.replace(b"\x10", b"\x10\x10")


def window_size(rows, columns):
    return b"\x10w%d;%d\n" % (rows, columns)


class Frames:
    """Takes the line's bytes in pieces of any size, gives events in order."""

    def __init__(self):
        self.channel = LOG
        self.escaped = False
        self.line = bytearray()
        self.file = None  # (path, mode, size) while a file's bytes come in
        self.content = bytearray()
        self.bad = 0  # unknown codes after 0x10

    def feed(self, data):
        events = []
        start = 0
        while start < len(data):
            if self.escaped:
                self.escaped = False
                code = data[start]
                start += 1
                if code == DLE:
                    self.take(b"\x10", events)
                elif 0x30 <= code <= 0x33:
                    self.channel = chr(code)
                else:
                    self.bad += 1
                continue
            end = data.find(b"\x10", start)
            if end < 0:
                end = len(data)
            else:
                self.escaped = True
            if end > start:
                self.take(data[start:end], events)
            start = end + 1
        return events

    def take(self, data, events):
        if self.channel != CONTROL:
            events.append(Data(self.channel, bytes(data)))
            return
        while data:
            if self.file:
                path, mode, size = self.file
                part = data[:size - len(self.content)]
                self.content += part
                data = data[len(part):]
                if len(self.content) == size:
                    self.end_file(events)
                continue
            line, newline, data = data.partition(b"\n")
            self.line += line
            if newline:
                text = self.line.decode(errors="replace").rstrip("\r")
                self.line.clear()
                self.end_line(text, events)

    def end_line(self, text, events):
        words = text.split(" ", 3)
        if words[0] != "get" or len(words) != 4:
            events.append(Line(text))
            return
        try:
            self.file = (words[3], int(words[1], 8), int(words[2]))
        except ValueError:
            events.append(Line(text))
            return
        if self.file[2] == 0:
            self.end_file(events)

    def end_file(self, events):
        path, mode, _ = self.file
        events.append(File(path, mode, bytes(self.content)))
        self.file = None
        self.content = bytearray()
