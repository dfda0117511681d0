/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

static uint64_t width_mask(unsigned width)
{
    return width == 8 ? ~0UL : (1UL << 8 * width) - 1;
}

/* ---- what is refused ---- */

static int shift_check(const struct dpf_atom *a)
{
    if (a->low || a->high)
        return DPF_BAD_SHIFT;
    if (a->left > 8 || (a->mask << a->left) + a->add > DPF_SHIFT_MAX)
        return DPF_BAD_SHIFT;
    return 0;
}

static int compare_check(const struct dpf_atom *a)
{
    if (a->left || a->add)
        return DPF_BAD_SHIFT;
    if (a->kind == DPF_EQ) {
        if (a->low & ~a->mask)
            return DPF_BAD_MASK;
        return a->high ? DPF_BAD_RANGE : 0;
    }
    return a->low > a->high || a->low > a->mask || a->high > a->mask ? DPF_BAD_RANGE : 0;
}

static int atom_check(const struct dpf_atom *a)
{
    unsigned widest = a->kind == DPF_EQ ? 8 : a->kind == DPF_RANGE ? 4 : 2;

    if (a->kind < DPF_EQ || a->kind > DPF_SHIFT)
        return DPF_BAD_KIND;
    if (!a->width || a->width & (a->width - 1) || a->width > widest)
        return DPF_BAD_WIDTH;
    if (a->offset > DPF_OFFSET_MAX || a->offset + a->width > DPF_OFFSET_MAX)
        return DPF_BAD_OFFSET;
    if (!a->mask || a->mask & ~width_mask(a->width))
        return DPF_BAD_MASK;
    return a->kind == DPF_SHIFT ? shift_check(a) : compare_check(a);
}

int dpf_check(const struct dpf_filter *filter)
{
    unsigned shifts = 0;

    if (!filter->count || filter->count > DPF_ATOMS)
        return DPF_BAD_COUNT;
    for (unsigned i = 0; i < filter->count; i++) {
        int error = atom_check(&filter->atom[i]);
        if (error)
            return error;
        shifts += filter->atom[i].kind == DPF_SHIFT;
    }
    return shifts > DPF_SHIFTS ? DPF_BAD_SHIFT : 0;
}

/* ---- by interpretation ---- */

static bool load(const struct dpf_atom *a, const uint8_t *frame, size_t length, size_t base, uint64_t *value)
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

bool dpf_match(const struct dpf_filter *filter, const uint8_t *frame, size_t length)
{
    size_t base = 0;

    for (unsigned i = 0; i < filter->count; i++) {
        const struct dpf_atom *a = &filter->atom[i];
        uint64_t value;
        if (!load(a, frame, length, base, &value))
            return false;
        if (a->kind == DPF_SHIFT)
            base += (value << a->left) + a->add;
        else if (a->kind == DPF_EQ ? value != a->low : value < a->low || value > a->high)
            return false;
    }
    return true;
}

/* ---- comparing filters ---- */

bool dpf_atom_same(const struct dpf_atom *a, const struct dpf_atom *b)
{
    return a->kind == b->kind && a->width == b->width && a->left == b->left && a->add == b->add &&
           a->offset == b->offset && a->mask == b->mask && a->low == b->low && a->high == b->high;
}

/* Which base an atom is relative to: the shifts before it. Bases are the same if these are. */
static bool same_base(const struct dpf_filter *a, unsigned i, const struct dpf_filter *b, unsigned j)
{
    unsigned m = 0, n = 0;

    for (;;) {
        while (m < i && a->atom[m].kind != DPF_SHIFT)
            m++;
        while (n < j && b->atom[n].kind != DPF_SHIFT)
            n++;
        if (m == i || n == j)
            return m == i && n == j;
        if (!dpf_atom_same(&a->atom[m++], &b->atom[n++]))
            return false;
    }
}

/* The byte of an atom's mask or value that lies `at` bytes behind the base. */
static unsigned byte_at(const struct dpf_atom *a, uint64_t word, uint32_t at)
{
    return word >> 8 * (a->offset + a->width - 1 - at) & 0xff;
}

static bool range_covers(const struct dpf_atom *range, uint64_t value)
{
    value &= range->mask;
    return value >= range->low && value <= range->high;
}

