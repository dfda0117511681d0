/* SPDX-License-Identifier: BSD-2-Clause */
#include "trie.h"

#include "generate.h"

/* ---- memory ---- */

static void clear(void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++)
        ((uint64_t *)at)[i] = 0;
}

static void *take(struct dpf *d, size_t bytes)
{
    void *at = cells_take(&d->data, bytes);
    if (at)
        clear(at, (bytes + CELL_SIZE - 1) / CELL_SIZE * CELL_SIZE);
    return at;
}

static void retire(struct dpf *d, struct cells *pool, void *at, size_t bytes)
{
    if (at && bytes)
        d->retired[d->retired_count++] = (struct dpf_retired){pool, at, bytes};
}

static unsigned slot_take(struct dpf *d)
{
    for (unsigned i = 0; i < DPF_SLOTS / 64; i++)
        if (~d->slot_used[i]) {
            unsigned bit = (unsigned)__builtin_ctzl(~d->slot_used[i]);
            d->slot_used[i] |= 1UL << bit;
            return 64 * i + bit;
        }
    return 0;
}

/* Code that other harts are in may still jump through it. */
static void slot_give(struct dpf *d, unsigned slot)
{
    if (slot)
        d->retired[d->retired_count++] = (struct dpf_retired){NULL, NULL, slot};
}

void dpf_reclaim(struct dpf *d)
{
    while (d->retired_count) {
        struct dpf_retired *r = &d->retired[--d->retired_count];
        if (r->pool)
            cells_give(r->pool, r->at, r->bytes);
        else
            d->slot_used[r->bytes / 64] &= ~(1UL << r->bytes % 64);
    }
}

static void slot_set(struct dpf *d, unsigned slot, uint64_t target)
{
    __atomic_store_n(&d->run->slot[slot], target, __ATOMIC_RELEASE);
}

/* ---- fragments ---- */

static uint64_t code_address(const struct dpf *d, const struct dpf_code *c)
{
    return (uint64_t)c->at + (uint64_t)d->code_delta;
}

/* What is in the buffer becomes a fragment; the one that was there is retired. */
static int fragment_make(struct dpf *d, struct dpf_code *code, const struct dpf_state *s, int instructions)
{
    if (instructions < 0)
        return instructions;
    if (!validate(d->buffer, (unsigned)instructions, DPF_SLOTS, s))
        return DPF_INVALID;
    uint32_t *at = cells_take(&d->code, 4 * (size_t)instructions);
    if (!at)
        return DPF_NO_MEMORY;
    for (int i = 0; i < instructions; i++)
        at[i] = d->buffer[i];
    retire(d, &d->code, code->at, code->size);
    *code = (struct dpf_code){at, 4 * (uint32_t)instructions};
    return 0;
}

static void fragment_drop(struct dpf *d, struct dpf_code *code)
{
    retire(d, &d->code, code->at, code->size);
    *code = (struct dpf_code){0};
}

/* ---- who goes on where ---- */

static unsigned slot_above(const struct dpf_state *s)
{
    return s->via ? dpf_slot_of(s->via) : DPF_SLOT_DONE;
}

unsigned dpf_slot_of(const struct dpf_test *t)
{
    return t->slot ? t->slot : slot_above(t->owner);
}

/* Whether a state is jumped to: then its first test, or its accepting, has a fragment of its own. */
static bool is_entered(const struct dpf_state *s)
{
    return !s->via || s->via->table || s->entry_slot;
}

static struct dpf_bucket *bucket_find(struct dpf_table *t, uint64_t key)
{
    struct dpf_bucket *b = &t->bucket[key * DPF_HASH >> t->shift];

    while (b->target != t->empty && (b->key != key || b->target == t->gone))
        b++;
    return b;
}

static uint64_t edge_key(const struct dpf_state *s)
{
    const struct dpf_edge *e = s->via->edges;

    while (e->to != s)
        e = e->next;
    return e->key;
}

