/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What processes keep only to be faster (parked environments, park.h and again.h) goes when memory is short. Who is refused
 * memory gives up its own, and asks all others by bit 0 of their pending words, which is no signal's; each gives when its
 * next slot begins, or when it is woken for that, masked, unless it makes a child at that moment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PENDING_GIVE 1UL

/* Whether so many pages are free, after all have given what they could; waits for it a few milliseconds, and asks others once
 * a second. By threads, outside the monitor. */
bool memory_ask(size_t pages);
/* Masked: what this process keeps. */
void memory_give(void);
