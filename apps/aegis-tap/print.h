/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/* What a frame is, on one line without its end. Nothing beyond `size` is read, whatever the frame says. */
void frame_print(const uint8_t *frame, unsigned size);
/* Its bytes, 16 on a line. */
void frame_dump(const uint8_t *frame, unsigned size);
