/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session apart: its roots are parts of the machine's (a quota: aegis/types.h), and what it has in common with whoever
 * started it is one page, of its own quota, by which its output goes out and its status comes back. Each side treats what
 * the other wrote there as hostile. Inside it stands in the console's slot, is mapped at LINK_VA, and init's end is the session's.
 */
#pragma once

#include <stdbool.h>

#include "../net/given.h"
#include "session.h"

#define LINK_VA    (SESSION_VA + SESSION_SIZE - 4096)
#define LINK_BYTES 1920 /* of each channel */
#define LINK_ENDED (1UL << 32)

struct session_link {
    struct aegis_capability ring; /* RING for who reads, on hart `hart` */
    uint64_t hart;
    uint8_t seed[32]; /* taken by init, and wiped */
    uint64_t status; /* LINK_ENDED and what link_end was told */
    struct {
        uint64_t written, read; /* bytes ever; the inside's, the outside's */
    } channel[2]; /* 1 and 2 */
    uint8_t bytes[2][LINK_BYTES];
    struct net_given given; /* what it has of the network */
};
_Static_assert(sizeof(struct session_link) <= 4096, "one page");

#define LINK ((struct session_link *)LINK_VA)

/* ---- inside ---- */

bool session_is_apart(void);
/* By the page fault; 0 or -1. */
int link_fault(uintptr_t va);
/* Bytes to channel 1 or 2, as console_send. */
long link_send(unsigned channel, const void *bytes, size_t size);
/* Init's: claims what it needs to wake the reader; and whether that one is gone, which ends the session. */
void link_open(void);
bool link_is_cut(void);
/* The session is over: an exit status, or 128 and a signal. */
void link_end(unsigned status);

/* ---- what a root of a part has ---- */

struct aegis_result page_of_part(unsigned order, unsigned slot, unsigned source);
struct aegis_result slice_of_part(unsigned hart, unsigned slot);
/* Pages that are free for us, of the machine's or of our part of them. Not bounded for a part. */
uint64_t pages_free(void);
/* Whether the root of slices has positions of a hart. */
bool slices_cover(unsigned hart);
