/* SPDX-License-Identifier: BSD-2-Clause */
#include "parts.h"

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

static struct dpf_state *edge_find(const struct dpf_test *t, const struct dpf_atom *a)
{
    uint64_t key = a->kind == DPF_EQ ? generate_key(a, a->low) : 0;

    if (t->table)
        return dpf_table_find(t->table, key);
    return t->edges && t->edges->key == key ? t->edges : NULL;
}

static void edge_link(struct dpf_test *t, struct dpf_state *s)
{
    s->next = t->edges;
    if (s->next)
        s->next->prev = s;
    t->edges = s;
    t->edge_count++;
}

static void edge_unlink(struct dpf_test *t, struct dpf_state *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        t->edges = s->next;
    if (s->next)
        s->next->prev = s->prev;
    t->edge_count--;
}

static void chain_free(struct dpf *d, struct dpf_test *t);

static void state_free(struct dpf *d, struct dpf_state *s)
{
    while (s->tests) {
        struct dpf_test *t = s->tests;
        s->tests = t->next;
        chain_free(d, t);
    }
    dpf_fragment_drop(d, &s->code);
    dpf_fragment_drop(d, &s->accept);
    dpf_slot_give(d, s->entry_slot);
    dpf_retire(d, &d->data, s, sizeof *s);
}

static void chain_free(struct dpf *d, struct dpf_test *t)
{
    while (t->edges) {
        struct dpf_state *s = t->edges;
        edge_unlink(t, s);
        state_free(d, s);
    }
    dpf_fragment_drop(d, &t->code);
    dpf_fragment_drop(d, &t->leave);
    dpf_fragment_drop(d, &t->gone);
    if (t->table)
        dpf_retire(d, &d->data, t->table, dpf_table_bytes(t->table));
    dpf_slot_give(d, t->slot);
    dpf_slot_give(d, t->table_slot);
    dpf_retire(d, &d->data, t, sizeof *t);
}

/* ---- insertion ---- */

/* A state that fragments fell through gets an entry, since it has alternatives now. */
static int entry_make(struct dpf *d, struct dpf_state *s)
{
    if (dpf_is_entered(s))
        return 0;
    s->entry_slot = (uint16_t)dpf_slot_take(d);
    return s->entry_slot ? 0 : DPF_NO_MEMORY;
}

static struct dpf_state *edge_add(struct dpf *d, struct dpf_test *t, const struct dpf_atom *a)
{
    struct dpf_state *s = dpf_take(d, sizeof *s);
    const struct dpf_state *from = t->owner;
    bool shift = a->kind == DPF_SHIFT;

    if (!s)
        return NULL;
    *s = (struct dpf_state){.via = t, .key = a->kind == DPF_EQ ? generate_key(a, a->low) : 0, .depth = from->depth + 1,
                            .level = from->level + shift, .align = shift ? generate_align(from->align, a) : from->align};
    edge_link(t, s);
    return s;
}

/* A test in front of a state's others. */
static struct dpf_test *test_add(struct dpf *d, struct dpf_state *s, const struct dpf_atom *a)
{
    struct dpf_test *t = dpf_take(d, sizeof *t);

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
        s = t ? edge_add(d, t, &f->atom[i]) : NULL;
        if (!s)
            return false;
    }
    s->accepts = number + 1;
    return true;
}

/* A state that had one way on is about to have two: its test gets what it needs to stand beside another. */
static int test_free_stand(struct dpf *d, struct dpf_state *s, struct dpf_test *t)
{
    bool had_slot = t->slot;
    int error = dpf_slot_own(d, t);

    if (!error)
        error = dpf_tail_make(d, s);
    if (!error && !had_slot && !t->table)
        error = dpf_below_renew(d, t);
    if (!error && (!had_slot || !t->code.size))
        error = dpf_fragment_make(d, &t->code, t->owner, generate_test(d, t));
    return error;
}

/* Those who fell into the state jump to it from now on; `ended`: it had no tests, so they may accept where they stand. */
static int state_enter(struct dpf *d, struct dpf_state *s, bool ended)
{
    bool entered = dpf_is_entered(s) && !(ended && s->entry_slot);
    int error = entry_make(d, s);

    if (error)
        return error;
    dpf_state_publish(d, s);
    return entered ? 0 : dpf_fragment_renew(d, s->via);
}

static int accept_add(struct dpf *d, struct dpf_state *s, uint32_t number)
{
    bool joined = dpf_state_joins(s);

    if (s->accepts)
        return DPF_DUPLICATE;
    s->accepts = number + 1;
    int error = joined ? dpf_tail_make(d, s) : test_free_stand(d, s, s->tests);
    if (error) {
        s->accepts = 0;
        return error;
    }
    d->alternatives += !joined;
    dpf_mode_set(d);
    return joined ? 0 : state_enter(d, s, false);
}

