/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the trie, its fragments of code, and the words by which running code reaches them. */
#include "parts.h"

/* ---- memory ---- */

static void clear(void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++)
        ((uint64_t *)at)[i] = 0;
}

void *dpf_take(struct dpf *d, size_t bytes)
{
    void *at = cells_take(&d->data, bytes);
    if (at)
        clear(at, (bytes + CELL_SIZE - 1) / CELL_SIZE * CELL_SIZE);
    return at;
}

void dpf_retire(struct dpf *d, struct cells *pool, void *at, size_t bytes)
{
    if (at && bytes)
        d->retired[d->retired_count++] = (struct dpf_retired){pool, at, bytes};
}

unsigned dpf_slot_take(struct dpf *d)
{
    for (unsigned i = 0; i < DPF_SLOTS / 64; i++)
        if (~d->slot_used[i]) {
            unsigned bit = (unsigned)__builtin_ctzl(~d->slot_used[i]);
            d->slot_used[i] |= 1UL << bit;
            return 64 * i + bit;
        }
    return 0;
}

/* Retired too: code that other harts are in may still jump through it. */
void dpf_slot_give(struct dpf *d, unsigned slot)
{
    if (slot)
        d->retired[d->retired_count++] = (struct dpf_retired){NULL, NULL, slot};
}

void dpf_reclaim(struct dpf *d)
{
    while (d->retired_count) {
        struct dpf_retired *r = &d->retired[--d->retired_count];
        if (r->pool) {
            cells_give(r->pool, r->at, r->bytes);
        } else {
            d->slot_used[r->bytes / 64] &= ~(1UL << r->bytes % 64);
            d->last[r->bytes] = 0;
        }
    }
}

void dpf_publish(struct dpf *d, uint64_t *at, uint64_t value)
{
    d->pending[d->pending_count++] = (struct dpf_pending){at, value};
}

void dpf_slot_set(struct dpf *d, unsigned slot, uint64_t target)
{
    dpf_publish(d, &d->run->slot[slot], target);
}

void dpf_commit(struct dpf *d)
{
    for (uint32_t i = 0; i < d->pending_count; i++)
        __atomic_store_n(d->pending[i].at, d->pending[i].value, __ATOMIC_RELEASE);
    d->pending_count = 0;
}

/* What a slot holds when the pending is stored. */
static uint64_t slot_get(const struct dpf *d, unsigned slot)
{
    for (uint32_t i = d->pending_count; i--;)
        if (d->pending[i].at == &d->run->slot[slot])
            return d->pending[i].value;
    return d->run->slot[slot];
}

/* ---- fragments ---- */

uint64_t dpf_code_address(const struct dpf *d, const struct dpf_code *c)
{
    return (uint64_t)c->at + (uint64_t)d->code_delta;
}

int dpf_fragment_make(struct dpf *d, struct dpf_code *code, const struct dpf_state *s, int instructions)
{
    if (instructions < 0)
        return instructions;
    if (!validate(d->buffer, (unsigned)instructions, DPF_SLOTS, d->last, s))
        return DPF_INVALID;
    uint32_t *at = cells_take(&d->code, 4 * (size_t)instructions);
    if (!at)
        return DPF_NO_MEMORY;
    for (int i = 0; i < instructions; i++)
        at[i] = d->buffer[i];
    dpf_retire(d, &d->code, code->at, code->size);
    *code = (struct dpf_code){at, 4 * (uint32_t)instructions};
    return 0;
}

void dpf_fragment_drop(struct dpf *d, struct dpf_code *code)
{
    dpf_retire(d, &d->code, code->at, code->size);
    *code = (struct dpf_code){0};
}

/* ---- who goes on where ---- */

unsigned dpf_slot_above(const struct dpf_state *s)
{
    return s->via ? dpf_slot_of(s->via) : DPF_SLOT_DONE;
}

unsigned dpf_slot_of(const struct dpf_test *t)
{
    return t->slot ? t->slot : dpf_slot_above(t->owner);
}

bool dpf_is_entered(const struct dpf_state *s)
{
    return !s->via || s->via->table || s->entry_slot;
}

