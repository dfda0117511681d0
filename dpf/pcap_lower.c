/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of comparisons into conjunctions: negations are pushed down to the comparisons (where "not v" is "below v, or
 * above it"), conjunctions multiplied out, and what contradicts itself dropped. In a conjunction the atoms stand in one
 * order (the frame's, then what lies behind IPv4's header), so that filters of one kind share prefixes in the trie.
 */
#include <stdlib.h>
#include <string.h>

#include "pcap_tree.h"

#define TERMS      DPF_ATOMS
#define TERMS_LISTS (8 * PCAP_FILTERS) /* conjunctions on the way; few of them are left at the end */

struct conjunction {
    unsigned count;
    struct field term[TERMS];
};

struct list {
    unsigned count;
    struct conjunction *item; /* TERMS_LISTS */
};

static const char too_many[] = "the expression has too many alternatives";
static const char too_long[] = "a conjunction is too long";
static const char no_memory[] = "not enough memory";

/* ---- comparing fields ---- */

static int place_order(const struct field *a, const struct field *b)
{
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    if (a->header != b->header)
        return a->header < b->header ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    if (a->width != b->width)
        return a->width < b->width ? -1 : 1;
    return a->mask == b->mask ? 0 : a->mask > b->mask ? -1 : 1;
}

/* One more comparison. 1: it contradicts another; 0; -1: no room. */
static int term_add(struct conjunction *c, const struct field *f)
{
    unsigned i = 0;

    while (i < c->count && place_order(&c->term[i], f) < 0)
        i++;
    if (i < c->count && place_order(&c->term[i], f) == 0) {
        struct field *t = &c->term[i];
        t->low = t->low > f->low ? t->low : f->low;
        t->high = t->high < f->high ? t->high : f->high;
        return t->low > t->high;
    }
    if (c->count == TERMS)
        return -1;
    memmove(&c->term[i + 1], &c->term[i], (c->count - i) * sizeof c->term[0]);
    c->term[i] = *f;
    c->count++;
    return 0;
}

/* ---- lists ---- */

static bool list_make(struct list *l)
{
    l->count = 0;
    l->item = malloc(TERMS_LISTS * sizeof l->item[0]);
    return l->item;
}

/* Whether all that satisfies `strong` satisfies `weak`: it says all that `weak` says, of the same places. */
static bool implies(const struct conjunction *strong, const struct conjunction *weak)
{
    unsigned i = 0;

    for (unsigned j = 0; j < weak->count; j++) {
        const struct field *w = &weak->term[j];
        while (i < strong->count && place_order(&strong->term[i], w) < 0)
            i++;
        if (i == strong->count || place_order(&strong->term[i], w) || strong->term[i].low < w->low || strong->term[i].high > w->high)
            return false;
    }
    return true;
}

/* What another one implies is not kept. */
static const char *list_add(struct list *l, const struct conjunction *c)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < l->count; i++)
        if (implies(c, &l->item[i]))
            return NULL;
    for (unsigned i = 0; i < l->count; i++)
        if (!implies(&l->item[i], c))
            l->item[kept++] = l->item[i];
    l->count = kept;
    if (l->count == TERMS_LISTS)
        return too_many;
    l->item[l->count++] = *c;
    return NULL;
}

static const char *multiply(const struct list *a, const struct list *b, struct list *out)
{
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned j = 0; j < b->count; j++) {
            struct conjunction c = a->item[i];
            int bad = 0;
            for (unsigned k = 0; k < b->item[j].count && !bad; k++)
                bad = term_add(&c, &b->item[j].term[k]);
            if (bad < 0)
                return too_long;
            const char *error = bad ? NULL : list_add(out, &c);
            if (error)
                return error;
        }
    return NULL;
}

/* ---- the tree ---- */

static const char *field_lower(const struct field *f, bool wanted, struct list *out)
{
    struct conjunction c = {.count = 1, .term = {*f}};
    const char *error = NULL;

    if (wanted)
        return list_add(out, &c);
    if (f->low) {
        c.term[0].low = 0;
        c.term[0].high = f->low - 1;
        error = list_add(out, &c);
    }
    if (!error && f->high < f->mask) {
        c.term[0].low = f->high + 1;
        c.term[0].high = f->mask;
        error = list_add(out, &c);
    }
    return error;
}

static const char *lower(const struct node *n, bool wanted, struct list *out);

static const char *both(const struct node *n, bool wanted, struct list *out)
{
    struct list left, right = {0, NULL};
    const char *error = no_memory;

    if (list_make(&left) && list_make(&right)) {
        error = lower(n->left, wanted, &left);
        if (!error)
            error = lower(n->right, wanted, &right);
        if (!error)
            error = multiply(&left, &right, out);
    }
    free(left.item);
    free(right.item);
    return error;
}

static const char *lower(const struct node *n, bool wanted, struct list *out)
{
    static const struct conjunction always;
    const char *error;

    switch (n->kind) {
    case NODE_FIELD:
        return field_lower(&n->field, wanted, out);
    case NODE_NOT:
        return lower(n->left, !wanted, out);
    case NODE_TRUE:
    case NODE_FALSE:
        return (n->kind == NODE_TRUE) == wanted ? list_add(out, &always) : NULL;
    default:
        if ((n->kind == NODE_AND) == wanted)
            return both(n, wanted, out);
        error = lower(n->left, wanted, out);
        return error ? error : lower(n->right, wanted, out);
    }
}

/* ---- filters ---- */

static bool atom_put(struct dpf_filter *f, struct dpf_atom a)
{
    if (f->count == DPF_ATOMS)
        return false;
    f->atom[f->count++] = a;
    return true;
}

static bool shift_put(struct dpf_filter *f, unsigned header)
{
    return atom_put(f, (struct dpf_atom){.kind = DPF_SHIFT, .width = 1, .left = 2, .offset = header, .mask = 15});
}

static bool term_put(struct dpf_filter *f, const struct field *t)
{
    struct dpf_atom a = {.kind = DPF_RANGE, .width = t->width, .offset = t->offset, .mask = t->mask, .low = t->low, .high = t->high};

    if (t->low == t->high) {
        a.kind = DPF_EQ;
        a.high = 0;
    }
    return atom_put(f, a);
}

/* All of them lie behind the same header: what comes from elsewhere contradicts itself by the type field. */
static const char *filter_make(const struct conjunction *c, struct dpf_filter *f)
{
    bool shifted = false, room = true;

    f->count = 0;
    for (unsigned i = 0; i < c->count && room; i++) {
        const struct field *t = &c->term[i];
        if (t->low == 0 && t->high == t->mask && t->base == 0 && c->count > 1)
            continue; /* says nothing but that the byte is there */
        if (t->base && !shifted)
            room = shift_put(f, t->header);
        shifted |= t->base;
        room = room && term_put(f, t);
    }
    if (!f->count)
        return "the expression matches every frame: a filter has to say something";
    return room && !dpf_check(f) ? NULL : too_long;
}

const char *tree_lower(struct tree *t, struct node *root, struct pcap_filters *out)
{
    struct list l;
    const char *error;

    (void)t;
    out->count = 0;
    if (!list_make(&l))
        return no_memory;
    error = lower(root, true, &l);
    if (!error && l.count > PCAP_FILTERS)
        error = too_many;
    for (unsigned i = 0; i < l.count && !error; i++)
        error = filter_make(&l.item[i], &out->filter[out->count++]);
    free(l.item);
    return error;
}
