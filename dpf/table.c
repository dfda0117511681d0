/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of one field, and where each leads: a hash table that dispatch.S reads while it changes. A key is stored before
 * its target is published; until then it leads where an empty bucket does.
 */
#include "parts.h"

static size_t bytes_of(uint32_t size)
{
    return sizeof(struct dpf_table) + (size + DPF_PROBE_MAX + 1) * (sizeof(struct dpf_bucket) + sizeof(struct dpf_state *));
}

size_t dpf_table_bytes(const struct dpf_table *t)
{
    return bytes_of(t->size);
}

/* Where a bucket leads, for those who change the trie. */
static struct dpf_state **state_of(struct dpf_table *t, const struct dpf_bucket *b)
{
    return (struct dpf_state **)&t->bucket[t->size + DPF_PROBE_MAX + 1] + (b - t->bucket);
}

/* Its bucket, or the empty one where it is not. */
static struct dpf_bucket *bucket_find(struct dpf_table *t, uint64_t key)
{
    struct dpf_bucket *b = &t->bucket[key * DPF_HASH >> t->shift];

    while (b->target != t->empty && (b->key != key || b->target == t->gone))
        b++;
    return b;
}

uint64_t *dpf_table_target(struct dpf_table *t, uint64_t key)
{
    return &bucket_find(t, key)->target;
}

struct dpf_state *dpf_table_find(struct dpf_table *t, uint64_t key)
{
    struct dpf_bucket *b = bucket_find(t, key);

    return b->target == t->empty ? NULL : *state_of(t, b);
}

/* The bucket for a new key, which it gets; null: the probe would be too long. */
static struct dpf_bucket *bucket_take(struct dpf_table *t, struct dpf_state *s)
{
    struct dpf_bucket *first = &t->bucket[s->key * DPF_HASH >> t->shift], *b = first;

    while (b->target != t->empty && b->target != t->gone)
        b++;
    if (b - first >= DPF_PROBE_MAX)
        return NULL;
    t->used += b->target == t->empty;
    b->key = s->key;
    *state_of(t, b) = s;
    return b;
}

static struct dpf_table *table_take(struct dpf *d, uint32_t size, uint64_t *missed, uint64_t gone)
{
    struct dpf_table *t = dpf_take(d, bytes_of(size));

    if (!t)
        return NULL;
    *t = (struct dpf_table){DPF_HASH, 64 - (unsigned)__builtin_ctz(size), missed, d->helpers.missed, gone, size, 0};
    for (uint32_t i = 0; i < size + DPF_PROBE_MAX + 1; i++)
        t->bucket[i].target = t->empty;
    return t;
}

/* What leads somewhere, into an empty table that nobody reads yet. */
static bool table_copy(struct dpf_table *to, struct dpf_table *from)
{
    for (uint32_t i = 0; i < from->size + DPF_PROBE_MAX; i++) {
        const struct dpf_bucket *b = &from->bucket[i];
        if (b->target == from->empty || b->target == from->gone)
            continue;
        struct dpf_bucket *new = bucket_take(to, *state_of(from, b));
        if (!new)
            return false;
        new->target = b->target;
    }
    return true;
}

/* At most a quarter full of what is there or was, and no probe too long; else a new one, for what is there half as much again. */
int dpf_table_add(struct dpf *d, struct dpf_test *t, struct dpf_state *s, uint64_t target)
{
    struct dpf_table *old = t->table, *new;
    struct dpf_bucket *b = 4 * (old->used + 1) <= old->size ? bucket_take(old, s) : NULL;
    uint32_t size = 8;

    if (b) {
        dpf_publish(d, &b->target, target);
        return 0;
    }
    while (size < 6 * (t->edge_count + 1))
        size *= 2;
    for (;; size *= 2) {
        if (size > 64 * (t->edge_count + 1) + 256)
            return DPF_COLLISIONS;
        if (!(new = table_take(d, size, old->missed, old->gone)))
            return DPF_NO_MEMORY;
        if (table_copy(new, old) && (b = bucket_take(new, s)))
            break;
        cells_give(&d->data, new, bytes_of(size));
    }
    b->target = target;
    t->table = new;
    dpf_slot_set(d, t->table_slot, (uint64_t)new);
    dpf_retire(d, &d->data, old, dpf_table_bytes(old));
    return 0;
}

void dpf_table_remove(struct dpf *d, struct dpf_table *t, uint64_t key)
{
    dpf_publish(d, dpf_table_target(t, key), t->gone);
}

int dpf_table_make(struct dpf *d, struct dpf_test *t)
{
    struct dpf_state *only = t->edges;
    bool had_slot = t->slot;
    int error = dpf_slot_own(d, t);

    if (error)
        return error;
    if (!had_slot && !t->next && (error = dpf_tail_make(d, t->owner)))
        return error;
    error = dpf_fragment_make(d, &t->gone, t->owner, generate_leave(d, t->slot));
    if (!error && !t->table_slot && !(t->table_slot = (uint16_t)dpf_slot_take(d)))
        error = DPF_NO_MEMORY;
    if (!error)
        error = only->tests ? dpf_fragment_make(d, &only->tests->code, only, generate_test(d, only->tests))
                            : dpf_fragment_make(d, &only->code, only, generate_accept(d, only, t->slot));
    if (!error && !had_slot)
        error = dpf_below_renew(d, t);
    struct dpf_table *table = error ? NULL : table_take(d, 8, &d->run->slot[t->slot], dpf_code_address(d, &t->gone));
    if (!table)
        return error ? error : DPF_NO_MEMORY;
    bucket_take(table, only)->target = dpf_state_target(d, only);
    t->table = table;
    dpf_slot_set(d, t->table_slot, (uint64_t)table);
    return dpf_fragment_renew(d, t);
}