uint64_t dpf_state_target(const struct dpf *d, const struct dpf_state *s)
{
    return dpf_code_address(d, s->tests ? &s->tests->code : &s->code);
}

void dpf_mode_set(struct dpf *d)
{
    dpf_slot_set(d, DPF_SLOT_START, d->alternatives ? d->helpers.start_more : slot_get(d, DPF_SLOT_ROOT));
}

void dpf_state_publish(struct dpf *d, const struct dpf_state *s)
{
    uint64_t target = dpf_state_target(d, s);

    if (!s->via) {
        dpf_slot_set(d, DPF_SLOT_ROOT, s->tests ? target : d->helpers.done);
        dpf_mode_set(d);
        return;
    }
    if (s->entry_slot)
        dpf_slot_set(d, s->entry_slot, target);
    if (s->via->table)
        dpf_publish(d, dpf_table_target(s->via->table, s->key), target);
}

int dpf_tail_make(struct dpf *d, struct dpf_state *s)
{
    struct dpf_test *last = s->tests;

    while (last->next)
        last = last->next;
    if (!last->slot)
        return 0;
    unsigned above = dpf_slot_above(s);
    struct dpf_code *code = s->accepts ? &s->accept : &last->leave;
    int error = dpf_fragment_make(d, code, s, s->accepts ? generate_accept(d, s, above) : generate_leave(d, above));
    if (!error)
        dpf_slot_set(d, last->slot, dpf_code_address(d, code));
    return error;
}

int dpf_fragment_renew(struct dpf *d, struct dpf_test *t)
{
    while (t->owner->tests == t && !dpf_is_entered(t->owner))
        t = t->owner->via;
    int error = dpf_fragment_make(d, &t->code, t->owner, generate_test(d, t));
    if (error)
        return error;
    if (t->owner->tests == t) {
        dpf_state_publish(d, t->owner);
        return 0;
    }
    struct dpf_test *before = t->owner->tests;
    while (before->next != t)
        before = before->next;
    dpf_slot_set(d, before->slot, dpf_code_address(d, &t->code));
    return 0;
}

int dpf_below_renew(struct dpf *d, struct dpf_test *t)
{
    for (;;) {
        struct dpf_state *s = t->edges;
        if (!s->tests)
            return s->code.size ? dpf_fragment_make(d, &s->code, s, generate_accept(d, s, dpf_slot_above(s))) : 0;
        if (s->tests->slot)
            return dpf_tail_make(d, s);
        t = s->tests;
    }
}

int dpf_slot_own(struct dpf *d, struct dpf_test *t)
{
    if (!t->slot)
        t->slot = (uint16_t)dpf_slot_take(d);
    return t->slot ? 0 : DPF_NO_MEMORY;
}

/* ---- the beginning ---- */

void dpf_memory(struct dpf *d, void *data, uint32_t data_cells, void *code, uint32_t code_cells, long code_delta, uint64_t *bits)
{
    d->code_delta = code_delta;
    cells_init(&d->data, data, data_cells, bits);
    cells_init(&d->code, code, code_cells, bits + data_cells / 64 + 1);
}

void dpf_init(struct dpf *d, struct dpf_run *run, void *data, uint32_t data_cells, void *code, uint32_t code_cells,
              long code_delta, uint64_t *bits, const struct dpf_helpers *helpers)
{
    clear(d, sizeof *d / 8 * 8);
    clear(run, sizeof *run);
    d->run = run;
    d->helpers = *helpers;
    d->root.align = DPF_ALIGN_FRAME;
    dpf_memory(d, data, data_cells, code, code_cells, code_delta, bits);
    d->slot_used[0] = (1UL << DPF_SLOTS_KEPT) - 1;
    dpf_slot_set(d, DPF_SLOT_DISPATCH, helpers->dispatch);
    dpf_slot_set(d, DPF_SLOT_DONE, helpers->done);
    dpf_slot_set(d, DPF_SLOT_ROOT, helpers->done);
    dpf_slot_set(d, DPF_SLOT_START, helpers->done);
    dpf_commit(d);
}
