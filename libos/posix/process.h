/* SPDX-License-Identifier: BSD-2-Clause */
/* The process: its beginning, its end, and the archive it came from. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../fs/cpio.h"
#include "../proc/start.h"

/* Ends this environment; what the user asked to `get` is sent first. */
void process_end(enum start_ended how, int value) __attribute__((noreturn));
/* Without all that: for those whose memory is broken. */
void process_kill(enum start_ended how, int value) __attribute__((noreturn));

/* The boot archive, mapped at the first call. Null: there is none. */
const uint8_t *archive_map(size_t *bytes);
int archive_file(const char *name, struct cpio_file *file);

/* The console (console.c). Channels: 1 output, 2 error, 3 control. All bytes are written. */
void console_put(unsigned channel, const void *bytes, size_t size);
void console_print(unsigned channel, const char *text);
/* Up to 64 bytes; 0 at the end of input; negative: none yet. */
long console_get(uint8_t *bytes, size_t size);
/* Sleeps until there was more input than `seen`. */
void console_wait(uint64_t seen);

/* `time` counts, and nanoseconds since 1970. */
uint64_t clock_ticks(void);
int64_t clock_now(void);
