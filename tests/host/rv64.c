/* SPDX-License-Identifier: BSD-2-Clause */
#include "rv64.h"

#include <string.h>

typedef __int128 wide;

static uint64_t i_offset(uint32_t w)
{
    return (uint64_t)(int64_t)((int32_t)w >> 20);
}

static uint64_t sign_extended(uint64_t value, unsigned bits)
{
    return (uint64_t)((int64_t)(value << (64 - bits)) >> (64 - bits));
}

static bool load(struct rv64 *c, uint32_t w)
{
    static const uint8_t width[8] = {1, 2, 4, 8, 1, 2, 4, 0};
    unsigned kind = w >> 12 & 7;
    uint64_t at = c->x[w >> 15 & 31] + i_offset(w), value = 0;

    if (!width[kind] || !c->readable(at, width[kind]))
        return false;
    memcpy(&value, (void *)at, width[kind]);
    c->x[w >> 7 & 31] = kind < 3 ? sign_extended(value, 8 * width[kind]) : value;
    return true;
}

static bool store(struct rv64 *c, uint32_t w)
{
    unsigned kind = w >> 12 & 7;
    uint64_t offset = sign_extended((w >> 25) << 5 | (w >> 7 & 31), 12), at = c->x[w >> 15 & 31] + offset;

    if (kind > 3 || !c->writable || !c->writable(at, 1U << kind))
        return false;
    memcpy((void *)at, &c->x[w >> 20 & 31], 1U << kind);
    return true;
}

static uint64_t smaller(uint64_t a, uint64_t b, bool is_signed)
{
    return (is_signed ? (int64_t)a < (int64_t)b : a < b) ? a : b;
}

static bool combine(unsigned five, uint64_t old, uint64_t b, uint64_t *new)
{
    bool is_signed = five < 0x18;

    switch (five) {
    case 0x00:
        *new = old + b;
        return true;
    case 0x01:
        *new = b;
        return true;
    case 0x04:
        *new = old ^ b;
        return true;
    case 0x08:
        *new = old | b;
        return true;
    case 0x0c:
        *new = old & b;
        return true;
    case 0x10:
    case 0x18:
        *new = smaller(old, b, is_signed);
        return true;
    case 0x14:
    case 0x1c:
        *new = smaller(old, b, is_signed) == old ? b : old;
        return true;
    default:
        return false;
    }
}

static bool atomic(struct rv64 *c, uint32_t w)
{
    unsigned kind = w >> 12 & 7, five = w >> 27;
    unsigned size = kind == 2 ? 4 : 8;
    uint64_t at = c->x[w >> 15 & 31], b = c->x[w >> 20 & 31], old = 0, new;

    if (kind < 2 || kind > 3 || at % size || !c->writable || !c->readable(at, size) || !c->writable(at, size))
        return false;
    memcpy(&old, (void *)at, size);
    /* Words: sign-extended, unsigned minima and maxima come out the same. */
    old = sign_extended(old, 8 * size);
    if (!combine(five, old, sign_extended(b, 8 * size), &new))
        return false;
    memcpy((void *)at, &new, size);
    c->x[w >> 7 & 31] = old;
    return true;
}

static bool immediate(struct rv64 *c, uint32_t w)
{
    uint64_t a = c->x[w >> 15 & 31], n = i_offset(w), *rd = &c->x[w >> 7 & 31];

    switch (w >> 12 & 7) {
    case 0:
        *rd = a + n;
        return true;
    case 1:
        *rd = a << (n & 63);
        return w >> 26 == 0;
    case 2:
        *rd = (int64_t)a < (int64_t)n;
        return true;
    case 3:
        *rd = a < n;
        return true;
    case 4:
        *rd = a ^ n;
        return true;
    case 5:
        *rd = w >> 30 & 1 ? (uint64_t)((int64_t)a >> (n & 63)) : a >> (n & 63);
        return (w >> 26 & ~16U) == 0;
    case 6:
        *rd = a | n;
        return true;
    default:
        *rd = a & n;
        return true;
    }
}

static bool word_immediate(struct rv64 *c, uint32_t w)
{
    uint64_t a = c->x[w >> 15 & 31], *rd = &c->x[w >> 7 & 31];
    unsigned n = w >> 20 & 31;

    switch (w >> 12 & 7) {
    case 0:
        *rd = sign_extended(a + i_offset(w), 32);
        return true;
    case 1:
        *rd = sign_extended(a << n, 32);
        return w >> 25 == 0;
    case 5:
        *rd = w >> 30 & 1 ? (uint64_t)(int64_t)((int32_t)a >> n) : sign_extended((uint32_t)a >> n, 32);
        return (w >> 25 & ~32U) == 0;
    default:
        return false;
    }
}

static int64_t quotient(int64_t a, int64_t b)
{
    return b == 0 ? -1 : b == -1 ? (int64_t)-(uint64_t)a : a / b;
}

static int64_t rest(int64_t a, int64_t b)
{
    return b == 0 ? a : b == -1 ? 0 : a % b;
}

