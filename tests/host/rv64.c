/* SPDX-License-Identifier: BSD-2-Clause */
#include "rv64.h"

#include <string.h>

static bool load(struct rv64 *c, uint32_t w)
{
    static const uint8_t width[8] = {1, 2, 4, 8, 1, 2, 4, 0};
    unsigned kind = w >> 12 & 7;
    uint64_t at = c->x[w >> 15 & 31] + (uint64_t)(int64_t)((int32_t)w >> 20), value = 0;

    if (!width[kind] || !c->readable(at, width[kind]))
        return false;
    memcpy(&value, (void *)at, width[kind]);
    if (kind < 3)
        value = (uint64_t)((int64_t)(value << (64 - 8 * width[kind])) >> (64 - 8 * width[kind]));
    c->x[w >> 7 & 31] = value;
    return true;
}

static bool immediate(struct rv64 *c, uint32_t w)
{
    uint64_t a = c->x[w >> 15 & 31], n = (uint64_t)(int64_t)((int32_t)w >> 20), *rd = &c->x[w >> 7 & 31];

    switch (w >> 12 & 7) {
    case 0:
        *rd = a + n;
        return true;
    case 1:
        *rd = a << (n & 63);
        return w >> 26 == 0;
    case 5:
        *rd = a >> (n & 63);
        return w >> 26 == 0;
    case 7:
        *rd = a & n;
        return true;
    default:
        return false;
    }
}

static bool registers(struct rv64 *c, uint32_t w)
{
    uint64_t a = c->x[w >> 15 & 31], b = c->x[w >> 20 & 31], *rd = &c->x[w >> 7 & 31];

    switch (w >> 12 & 7) {
    case 0:
        *rd = a + b;
        break;
    case 6:
        *rd = a | b;
        break;
    case 7:
        *rd = a & b;
        break;
    default:
        return false;
    }
    return w >> 25 == 0;
}

static bool branch(struct rv64 *c, uint32_t w)
{
    int64_t offset = (int64_t)(int32_t)(w & 0x80000000) >> 19 | (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1;
    uint64_t a = c->x[w >> 15 & 31], b = c->x[w >> 20 & 31];
    bool taken;

    switch (w >> 12 & 7) {
    case 0:
        taken = a == b;
        break;
    case 1:
        taken = a != b;
        break;
    case 6:
        taken = a < b;
        break;
    case 7:
        taken = a >= b;
        break;
    default:
        return false;
    }
    if (taken)
        c->pc += (uint64_t)offset - 4;
    return true;
}

bool rv64_step(struct rv64 *c)
{
    uint32_t w;

    if (!c->readable(c->pc, 4))
        return false;
    memcpy(&w, (void *)c->pc, 4);
    c->pc += 4;
    c->count++;
    c->x[0] = 0;
    switch (w & 0x7f) {
    case 0x03:
        return load(c, w);
    case 0x13:
        return immediate(c, w);
    case 0x1b:
        c->x[w >> 7 & 31] = (uint64_t)(int64_t)(int32_t)(c->x[w >> 15 & 31] + (uint64_t)(int64_t)((int32_t)w >> 20));
        return (w >> 12 & 7) == 0;
    case 0x37:
        c->x[w >> 7 & 31] = (uint64_t)(int64_t)(int32_t)(w & 0xfffff000);
        return true;
    case 0x33:
        return registers(c, w);
    case 0x63:
        return branch(c, w);
    case 0x67:
        c->pc = c->x[w >> 15 & 31] + (uint64_t)(int64_t)((int32_t)w >> 20);
        return (w >> 7 & 31) == 0;
    default:
        return false;
    }
}