/* Those who jump to a state learn where it begins now. */
static void state_publish(struct dpf *d, const struct dpf_state *s)
{
    uint64_t target = code_address(d, s->tests ? &s->tests->code : &s->code);

    if (!s->via) {
        slot_set(d, DPF_SLOT_ROOT, s->tests ? target : d->helpers.done);
        slot_set(d, DPF_SLOT_START, d->alternatives ? d->helpers.start_more : d->run->slot[DPF_SLOT_ROOT]);
        return;
    }
    if (s->entry_slot)
        slot_set(d, s->entry_slot, target);
    if (s->via->table)
        __atomic_store_n(&bucket_find(s->via->table, edge_key(s))->target, target, __ATOMIC_RELEASE);
}

/* The last of a state's tests goes on by accepting there, or by the slot above. */
static int tail_make(struct dpf *d, struct dpf_state *s)
{
    struct dpf_test *last = s->tests;

    while (last->next)
        last = last->next;
    if (!last->slot)
        return 0;
    unsigned above = slot_above(s);
    struct dpf_code *code = s->accepts ? &s->accept : &last->leave;
    int error = fragment_make(d, code, s, s->accepts ? generate_accept(d, s, above) : generate_leave(d, above));
    if (!error)
        slot_set(d, last->slot, code_address(d, code));
    return error;
}

/* The fragment in which a test stands is made anew. */
static int fragment_renew(struct dpf *d, struct dpf_test *t)
{
    while (t->owner->tests == t && !is_entered(t->owner))
        t = t->owner->via;
    int error = fragment_make(d, &t->code, t->owner, generate_test(d, t));
    if (error)
        return error;
    if (t->owner->tests == t) {
        state_publish(d, t->owner);
        return 0;
    }
    struct dpf_test *before = t->owner->tests;
    while (before->next != t)
        before = before->next;
    slot_set(d, before->slot, code_address(d, &t->code));
    return 0;
}

/* A test got a slot of its own: what leaves the subtree behind it goes on by that. */
static int below_renew(struct dpf *d, struct dpf_test *t)
{
    for (;;) {
        struct dpf_state *s = t->edges->to;
        if (!s->tests)
            return s->code.size ? fragment_make(d, &s->code, s, generate_accept(d, s, slot_above(s))) : 0;
        if (s->tests->slot)
            return tail_make(d, s);
        t = s->tests;
    }
}

static int slot_own(struct dpf *d, struct dpf_test *t)
{
    if (!t->slot)
        t->slot = (uint16_t)slot_take(d);
    return t->slot ? 0 : DPF_NO_MEMORY;
}

/* A state that fragments fell through gets an entry, since it has alternatives now. */
static int entry_make(struct dpf *d, struct dpf_state *s)
{
    if (is_entered(s))
        return 0;
    s->entry_slot = (uint16_t)slot_take(d);
    return s->entry_slot ? 0 : DPF_NO_MEMORY;
}

/* ---- tables ---- */

static size_t table_bytes(uint32_t size)
{
    return sizeof(struct dpf_table) + (size + DPF_PROBE_MAX + 1) * sizeof(struct dpf_bucket);
}

static bool table_put(struct dpf_table *t, uint64_t key, uint64_t target)
{
    struct dpf_bucket *first = &t->bucket[key * DPF_HASH >> t->shift], *b = first;

    while (b->target != t->empty && b->target != t->gone)
        b++;
    if (b - first >= DPF_PROBE_MAX)
        return false;
    t->used += b->target == t->empty;
    b->key = key;
    __atomic_store_n(&b->target, target, __ATOMIC_RELEASE);
    return true;
}

static struct dpf_table *table_take(struct dpf *d, uint32_t size, uint64_t *missed, uint64_t gone)
{
    struct dpf_table *t = take(d, table_bytes(size));

    if (!t)
        return NULL;
    *t = (struct dpf_table){DPF_HASH, 64 - (unsigned)__builtin_ctz(size), missed, d->helpers.missed, gone, size, 0};
    for (uint32_t i = 0; i < size + DPF_PROBE_MAX + 1; i++)
        t->bucket[i].target = t->empty;
    return t;
}

static bool table_copy(struct dpf_table *to, const struct dpf_table *from)
{
    for (uint32_t i = 0; i < from->size + DPF_PROBE_MAX; i++)
        if (from->bucket[i].target != from->empty && from->bucket[i].target != from->gone &&
            !table_put(to, from->bucket[i].key, from->bucket[i].target))
            return false;
    return true;
}