static uint64_t multiplied(unsigned kind, uint64_t a, uint64_t b)
{
    switch (kind) {
    case 0:
        return a * b;
    case 1:
        return (uint64_t)((wide)(int64_t)a * (int64_t)b >> 64);
    case 2:
        return (uint64_t)((wide)(int64_t)a * (wide)b >> 64);
    case 3:
        return (uint64_t)((unsigned __int128)a * b >> 64);
    case 4:
        return (uint64_t)quotient((int64_t)a, (int64_t)b);
    case 5:
        return b ? a / b : ~0UL;
    case 6:
        return (uint64_t)rest((int64_t)a, (int64_t)b);
    default:
        return b ? a % b : a;
    }
}

static bool registers(struct rv64 *c, uint32_t w)
{
    uint64_t a = c->x[w >> 15 & 31], b = c->x[w >> 20 & 31], *rd = &c->x[w >> 7 & 31];
    unsigned kind = w >> 12 & 7, seven = w >> 25;

    if (seven == 1) {
        *rd = multiplied(kind, a, b);
        return true;
    }
    if (seven == 0x20) {
        *rd = kind ? (uint64_t)((int64_t)a >> (b & 63)) : a - b;
        return kind == 0 || kind == 5;
    }
    switch (kind) {
    case 0:
        *rd = a + b;
        break;
    case 1:
        *rd = a << (b & 63);
        break;
    case 2:
        *rd = (int64_t)a < (int64_t)b;
        break;
    case 3:
        *rd = a < b;
        break;
    case 4:
        *rd = a ^ b;
        break;
    case 5:
        *rd = a >> (b & 63);
        break;
    case 6:
        *rd = a | b;
        break;
    default:
        *rd = a & b;
        break;
    }
    return seven == 0;
}

static bool word_registers(struct rv64 *c, uint32_t w)
{
    uint64_t a = c->x[w >> 15 & 31], b = c->x[w >> 20 & 31], value;
    unsigned kind = w >> 12 & 7, seven = w >> 25;
    bool is_signed = kind == 4 || kind == 6;

    if (seven == 1) {
        if (kind == 1 || kind == 2 || kind == 3)
            return false;
        value = is_signed ? multiplied(kind, sign_extended(a, 32), sign_extended(b, 32)) : multiplied(kind, (uint32_t)a, (uint32_t)b);
    } else if (kind == 0) {
        value = seven ? a - b : a + b;
    } else if (kind == 1 && seven == 0) {
        value = a << (b & 31);
    } else if (kind == 5) {
        value = seven ? (uint64_t)(int64_t)((int32_t)a >> (b & 31)) : (uint32_t)a >> (b & 31);
    } else {
        return false;
    }
    c->x[w >> 7 & 31] = sign_extended(value, 32);
    return seven == 0 || seven == 1 || seven == 0x20;
}

static bool branch(struct rv64 *c, uint32_t w)
{
    int64_t offset = (int64_t)(int32_t)(w & 0x80000000) >> 19 | (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1;
    uint64_t a = c->x[w >> 15 & 31], b = c->x[w >> 20 & 31];
    unsigned kind = w >> 12 & 7;
    bool taken;

    if (kind == 2 || kind == 3)
        return false;
    taken = kind < 2 ? a == b : kind < 6 ? (int64_t)a < (int64_t)b : a < b;
    if (taken != (kind & 1))
        c->pc += (uint64_t)offset - 4;
    return true;
}

static bool jump(struct rv64 *c, uint32_t w)
{
    int64_t offset = (int64_t)(int32_t)(w & 0x80000000) >> 11 | (w & 0xff000) | (w >> 20 & 1) << 11 | (w >> 21 & 1023) << 1;

    c->x[w >> 7 & 31] = c->pc;
    c->pc += (uint64_t)offset - 4;
    return true;
}

static bool jump_register(struct rv64 *c, uint32_t w)
{
    uint64_t to = (c->x[w >> 15 & 31] + i_offset(w)) & ~1UL;

    c->x[w >> 7 & 31] = c->pc;
    c->pc = to;
    return (w >> 12 & 7) == 0;
}

bool rv64_execute(struct rv64 *c, uint32_t w)
{
    c->x[0] = 0;
    switch (w & 0x7f) {
    case 0x03:
        return load(c, w);
    case 0x0f:
        return (w >> 12 & 7) == 0;
    case 0x13:
        return immediate(c, w);
    case 0x17:
        c->x[w >> 7 & 31] = c->pc - 4 + sign_extended(w & 0xfffff000, 32);
        return true;
    case 0x1b:
        return word_immediate(c, w);
    case 0x23:
        return store(c, w);
    case 0x2f:
        return atomic(c, w);
    case 0x33:
        return registers(c, w);
    case 0x37:
        c->x[w >> 7 & 31] = sign_extended(w & 0xfffff000, 32);
        return true;
    case 0x3b:
        return word_registers(c, w);
    case 0x63:
        return branch(c, w);
    case 0x67:
        return jump_register(c, w);
    case 0x6f:
        return jump(c, w);
    default:
        return false;
    }
}

bool rv64_step(struct rv64 *c)
{
    uint32_t w;

    if (!(c->executable ? c->executable : c->readable)(c->pc, 4))
        return false;
    memcpy(&w, (void *)c->pc, 4);
    c->pc += 4;
    c->count++;
    return rv64_execute(c, w);
}
