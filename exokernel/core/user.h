/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The caller's memory, read and written through the direct map after a walk of its own table in software: once, by
 * copy, and believed in nothing. Interrupts are off and limbo holds the pages, whatever other harts do meanwhile.
 * A page whose translation has been dropped is BAD_ADDRESS: touch it and call again (the libOS's stubs do).
 */
#pragma once

#include "kernel.h"

long user_read(struct env *e, void *to, unsigned long va, size_t size);
long user_write(struct env *e, unsigned long va, const void *from, size_t size);
