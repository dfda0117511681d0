/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of the session's network stack, as they come and go. The kernel leads a frame to one endpoint, and copies it for
 * nobody else: so what is seen here is what the session's own stack receives and sends, copied by whichever process does the
 * stack's work just then. Processes of a session trust each other; of other sessions, and of rings that a process has for
 * itself (aegis/raw.h), nothing is seen.
 *
 * A frame that is sent is seen before the device puts in its checksum. Nobody waits for who looks: what he does not take in
 * time is lost, and counted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tap_frame {
    uint64_t time;     /* `time` when it was seen */
    uint32_t length;   /* of the frame */
    uint32_t captured; /* bytes of it that are there: all, but for what its sender took away meanwhile */
    uint32_t sent;     /* 1: by us, 0: received */
    uint32_t spare;
};

/* From here on frames are kept. 0, -ENETDOWN: there is no device; -ENOMEM, ... */
int tap_begin(void);
/* The next one: bytes copied (`size` at most), or -EAGAIN. */
ssize_t tap_next(struct tap_frame *frame, void *bytes, size_t size);
/* Until there is one, or `time` passes `deadline` (0: none). Keeps the tap open, which closes by itself two seconds after the
 * last tap_next or tap_wait. 0, -EINTR, -ETIMEDOUT. */
int tap_wait(uint64_t deadline);
/* Frames that were not taken in time. */
uint64_t tap_lost(void);

#ifdef __cplusplus
}
#endif
