/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that is made anew for each read: of all that is put, only the window asked for is kept. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
    char *to;
    size_t size;   /* of the window */
    uint64_t skip; /* where it begins */
    uint64_t at;   /* how much was put */
};

void text_put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *t, const char *bytes, size_t size);
/* How much of the window was filled. */
size_t text_size(const struct text *t);
