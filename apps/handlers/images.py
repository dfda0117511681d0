#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""images.py OUT NAME.ash...: assembly that holds each handler as image_NAME, at a multiple of 8."""
import sys
from pathlib import Path

out = ['    .section .rodata']
for image in map(Path, sys.argv[2:]):
    out += [f'    .globl image_{image.stem}', '    .balign 8', f'image_{image.stem}:', f'    .incbin "{image.resolve()}"']
Path(sys.argv[1]).write_text("\n".join(out) + "\n")