/* One key more: at most a quarter full, and no probe too long; else a larger one. */
static int table_add(struct dpf *d, struct dpf_test *t, uint64_t key, uint64_t target)
{
    struct dpf_table *old = t->table, *new;
    uint32_t size = old->size;

    if (4 * (old->used + 1) <= old->size && table_put(old, key, target))
        return 0;
    for (;;) {
        size *= 2;
        if (size > 64 * (old->used + 1) + 256)
            return DPF_COLLISIONS;
        if (!(new = table_take(d, size, old->missed, old->gone)))
            return DPF_NO_MEMORY;
        if (table_copy(new, old) && table_put(new, key, target))
            break;
        cells_give(&d->data, new, table_bytes(size));
    }
    t->table = new;
    slot_set(d, t->table_slot, (uint64_t)new);
    retire(d, &d->data, old, table_bytes(old->size));
    return 0;
}

/* A test with one edge becomes one with a table, in which that edge stands. */
static int table_make(struct dpf *d, struct dpf_test *t)
{
    struct dpf_state *only = t->edges->to;
    bool had_slot = t->slot;
    int error = slot_own(d, t);

    if (error)
        return error;
    if (!had_slot && !t->next && (error = tail_make(d, t->owner)))
        return error;
    error = fragment_make(d, &t->gone, t->owner, generate_leave(d, t->slot));
    if (!error && !t->table_slot && !(t->table_slot = (uint16_t)slot_take(d)))
        error = DPF_NO_MEMORY;
    if (!error)
        error = only->tests ? fragment_make(d, &only->tests->code, only, generate_test(d, only->tests))
                            : fragment_make(d, &only->code, only, generate_accept(d, only, t->slot));
    if (!error && !had_slot)
        error = below_renew(d, t);
    struct dpf_table *table = error ? NULL : table_take(d, 8, &d->run->slot[t->slot], code_address(d, &t->gone));
    if (!table)
        return error ? error : DPF_NO_MEMORY;
    table_put(table, t->edges->key, code_address(d, only->tests ? &only->tests->code : &only->code));
    t->table = table;
    slot_set(d, t->table_slot, (uint64_t)table);
    return fragment_renew(d, t);
}

/* ---- the trie's own shape ---- */

static struct dpf_test *test_find(const struct dpf_state *s, const struct dpf_atom *a)
{
    struct dpf_atom key = *a;

    if (a->kind == DPF_EQ)
        key.low = 0;
    for (struct dpf_test *t = s->tests; t; t = t->next)
        if (dpf_atom_same(&t->atom, &key))
            return t;
    return NULL;
}

static struct dpf_edge *edge_find(const struct dpf_test *t, const struct dpf_atom *a)
{
    uint64_t key = a->kind == DPF_EQ ? generate_key(a, a->low) : 0;

    for (struct dpf_edge *e = t->edges; e; e = e->next)
        if (e->key == key)
            return e;
    return NULL;
}

static void chain_free(struct dpf *d, struct dpf_test *t);

static void state_free(struct dpf *d, struct dpf_state *s)
{
    while (s->tests) {
        struct dpf_test *t = s->tests;
        s->tests = t->next;
        chain_free(d, t);
    }
    fragment_drop(d, &s->code);
    fragment_drop(d, &s->accept);
    slot_give(d, s->entry_slot);
    retire(d, &d->data, s, sizeof *s);
}

static void chain_free(struct dpf *d, struct dpf_test *t)
{
    while (t->edges) {
        struct dpf_edge *e = t->edges;
        t->edges = e->next;
        state_free(d, e->to);
        retire(d, &d->data, e, sizeof *e);
    }
    fragment_drop(d, &t->code);
    fragment_drop(d, &t->leave);
    fragment_drop(d, &t->gone);
    if (t->table)
        retire(d, &d->data, t->table, table_bytes(t->table->size));
    slot_give(d, t->slot);
    slot_give(d, t->table_slot);
    retire(d, &d->data, t, sizeof *t);
}