static int edge_insert(struct dpf *d, struct dpf_test *t, const struct dpf_filter *f, unsigned i, uint32_t number)
{
    int error = t->table ? 0 : dpf_table_make(d, t);
    struct dpf_state *s = error ? NULL : edge_add(d, t, &f->atom[i]);

    if (!s)
        return error ? error : DPF_NO_MEMORY;
    error = chain_make(d, s, f, i + 1, number) ? 0 : DPF_NO_MEMORY;
    if (!error)
        error = s->tests ? dpf_fragment_make(d, &s->tests->code, s, generate_test(d, s->tests))
                         : dpf_fragment_make(d, &s->code, s, generate_accept(d, s, t->slot));
    if (!error)
        error = dpf_table_add(d, t, s, dpf_state_target(d, s));
    if (error) {
        edge_unlink(t, s);
        state_free(d, s);
    }
    return error;
}

/* What follows the new test in its state: the others, accepting, or nothing more. */
static int test_follow(struct dpf *d, struct dpf_state *s, struct dpf_test *t)
{
    if (!t->next)
        return dpf_tail_make(d, s);
    dpf_slot_set(d, t->slot, dpf_code_address(d, &t->next->code));
    return 0;
}

static int test_insert(struct dpf *d, struct dpf_state *s, const struct dpf_filter *f, unsigned i, uint32_t number)
{
    struct dpf_test *old = s->tests, *t;
    bool joined = dpf_state_joins(s), root = !s->via;
    int error = old && !joined ? test_free_stand(d, s, old) : 0;

    if (error || !(t = test_add(d, s, &f->atom[i])))
        return error ? error : DPF_NO_MEMORY;
    struct dpf_state *to = edge_add(d, t, &f->atom[i]);
    error = to && chain_make(d, to, f, i + 1, number) ? dpf_slot_own(d, t) : DPF_NO_MEMORY;
    if (!error)
        error = test_follow(d, s, t);
    if (!error)
        error = dpf_fragment_make(d, &t->code, t->owner, generate_test(d, t));
    if (error) {
        s->tests = old;
        chain_free(d, t);
        return error;
    }
    d->alternatives += !joined && !(root && !old);
    error = state_enter(d, s, !old);
    dpf_mode_set(d);
    return error;
}

int dpf_insert(struct dpf *d, const struct dpf_filter *f, uint32_t number)
{
    struct dpf_state *s = &d->root;
    int error;

    if (d->pending_count || d->retired_count > DPF_RETIRED - DPF_RETIRED_ONCE)
        return DPF_AGAIN;
    d->run->age[number + 1] = d->installations + 1;
    for (unsigned i = 0;; i++) {
        if (i == f->count) {
            error = accept_add(d, s, number);
            break;
        }
        struct dpf_test *t = test_find(s, &f->atom[i]);
        struct dpf_state *to = t ? edge_find(t, &f->atom[i]) : NULL;
        if (!to) {
            error = t ? edge_insert(d, t, f, i, number) : test_insert(d, s, f, i, number);
            break;
        }
        s = to;
    }
    d->filters += !error;
    d->installations += !error;
    return error;
}

/* ---- removal ---- */

static void edge_remove(struct dpf *d, struct dpf_test *t, struct dpf_state *s)
{
    dpf_table_remove(d, t->table, s->key);
    edge_unlink(t, s);
    state_free(d, s);
}

/* A state lost its last test: who came to it accepts at once. */
static int leaf_publish(struct dpf *d, struct dpf_state *s)
{
    if (!s->via) {
        dpf_state_publish(d, s);
        return 0;
    }
    if (!s->via->table)
        return dpf_fragment_renew(d, s->via);
    int error = dpf_fragment_make(d, &s->code, s, generate_accept(d, s, dpf_slot_above(s)));
    if (!error)
        dpf_state_publish(d, s);
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
        dpf_state_publish(d, s);
    else if (!before)
        error = leaf_publish(d, s);
    else if (t->next)
        dpf_slot_set(d, before->slot, dpf_code_address(d, &t->next->code));
    else
        error = dpf_tail_make(d, s);
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
            edge_remove(d, t, s);
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

    if (d->pending_count || d->retired_count > DPF_RETIRED - DPF_RETIRED_ONCE)
        return DPF_AGAIN;
    for (unsigned i = 0; i < f->count; i++) {
        struct dpf_test *t = test_find(s, &f->atom[i]);
        s = t ? edge_find(t, &f->atom[i]) : NULL;
        if (!s)
            return DPF_NO_FILTER;
    }
    uint32_t accepts = s->accepts;
    if (!accepts)
        return DPF_NO_FILTER;
    if (s->tests) {
        s->accepts = 0;
        error = dpf_tail_make(d, s);
        if (error)
            s->accepts = accepts;
        else if (!dpf_state_joins(s))
            d->alternatives--;
    } else {
        error = leaf_remove(d, s);
    }
    d->filters -= !error;
    dpf_mode_set(d);
    return error;
}

