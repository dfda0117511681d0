/* SPDX-License-Identifier: BSD-2-Clause */
/* aegis-web: a live picture of what the exokernel exposes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text that grows. `failed` once there was no memory: it is then not to be used. */
struct out {
    char *bytes;
    size_t size, room;
    int failed;
};

void out_put(struct out *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string, quotes included: whatever the bytes are, the result is valid. At most `size`. */
void out_quote(struct out *t, const char *s, size_t size);
void out_free(struct out *t);

/* All of the exposed state as JSON: page.html says what is what. */
void state_write(struct out *t);
/* Members of it: the trie of filters; histograms of other programs. */
void trie_write(struct out *t);
void pictures_write(struct out *t);

/* Who the environments are, as /proc tells: read again by names_read. Empty: not a process of this session. */
struct name {
    int pid;
    char text[17];
};
void names_read(void);
const struct name *name_of(unsigned environment);

/* The page. */
extern const char page_html[], page_html_end[];

/*
 * Serves until it is killed. `port`: TCP, all addresses. Returns only if it cannot listen, with what
 * to do next printed: a status for exit().
 */
int http_serve(unsigned port);