/* ---- insertion ---- */

static struct dpf_edge *edge_add(struct dpf *d, struct dpf_test *t, const struct dpf_atom *a)
{
    struct dpf_edge *e = take(d, sizeof *e);
    struct dpf_state *s = e ? take(d, sizeof *s) : NULL;
    const struct dpf_state *from = t->owner;

    if (!s) {
        if (e)
            cells_give(&d->data, e, sizeof *e);
        return NULL;
    }
    bool shift = a->kind == DPF_SHIFT;
    *s = (struct dpf_state){.via = t, .depth = from->depth + 1, .level = from->level + shift,
                            .align = shift ? generate_align(from->align, a) : from->align};
    *e = (struct dpf_edge){a->kind == DPF_EQ ? generate_key(a, a->low) : 0, s, t->edges};
    t->edges = e;
    t->edge_count++;
    return e;
}

/* A test in front of a state's others. */
static struct dpf_test *test_add(struct dpf *d, struct dpf_state *s, const struct dpf_atom *a)
{
    struct dpf_test *t = take(d, sizeof *t);

    if (!t)
        return NULL;
    t->atom = *a;
    if (a->kind == DPF_EQ)
        t->atom.low = 0;
    t->owner = s;
    t->next = s->tests;
    s->tests = t;
    return t;
}

/* States and tests for the atoms from `i` on, behind `s`; the last one accepts. */
static bool chain_make(struct dpf *d, struct dpf_state *s, const struct dpf_filter *f, unsigned i, uint32_t number)
{
    for (; i < f->count; i++) {
        struct dpf_test *t = test_add(d, s, &f->atom[i]);
        struct dpf_edge *e = t ? edge_add(d, t, &f->atom[i]) : NULL;
        if (!e)
            return false;
        s = e->to;
    }
    s->accepts = number + 1;
    return true;
}

static void mode_set(struct dpf *d)
{
    slot_set(d, DPF_SLOT_START, d->alternatives ? d->helpers.start_more : d->run->slot[DPF_SLOT_ROOT]);
}

/* A state that had one way on is about to have two: its test gets what it needs to stand beside another. */
static int test_free_stand(struct dpf *d, struct dpf_state *s, struct dpf_test *t)
{
    bool had_slot = t->slot;
    int error = slot_own(d, t);

    if (!error)
        error = tail_make(d, s);
    if (!error && !had_slot && !t->table)
        error = below_renew(d, t);
    if (!error && (!had_slot || !t->code.size))
        error = fragment_make(d, &t->code, t->owner, generate_test(d, t));
    return error;
}

/* Those who fell into the state jump to it from now on. */
static int state_enter(struct dpf *d, struct dpf_state *s)
{
    bool entered = is_entered(s);
    int error = entry_make(d, s);

    if (error)
        return error;
    state_publish(d, s);
    return entered ? 0 : fragment_renew(d, s->via);
}

static int accept_add(struct dpf *d, struct dpf_state *s, uint32_t number)
{
    bool joined = dpf_state_joins(s);

    if (s->accepts)
        return DPF_DUPLICATE;
    s->accepts = number + 1;
    int error = joined ? tail_make(d, s) : test_free_stand(d, s, s->tests);
    if (error) {
        s->accepts = 0;
        return error;
    }
    d->alternatives += !joined;
    mode_set(d);
    return joined ? 0 : state_enter(d, s);
}

static int edge_insert(struct dpf *d, struct dpf_test *t, const struct dpf_filter *f, unsigned i, uint32_t number)
{
    int error = t->table ? 0 : table_make(d, t);
    struct dpf_edge *e = error ? NULL : edge_add(d, t, &f->atom[i]);

    if (!e)
        return error ? error : DPF_NO_MEMORY;
    struct dpf_state *s = e->to;
    error = chain_make(d, s, f, i + 1, number) ? 0 : DPF_NO_MEMORY;
    if (!error)
        error = s->tests ? fragment_make(d, &s->tests->code, s, generate_test(d, s->tests))
                         : fragment_make(d, &s->code, s, generate_accept(d, s, t->slot));
    if (!error)
        error = table_add(d, t, e->key, code_address(d, s->tests ? &s->tests->code : &s->code));
    if (error) {
        t->edges = e->next;
        t->edge_count--;
        state_free(d, s);
        retire(d, &d->data, e, sizeof *e);
    }
    return error;
}

