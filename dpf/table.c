/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of one field, and where each leads: a hash table that dispatch.S reads while it changes, or a direct one, which generated
 * code reads. A key is stored before its target is published; until then it leads where an empty bucket does.
 */
#include "parts.h"

static uint32_t buckets_of(const struct dpf_table *t)
{
    return t->hash ? t->size + DPF_PROBE_MAX + 1 : t->size;
}

size_t dpf_table_bytes(const struct dpf_table *t)
{
    return sizeof *t + buckets_of(t) * (sizeof t->bucket[0] + (t->hash ? sizeof(struct dpf_state *) : 0));
}

/* Where a bucket leads, for those who change the trie. */
static struct dpf_state **state_of(struct dpf_table *t, struct dpf_bucket *b)
{
    return t->hash ? (struct dpf_state **)&t->bucket[buckets_of(t)] + (b - t->bucket) : &b->state;
}

static struct dpf_bucket *bucket_first(struct dpf_table *t, uint64_t key)
{
    return &t->bucket[t->hash ? key * t->hash >> t->shift : (key >> (t->shift & ~7UL) & 0xff) >> t->shift % 8];
}

/* Its bucket, or the empty one where it is not. */
static struct dpf_bucket *bucket_find(struct dpf_table *t, uint64_t key)
{
    struct dpf_bucket *b = bucket_first(t, key);

    while (t->hash && b->target != t->empty && (b->key != key || b->target == t->gone))
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
    struct dpf_bucket *first = bucket_first(t, s->key), *b = first;

    while (b->target != t->empty && b->target != t->gone)
        b++;
    if (b - first >= DPF_PROBE_MAX)
        return NULL;
    t->used += b->target == t->empty;
    if (t->hash)
        b->key = s->key;
    *state_of(t, b) = s;
    return b;
}

static struct dpf_table *table_take(struct dpf *d, const struct dpf_table *head)
{
    struct dpf_table *t = dpf_take(d, dpf_table_bytes(head));

    if (!t)
        return NULL;
    *t = *head;
    for (uint32_t i = 0; i < buckets_of(t); i++)
        t->bucket[i].target = t->empty;
    return t;
}

static void size_set(struct dpf_table *head, uint32_t size)
{
    head->size = size;
    head->shift = 64 - (unsigned)__builtin_ctz(size);
    head->used = 0;
}

/* A mask that lies in one byte: direct. Up to four bits below it stay, since an index is multiplied by a bucket's 16 bytes. */
static void direct_try(struct dpf_table *head, const struct dpf_atom *a)
{
    uint64_t mask = generate_value(a, a->mask);
    unsigned low = (unsigned)__builtin_ctzl(mask), byte = low & ~7U;

    if (mask >> byte > 0xff)
        return;
    low = low > byte + 4 ? byte + 4 : low;
    head->hash = 0;
    head->shift = low;
    head->size = (uint32_t)(mask >> low) + 1;
    head->empty = head->gone;
}

/* What leads somewhere, into an empty table that nobody reads yet. */
static bool table_copy(struct dpf_table *to, struct dpf_table *from)
{
    for (uint32_t i = 0; i < from->size + DPF_PROBE_MAX; i++) {
        struct dpf_bucket *b = &from->bucket[i];
        if (b->target == from->empty || b->target == from->gone)
            continue;
        struct dpf_bucket *new = bucket_take(to, *state_of(from, b));
        if (!new)
            return false;
        new->target = b->target;
    }
    return true;
}

/* A hash is at most a quarter full of what is there or was, and no probe too long; else a new one, for what is there half as much again. */
int dpf_table_add(struct dpf *d, struct dpf_test *t, struct dpf_state *s, uint64_t target)
{
    struct dpf_table *old = t->table, *new, head = *old;
    struct dpf_bucket *b = !old->hash || 4 * (old->used + 1) <= old->size ? bucket_take(old, s) : NULL;
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
        size_set(&head, size);
        if (!(new = table_take(d, &head)))
            return DPF_NO_MEMORY;
        if (table_copy(new, old) && (b = bucket_take(new, s)))
            break;
        cells_give(&d->data, new, dpf_table_bytes(new));
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
    struct dpf_table head = {DPF_HASH, 0, &d->run->slot[t->slot], d->helpers.missed, dpf_code_address(d, &t->gone), 0, 0};
    size_set(&head, 8);
    direct_try(&head, &t->atom);
    struct dpf_table *table = error ? NULL : table_take(d, &head);
    if (!table)
        return error ? error : DPF_NO_MEMORY;
    bucket_take(table, only)->target = dpf_state_target(d, only);
    t->table = table;
    d->last[t->table_slot] = (uint8_t)(table->hash ? 0 : table->size - 1);
    dpf_slot_set(d, t->table_slot, (uint64_t)table);
    error = dpf_fragment_renew(d, t);
    if (error) { /* the code compares with the one value, as before */
        t->table = NULL;
        dpf_retire(d, &d->data, table, dpf_table_bytes(table));
    }
    return error;
}
