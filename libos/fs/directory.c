/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: a hash table that grows by one bucket an insertion, and a list in order of age. */
#include <string.h>

#include "node.h"

#define SEGMENT_BYTES(i) ((sizeof(struct entry *) * DIRECTORY_FIRST) << (i))
#define OBJECT_MAX       2048 /* of session_alloc */
#define CHAIN_MOVED      64

int directory_make(struct node *node)
{
    struct directory *d = session_alloc(sizeof *d);

    if (!d)
        return -EAGAIN;
    d->buckets = d->half = DIRECTORY_FIRST;
    d->cookie = 2; /* 0 and 1 are "." and ".." */
    node->directory = d;
    return 0;
}

/* The segment of the next bucket is there. */
static int segment_make(struct directory *d)
{
    unsigned i = directory_segment(d->buckets);
    size_t bytes = SEGMENT_BYTES(i);

    if (d->segment[i])
        return 0;
    struct entry **segment =
        bytes <= OBJECT_MAX ? session_alloc(bytes) : session_pages(bytes / NODE_PAGE);
    if (!segment)
        return -EAGAIN;
    session_set(d->segment[i], segment);
    return 0;
}

/* One bucket more: what belongs there moves out of the bucket that had it. */
static void bucket_split(struct directory *d)
{
    uint64_t half = d->half;
    struct entry **old = directory_bucket(d, d->buckets - half),
                 **new = directory_bucket(d, d->buckets);

    session_set(*new, NULL);
    for (struct entry *e; (e = *old);) {
        if (!(e->hash & half)) {
            old = &e->chain;
            continue;
        }
        session_set(*old, e->chain);
        session_set(e->chain, *new);
        session_set(*new, e);
    }
    session_set(d->buckets, d->buckets + 1);
    if (d->buckets == 2 * half)
        session_set(d->half, 2 * half);
}

/* Names chosen to fall together: what cannot be moved in one stay is not. */
static bool chain_long(const struct entry *e)
{
    unsigned n = 0;

    for (; e && n <= CHAIN_MOVED; e = e->chain)
        n++;
    return n > CHAIN_MOVED;
}

static int bucket_grow(struct directory *d)
{
    uint64_t limit = (uint64_t)DIRECTORY_FIRST << DIRECTORY_SEGMENTS;

    if (d->count < d->buckets || d->buckets >= limit ||
        chain_long(*directory_bucket(d, d->buckets - d->half)))
        return 0;
    int error = segment_make(d);
    if (!error)
        bucket_split(d);
    return error;
}

static struct entry *entry_make(const char *name, size_t length, uint32_t hash, struct node *child)
{
    struct entry *e = session_alloc(sizeof *e + length);

    if (!e)
        return NULL;
    e->node = child;
    e->hash = hash;
    e->length = (uint32_t)length;
    for (size_t i = 0; i < length; i++)
        e->name[i] = name[i];
    return e;
}

int directory_add(struct node *node, const char *name, size_t length, uint32_t hash,
                  struct node *child)
{
    struct directory *d = node->directory;
    struct entry *e = entry_make(name, length, hash, child);

    if (!e || bucket_grow(d))
        return -EAGAIN;
    struct entry **bucket = directory_place(d, e->hash);
    e->chain = *bucket;
    session_set(*bucket, e);
    e->cookie = d->cookie;
    session_set(d->cookie, d->cookie + 1);
    e->previous = d->last;
    if (d->last)
        session_set(d->last->next, e);
    else
        session_set(d->first, e);
    session_set(d->last, e);
    session_set(d->count, d->count + 1);
    if (S_ISDIR(child->mode))
        session_set(child->directory->name, e);
    node_written(node);
    return 0;
}

void directory_remove(struct node *node, struct entry *entry)
{
    struct directory *d = node->directory;
    struct entry **at = directory_place(d, entry->hash);

    while (*at != entry)
        at = &(*at)->chain;
    session_set(*at, entry->chain);
    if (entry->previous)
        session_set(entry->previous->next, entry->next);
    else
        session_set(d->first, entry->next);
    if (entry->next)
        session_set(entry->next->previous, entry->previous);
    else
        session_set(d->last, entry->previous);
    session_set(d->count, d->count - 1);
    session_set(d->removals, d->removals + 1);
    session_free(entry, sizeof *entry + entry->length);
    node_written(node);
}

struct entry *directory_from(const struct directory *d, uint64_t cookie)
{
    struct entry *e = d->first;

    while (e && e->cookie < cookie)
        e = e->next;
    return e;
}