/* What follows the new test in its state: the others, accepting, or nothing more. */
static int test_follow(struct dpf *d, struct dpf_state *s, struct dpf_test *t)
{
    if (!t->next)
        return tail_make(d, s);
    slot_set(d, t->slot, code_address(d, &t->next->code));
    return 0;
}

static int test_insert(struct dpf *d, struct dpf_state *s, const struct dpf_filter *f, unsigned i, uint32_t number)
{
    struct dpf_test *old = s->tests, *t;
    bool joined = dpf_state_joins(s), root = !s->via;
    int error = old && !joined ? test_free_stand(d, s, old) : 0;

    if (error || !(t = test_add(d, s, &f->atom[i])))
        return error ? error : DPF_NO_MEMORY;
    struct dpf_edge *e = edge_add(d, t, &f->atom[i]);
    error = e && chain_make(d, e->to, f, i + 1, number) ? slot_own(d, t) : DPF_NO_MEMORY;
    if (!error)
        error = test_follow(d, s, t);
    if (!error)
        error = fragment_make(d, &t->code, t->owner, generate_test(d, t));
    if (error) {
        s->tests = old;
        chain_free(d, t);
        return error;
    }
    d->alternatives += !joined && !(root && !old);
    error = state_enter(d, s);
    mode_set(d);
    return error;
}

int dpf_insert(struct dpf *d, const struct dpf_filter *f, uint32_t number)
{
    struct dpf_state *s = &d->root;
    int error;

    if (d->retired_count > DPF_RETIRED - DPF_RETIRED_ONCE)
        return DPF_AGAIN;
    for (unsigned i = 0;; i++) {
        if (i == f->count) {
            error = accept_add(d, s, number);
            break;
        }
        struct dpf_test *t = test_find(s, &f->atom[i]);
        struct dpf_edge *e = t ? edge_find(t, &f->atom[i]) : NULL;
        if (!e) {
            error = t ? edge_insert(d, t, f, i, number) : test_insert(d, s, f, i, number);
            break;
        }
        s = e->to;
    }
    d->filters += !error;
    return error;
}

/* ---- removal ---- */

static void edge_unlink(struct dpf *d, struct dpf_test *t, struct dpf_state *s)
{
    struct dpf_edge **at = &t->edges;

    while ((*at)->to != s)
        at = &(*at)->next;
    struct dpf_edge *e = *at;
    __atomic_store_n(&bucket_find(t->table, e->key)->target, t->table->gone, __ATOMIC_RELEASE);
    *at = e->next;
    t->edge_count--;
    state_free(d, s);
    retire(d, &d->data, e, sizeof *e);
}

/* A state lost its last test: who came to it accepts at once. */
static int leaf_publish(struct dpf *d, struct dpf_state *s)
{
    if (!s->via) {
        state_publish(d, s);
        return 0;
    }
    if (!s->via->table)
        return fragment_renew(d, s->via);
    int error = fragment_make(d, &s->code, s, generate_accept(d, s, slot_above(s)));
    if (!error)
        state_publish(d, s);
    return error;
}

static int test_unlink(struct dpf *d, struct dpf_state *s, struct dpf_test *t)
{
    struct dpf_test **at = &s->tests, *before = NULL;
    int error = 0;

    for (; *at != t; at = &(*at)->next)
        before = *at;
    *at = t->next;
    if (!before && s->tests)
        state_publish(d, s);
    else if (!before)
        error = leaf_publish(d, s);
    else if (t->next)
        slot_set(d, before->slot, code_address(d, &t->next->code));
    else
        error = tail_make(d, s);
    if (error)
        *at = t;
    else
        chain_free(d, t);
    return error;
}

