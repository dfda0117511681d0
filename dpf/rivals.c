/* SPDX-License-Identifier: BSD-2-Clause */
/* The trie walked: for a frame, as compiled code does it; for a filter, who else may match its frames. */
#include "parts.h"

/* ---- a frame: the reference ---- */

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
    for (const struct dpf_state *s = t->edges; s; s = s->next)
        if (s->key == key)
            return s;
    return NULL;
}

/* The deeper one, or, of two as deep, the one that was installed later. */
static bool is_better(const struct dpf *d, const struct dpf_state *s, const struct dpf_state *best)
{
    if (!best || s->depth != best->depth)
        return !best || s->depth > best->depth;
    return (int32_t)(d->run->age[s->accepts] - d->run->age[best->accepts]) > 0;
}

static void walk(const struct dpf *d, const struct dpf_state *s, const uint8_t *frame, size_t length, size_t base,
                 const struct dpf_state **best)
{
    for (const struct dpf_test *t = s->tests; t; t = t->next) {
        uint64_t value;
        if (!atom_load(&t->atom, frame, length, base, &value))
            continue;
        const struct dpf_state *to = edge_follow(t, value);
        size_t shift = t->atom.kind == DPF_SHIFT ? (value << t->atom.left) + t->atom.add : 0;
        if (to)
            walk(d, to, frame, length, base + shift, best);
    }
    if (s->accepts && is_better(d, s, *best))
        *best = s;
}

uint32_t dpf_walk(const struct dpf *d, const uint8_t *frame, size_t length)
{
    const struct dpf_state *best = NULL;

    walk(d, &d->root, frame, length, 0, &best);
    return best ? best->accepts : 0;
}

/* ---- a filter ---- */

struct search {
    const struct dpf_filter *f;
    uint32_t *rival;
    unsigned max, count, looked;
    const struct dpf_atom *base[DPF_SHIFTS + 2]; /* the filter's atoms over its nth base: from [n] up to [n + 1] */
};

/* Whether the bases in a state are the filter's own of the same number: the shifts on the way to it are the same. */
static bool same_bases(const struct search *q, const struct dpf_state *s)
{
    unsigned level = s->level;

    for (const struct dpf_test *t = s->via; t; t = t->owner->via)
        if (t->atom.kind == DPF_SHIFT && (!q->base[level] || !dpf_atom_same(&t->atom, q->base[level--] - 1)))
            return false;
    return true;
}

/* The filter's atom that says which value a test finds, or null: it may find any. */
static const struct dpf_atom *atom_deciding(const struct search *q, const struct dpf_test *t, bool same)
{
    unsigned level = t->owner->level;

    for (const struct dpf_atom *a = same ? q->base[level] : NULL; a && a < q->base[level + 1]; a++)
        if (a->kind == DPF_EQ && a->offset == t->atom.offset && a->width == t->atom.width && !(t->atom.mask & ~a->mask))
            return a;
    return NULL;
}

static bool excluded(const struct search *q, const struct dpf_test *t, const struct dpf_state *to, bool same)
{
    struct dpf_atom atom = t->atom;
    unsigned level = t->owner->level;

    if (atom.kind == DPF_EQ)
        atom.low = generate_value(&atom, to->key);
    for (const struct dpf_atom *a = same ? q->base[level] : NULL; a && a < q->base[level + 1]; a++)
        if (dpf_atom_contradicts(a, &atom))
            return true;
    return false;
}

/* The first state behind a test that the filter's frames may come to, or null. */
static const struct dpf_state *first_behind(const struct search *q, const struct dpf_test *t, bool same)
{
    const struct dpf_atom *a = t->table ? atom_deciding(q, t, same) : NULL;

    return a ? dpf_table_find(t->table, generate_key(&t->atom, a->low & t->atom.mask)) : t->edges;
}

/* The first state behind `t` or a test after it. */
static const struct dpf_state *first_of_tests(const struct search *q, const struct dpf_test *t, bool same)
{
    const struct dpf_state *s = NULL;

    for (; t && !s; t = t->next)
        s = first_behind(q, t, same);
    return s;
}

/* What comes when all behind `s` has been looked at: its sibling, the next test's first, or the same above. */
static const struct dpf_state *next_of(const struct search *q, const struct dpf_state *s)
{
    for (; s->via; s = s->via->owner) {
        const struct dpf_test *t = s->via;
        bool same = same_bases(q, t->owner);
        if (s->next && !(t->table && atom_deciding(q, t, same)))
            return s->next;
        const struct dpf_state *to = first_of_tests(q, t->next, same);
        if (to)
            return to;
    }
    return NULL;
}

/* Each state that a frame of the filter's may come to, no deeper than it. False: too many. No recursion: stacks are small. */
static bool look(struct search *q, const struct dpf_state *s)
{
    while (s) {
        if (++q->looked > DPF_LOOK_MAX)
            return false;
        const struct dpf_state *to = NULL;
        if (!s->via || !excluded(q, s->via, s, same_bases(q, s->via->owner))) {
            if (s->accepts && q->count == q->max)
                return false;
            if (s->accepts)
                q->rival[q->count++] = s->accepts - 1;
            if (s->depth < q->f->count)
                to = first_of_tests(q, s->tests, same_bases(q, s));
        }
        s = to ? to : next_of(q, s);
    }
    return true;
}

int dpf_rivals(const struct dpf *d, const struct dpf_filter *f, uint32_t *rival, unsigned max)
{
    struct search q = {.f = f, .rival = rival, .max = max, .base = {f->atom}};
    unsigned level = 0;

    for (unsigned i = 0; i < f->count; i++)
        if (f->atom[i].kind == DPF_SHIFT)
            q.base[++level] = &f->atom[i + 1];
    q.base[level + 1] = &f->atom[f->count];
    return look(&q, &d->root) ? (int)q.count : DPF_RIVALS;
}