bool dpf_atom_contradicts(const struct dpf_atom *a, const struct dpf_atom *b)
{
    if (a->kind == DPF_SHIFT || b->kind == DPF_SHIFT)
        return false;
    if (a->kind == DPF_EQ && b->kind == DPF_EQ) {
        uint32_t first = a->offset > b->offset ? a->offset : b->offset;
        uint32_t a_end = a->offset + a->width, b_end = b->offset + b->width;
        for (uint32_t at = first; at < (a_end < b_end ? a_end : b_end); at++) {
            unsigned both = byte_at(a, a->mask, at) & byte_at(b, b->mask, at);
            if ((byte_at(a, a->low, at) ^ byte_at(b, b->low, at)) & both)
                return true;
        }
        return false;
    }
    if (a->offset != b->offset || a->width != b->width)
        return false;
    if (a->kind == DPF_RANGE && b->kind == DPF_RANGE)
        return a->mask == b->mask && (a->high < b->low || b->high < a->low);
    const struct dpf_atom *range = a->kind == DPF_RANGE ? a : b, *value = a->kind == DPF_RANGE ? b : a;
    return !(range->mask & ~value->mask) && !range_covers(range, value->low);
}

bool dpf_overlap(const struct dpf_filter *a, const struct dpf_filter *b)
{
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned j = 0; j < b->count; j++)
            if (same_base(a, i, b, j) && dpf_atom_contradicts(&a->atom[i], &b->atom[j]))
                return false;
    return true;
}

/* What b's comparisons for equality say of the byte `at` bytes behind the base of a's atom i: its known bits, and their values. */
static unsigned byte_known(const struct dpf_filter *a, unsigned i, const struct dpf_filter *b, uint32_t at, unsigned *value)
{
    unsigned known = 0;

    *value = 0;
    for (unsigned j = 0; j < b->count; j++) {
        const struct dpf_atom *c = &b->atom[j];
        if (c->kind != DPF_EQ || at < c->offset || at >= c->offset + c->width || !same_base(a, i, b, j))
            continue;
        known |= byte_at(c, c->mask, at);
        *value |= byte_at(c, c->low, at);
    }
    return known;
}

/* Whether b's frames surely have all bytes that a's atom i loads. */
static bool bytes_there(const struct dpf_filter *a, unsigned i, const struct dpf_filter *b)
{
    for (unsigned j = 0; j < b->count; j++)
        if (b->atom[j].offset + b->atom[j].width >= a->atom[i].offset + a->atom[i].width && same_base(a, i, b, j))
            return true;
    return false;
}

/* The bits under an atom's mask that b's frames surely have, or false: not all are known. */
static bool field_known(const struct dpf_filter *a, unsigned i, const struct dpf_filter *b, uint64_t *field)
{
    const struct dpf_atom *p = &a->atom[i];

    *field = 0;
    for (uint32_t at = p->offset; at < p->offset + p->width; at++) {
        unsigned value, mask = byte_at(p, p->mask, at), known = byte_known(a, i, b, at, &value);
        if (mask & ~known)
            return false;
        *field = *field << 8 | (value & mask);
    }
    return true;
}

static bool atom_implied(const struct dpf_filter *a, unsigned i, const struct dpf_filter *b)
{
    const struct dpf_atom *p = &a->atom[i];
    uint64_t field;

    for (unsigned j = 0; j < b->count; j++) {
        const struct dpf_atom *c = &b->atom[j];
        if (!same_base(a, i, b, j) || c->kind != p->kind)
            continue;
        if (dpf_atom_same(p, c))
            return true;
        if (p->kind == DPF_RANGE && c->offset == p->offset && c->width == p->width && c->mask == p->mask && c->low >= p->low &&
            c->high <= p->high)
            return true;
    }
    if (p->kind == DPF_SHIFT || !bytes_there(a, i, b) || !field_known(a, i, b, &field))
        return false;
    return p->kind == DPF_EQ ? field == p->low : field >= p->low && field <= p->high;
}

bool dpf_refines(const struct dpf_filter *a, const struct dpf_filter *b)
{
    for (unsigned i = 0; i < a->count; i++)
        if (!atom_implied(a, i, b))
            return false;
    return true;
}