/* The longest piece that serves this leaf alone goes. */
static int leaf_remove(struct dpf *d, struct dpf_state *s)
{
    for (;;) {
        struct dpf_test *t = s->via;
        struct dpf_state *from = t->owner;
        if (t->edge_count > 1 || t->table) {
            edge_unlink(d, t, s);
            if (t->edge_count)
                return 0;
        }
        if (from->via && !from->accepts && from->tests == t && !t->next) {
            s = from;
            continue;
        }
        bool joined = dpf_state_joins(from);
        int error = test_unlink(d, from, t);
        if (!error)
            d->alternatives -= joined && !dpf_state_joins(from);
        return error;
    }
}

int dpf_remove(struct dpf *d, const struct dpf_filter *f)
{
    struct dpf_state *s = &d->root;
    int error;

    if (d->retired_count > DPF_RETIRED - DPF_RETIRED_ONCE)
        return DPF_AGAIN;
    for (unsigned i = 0; i < f->count; i++) {
        struct dpf_test *t = test_find(s, &f->atom[i]);
        struct dpf_edge *e = t ? edge_find(t, &f->atom[i]) : NULL;
        if (!e)
            return DPF_NO_FILTER;
        s = e->to;
    }
    uint32_t accepts = s->accepts;
    if (!accepts)
        return DPF_NO_FILTER;
    if (s->tests) {
        s->accepts = 0;
        error = tail_make(d, s);
        if (error)
            s->accepts = accepts;
        else if (!dpf_state_joins(s))
            d->alternatives--;
    } else {
        error = leaf_remove(d, s);
    }
    d->filters -= !error;
    mode_set(d);
    return error;
}

/* ---- the reference ---- */

static bool atom_load(const struct dpf_atom *a, const uint8_t *frame, size_t length, size_t base, uint64_t *value)
{
    size_t at = base + a->offset;

    if (at + a->width > length)
        return false;
    *value = 0;
    for (unsigned i = 0; i < a->width; i++)
        *value = *value << 8 | frame[at + i];
    *value &= a->mask;
    return true;
}

static const struct dpf_state *edge_follow(const struct dpf_test *t, uint64_t value)
{
    if (t->atom.kind == DPF_RANGE && (value < t->atom.low || value > t->atom.high))
        return NULL;
    uint64_t key = t->atom.kind == DPF_EQ ? generate_key(&t->atom, value) : 0;
    for (const struct dpf_edge *e = t->edges; e; e = e->next)
        if (e->key == key)
            return e->to;
    return NULL;
}

static void walk(const struct dpf_state *s, const uint8_t *frame, size_t length, size_t base,
                 const struct dpf_state **best)
{
    for (const struct dpf_test *t = s->tests; t; t = t->next) {
        uint64_t value;
        if (!atom_load(&t->atom, frame, length, base, &value))
            continue;
        const struct dpf_state *to = edge_follow(t, value);
        size_t shift = t->atom.kind == DPF_SHIFT ? (value << t->atom.left) + t->atom.add : 0;
        if (to)
            walk(to, frame, length, base + shift, best);
    }
    if (s->accepts && (!*best || s->depth > (*best)->depth))
        *best = s;
}

uint32_t dpf_walk(const struct dpf *d, const uint8_t *frame, size_t length)
{
    const struct dpf_state *best = NULL;

    walk(&d->root, frame, length, 0, &best);
    return best ? best->accepts : 0;
}

void dpf_init(struct dpf *d, struct dpf_run *run, void *data, uint32_t data_cells, void *code, uint32_t code_cells,
              long code_delta, uint64_t *bits, const struct dpf_helpers *helpers)
{
    clear(d, sizeof *d / 8 * 8);
    clear(run, sizeof *run);
    d->run = run;
    d->code_delta = code_delta;
    d->helpers = *helpers;
    d->root.align = DPF_ALIGN_FRAME;
    cells_init(&d->data, data, data_cells, bits);
    cells_init(&d->code, code, code_cells, bits + data_cells / 64 + 1);
    d->slot_used[0] = (1UL << DPF_SLOTS_KEPT) - 1;
    slot_set(d, DPF_SLOT_DISPATCH, helpers->dispatch);
    slot_set(d, DPF_SLOT_DONE, helpers->done);
    slot_set(d, DPF_SLOT_ROOT, helpers->done);
    slot_set(d, DPF_SLOT_START, helpers->done);
}
