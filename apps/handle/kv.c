/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key-value store whose GETs the kernel answers from memory that it shares with this process;
 * what is rarer comes here. A question is a datagram: "get " and 16 bytes of key, or "put ", the
 * key and 64 bytes of value. Answers: "get " and the value; "none", "kept" or "full".
 */
#include <netinet/in.h>
#include <string.h>

#include "handle.h"

#define KEY     16
#define VALUE   64
#define BUCKETS 256
#define PROBES  4

/* What apps/handlers/kv_get.c shares. */
struct store {
    uint64_t version; /* odd while it is written */
    uint64_t found, missed, spare[5];
    struct entry {
        uint64_t key[2], value[8], used, spare[5];
    } entry[BUCKETS];
};

/* Its entry, or a free one where it belongs; null: neither. */
static struct entry *entry_find(struct store *s, const uint64_t key[2], bool make)
{
    unsigned bucket = (key[0] ^ key[1]) * 0x9e3779b97f4a7c15 >> 56;

    for (unsigned i = 0; i < PROBES; i++) {
        struct entry *e = &s->entry[(bucket + i) % BUCKETS];
        if (e->used ? !memcmp(e->key, key, KEY) : make)
            return e;
    }
    return NULL;
}

/* A GET that comes meanwhile is passed, and waits for us. */
static const char *put(struct store *s, const uint8_t *bytes)
{
    uint64_t key[2];

    memcpy(key, bytes, KEY);
    struct entry *e = entry_find(s, key, true);
    if (!e)
        return "full";
    __atomic_fetch_add(&s->version, 1, __ATOMIC_SEQ_CST);
    memcpy(e->key, key, KEY);
    memcpy(e->value, bytes + KEY, VALUE);
    e->used = 1;
    __atomic_fetch_add(&s->version, 1, __ATOMIC_SEQ_CST);
    return "kept";
}

/* The answer, written over the question: its size. */
static size_t answer(struct store *s, uint8_t *bytes, size_t size)
{
    const char *said = "what";
    uint64_t key[2];
    struct entry *e;

    if (size == 4 + KEY + VALUE && !memcmp(bytes, "put ", 4)) {
        said = put(s, bytes + 4);
    } else if (size >= 4 + KEY && !memcmp(bytes, "get ", 4)) {
        memcpy(key, bytes + 4, KEY);
        if ((e = entry_find(s, key, false))) {
            memcpy(bytes + 4, e->value, VALUE);
            return 4 + VALUE;
        }
        said = "none";
    }
    memcpy(bytes, said, 4);
    return 4;
}

int kv(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(IPPROTO_UDP, port, false, &image_kv_get);
    struct raw_datagram d;

    (void)arguments;
    for (;;) {
        while (raw_next(&d))
            raw_answer(&d, answer(h.window, d.bytes, d.size));
        handler_second(&h);
    }
}
