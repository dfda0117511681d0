/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf FOLDER COUNT: eBPF programs as handlers. counter.ash does what its source says; random0.ash ... leave the frame as an
 * interpreter of eBPF, written from RFC 9669 alone, leaves it.
 */
#include <elf.h>

#include "ash_run.h"

#include "image.h"
#include "tests/unit/tap.h"

#define FUEL 100000

struct insn {
    uint8_t code, registers;
    int16_t offset;
    int32_t imm;
};

static uint64_t r[11], stack[64];

/* ---- the interpreter ---- */

static uint64_t extended(uint64_t n, unsigned bits)
{
    return (uint64_t)((int64_t)(n << (64 - bits)) >> (64 - bits));
}

static uint64_t swapped(uint64_t n, unsigned bits)
{
    return __builtin_bswap64(n) >> (64 - bits);
}

static uint64_t divided(uint64_t a, uint64_t b, bool is_signed, bool wide, bool rest)
{
    if (!wide && is_signed)
        a = extended(a, 32), b = extended(b, 32);
    if (!b)
        return rest ? a : 0;
    if (!is_signed)
        return rest ? a % b : a / b;
    if (b == ~0UL)
        return rest ? 0 : -a;
    return (uint64_t)(rest ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b);
}

static uint64_t arithmetic(const struct insn *i, uint64_t a, uint64_t b)
{
    bool wide = (i->code & 7) == 7;
    unsigned shift = b & (wide ? 63 : 31);

    switch (i->code >> 4) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return divided(a, b, i->offset, wide, false);
    case 4: return a | b;
    case 5: return a & b;
    case 6: return a << shift;
    case 7: return a >> shift;
    case 8: return -a;
    case 9: return divided(a, b, i->offset, wide, true);
    case 10: return a ^ b;
    case 11: return i->offset ? extended(b, (unsigned)i->offset) : b;
    default: return (uint64_t)((int64_t)(wide ? a : extended(a, 32)) >> shift);
    }
}

static bool compared(const struct insn *i, uint64_t a, uint64_t b)
{
    bool wide = (i->code & 7) == 5;
    int64_t c = (int64_t)(wide ? a : extended(a, 32)), d = (int64_t)(wide ? b : extended(b, 32));

    switch (i->code >> 4) {
    case 0: return true;
    case 1: return a == b;
    case 2: return a > b;
    case 3: return a >= b;
    case 4: return a & b;
    case 5: return a != b;
    case 6: return c > d;
    case 7: return c >= d;
    case 10: return a < b;
    case 11: return a <= b;
    case 12: return c < d;
    default: return c <= d;
    }
}

static void atomic(const struct insn *i, void *at, uint64_t *source)
{
    unsigned bytes = i->code & 0x18 ? 8 : 4;
    uint64_t old = 0, new;

    memcpy(&old, at, bytes);
    switch (i->imm & 0xf0) {
    case 0x00: new = old + *source; break;
    case 0x40: new = old | *source; break;
    case 0x50: new = old & *source; break;
    case 0xa0: new = old ^ *source; break;
    default: new = *source;
    }
    memcpy(at, &new, bytes);
    if (i->imm & 1)
        *source = old;
}

static void memory(const struct insn *i, uint64_t *dst, uint64_t *src)
{
    static const unsigned sizes[4] = {4, 2, 1, 8};
    unsigned bytes = sizes[i->code >> 3 & 3];
    uint64_t imm = (uint64_t)(int64_t)i->imm, value = 0;

    if ((i->code & 7) == 1) {
        if (src == &r[1] && i->code == 0x61) { /* the context */
            *dst = (uint64_t)run.frame + ASH_FRAME_START;
            return;
        }
        memcpy(&value, (void *)(*src + (uint64_t)(int64_t)i->offset), bytes);
        *dst = i->code >> 5 == 4 ? extended(value, 8 * bytes) : value;
    } else if (i->code >> 5 == 6) {
        atomic(i, (void *)(*dst + (uint64_t)(int64_t)i->offset), src);
    } else {
        memcpy((void *)(*dst + (uint64_t)(int64_t)i->offset), (i->code & 7) == 3 ? src : &imm, bytes);
    }
}

static const struct insn *one(const struct insn *i)
{
    uint64_t *dst = &r[i->registers & 15], *src = &r[i->registers >> 4], b = i->code & 8 ? *src : (uint64_t)(int64_t)i->imm;

    switch (i->code & 7) {
    case 0:
        *dst = (uint32_t)i->imm | (uint64_t)(uint32_t)i[1].imm << 32;
        return i + 2;
    case 4:
        if (i->code >> 4 == 13)
            *dst = i->code & 8 ? swapped(*dst, (unsigned)i->imm) : *dst & (~0UL >> (64 - i->imm));
        else
            *dst = (uint32_t)arithmetic(i, (uint32_t)*dst, (uint32_t)b);
        return i + 1;
    case 7:
        *dst = i->code >> 4 == 13 ? swapped(*dst, (unsigned)i->imm) : arithmetic(i, *dst, b);
        return i + 1;
    case 5:
        return i + 1 + (compared(i, *dst, b) ? i->offset : 0);
    case 6:
        return i + 1 + (compared(i, (uint32_t)*dst, (uint32_t)b) ? i->offset : 0);
    default:
        memory(i, dst, src);
        return i + 1;
    }
}

static void interpret(const uint8_t *file)
{
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(file + head->e_shoff);

    memset(r, 0, sizeof r);
    memset(stack, 0, sizeof stack);
    r[10] = (uint64_t)(stack + 64);
    for (unsigned n = 0; n < head->e_shnum; n++)
        if (!strcmp((const char *)file + s[head->e_shstrndx].sh_offset + s[n].sh_name, "xdp"))
            for (const struct insn *i = (const struct insn *)(file + s[n].sh_offset); i->code != 0x95;)
                i = one(i);
}

static bool random_program(const char *folder, unsigned n)
{
    static uint8_t before[ASH_FRAME_SIZE], after[ASH_FRAME_SIZE];
    char path[256];
    struct ash_code code;
    size_t size;

    snprintf(path, sizeof path, "%s/random%u.bpf.o", folder, n);
    const uint8_t *file = image_read(path, &size);
    snprintf(path, sizeof path, "%s/random%u.ash", folder, n);
    if (!image_load(path, &code))
        return false;
    for (unsigned round = 0; round < 200; round++) {
        struct rv64 c;
        static uint64_t x = 88172645463325252;
        for (unsigned i = 0; i < ASH_FRAME_SIZE / 8; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            ((uint64_t *)run.frame)[i] = x >> 60 < 4 ? x >> (x & 63) : x >> 60 < 6 ? -(x >> (x & 63)) : x;
        }
        memcpy(before, run.frame, sizeof before);
        interpret(file);
        memcpy(after, run.frame, sizeof after);
        memcpy(run.frame, before, sizeof before);
        if (run_handler(&c, 100, FUEL) != RUN_ENDED || c.x[10] != ASH_PASS || memcmp(after, run.frame, sizeof after))
            return false;
    }
    return true;
}

/* ---- counter ---- */

static uint64_t counter_run(uint32_t source, unsigned protocol, unsigned length)
{
    struct rv64 c;
    uint8_t *frame = run.frame + ASH_FRAME_START;

    memset(run.frame, 0, ASH_FRAME_SIZE);
    memcpy(frame, "\1\2\3\4\5\6\7\10\11\12\13\14\10\0\105", 15);
    frame[23] = (uint8_t)protocol;
    memcpy(frame + 26, &source, 4);
    return run_handler(&c, length, FUEL) == RUN_ENDED ? c.x[10] : 99;
}

static void counter(const char *folder)
{
    char path[256];
    struct ash_code code;
    const uint8_t *frame;
    bool good;

    snprintf(path, sizeof path, "%s/counter.ash", folder);
    good = image_load(path, &code);
    frame = run.frame + ASH_FRAME_START;
    good &= counter_run(7, 17, 60) == ASH_SEND && !memcmp(frame, "\7\10\11\12\13\14\1\2\3\4\5\6", 12) && frame[30] == 7 && frame[26] == 0;
    good &= counter_run(7, 6, 60) == ASH_PASS && counter_run(7, 6, 30) == ASH_PASS;
    tap(good, "bpf: an XDP program answers, passes, and passes what is too short");
    good = counter_run(7, 6, 60) == ASH_PASS && counter_run(7, 6, 60) == ASH_PASS && counter_run(7, 6, 60) == ASH_PASS &&
           counter_run(7, 6, 60) == ASH_DROP && counter_run(7, 6, 60) == ASH_PASS;
    tap(good, "bpf: a hash map counts, its entry is taken out and begins anew");
    good = ((uint64_t *)run.window)[17] == 1 && ((uint64_t *)run.window)[6] == 6;
    tap(good, "bpf: the owner finds an array map at the window's beginning");
    for (uint32_t i = 0; i < 63; i++)
        good &= counter_run(1000 + i, 6, 60) == ASH_PASS;
    tap(good && counter_run(5000, 6, 60) == ASH_DROP, "bpf: a hash map takes as many entries as it says, and no more");
}

/* ---- balance ---- */

/* What flows.ash says of a frame of UDP that comes from a port; `options`: words in the header behind the first five. */
static uint64_t balance_run(unsigned port, unsigned options, unsigned length)
{
    struct rv64 c;
    uint8_t *frame = run.frame + ASH_FRAME_START;

    memset(run.frame, 0, ASH_FRAME_SIZE);
    memcpy(frame, "\1\2\3\4\5\6\7\10\11\12\13\14\10\0", 14);
    frame[14] = (uint8_t)(0x45 + options);
    memcpy(frame + 22, "\100\21\0\0\12\0\0\1\12\0\0\2", 12);
    frame[35 + 4 * options] = (uint8_t)port;
    return run_handler(&c, length, FUEL) == RUN_ENDED ? c.x[10] : 99;
}

static bool summed_well(const uint8_t *header, unsigned bytes)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < bytes; i += 2)
        sum += (uint32_t)header[i] << 8 | header[i + 1];
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/* Flows are the window's first map, and servers the next: its doublewords are found by what comes of them. */
static void balance(const char *folder)
{
    char path[256];
    struct ash_code code;
    uint64_t *window = (uint64_t *)run.window, *at;
    const uint8_t *frame;
    bool good;

    snprintf(path, sizeof path, "%s/flows.ash", folder);
    good = image_load(path, &code);
    frame = run.frame + ASH_FRAME_START;
    good &= balance_run(1, 0, 60) == ASH_PASS && balance_run(1, 0, 60) == ASH_PASS && balance_run(2, 0, 60) == ASH_PASS && window[0] == 2;
    good &= balance_run(1, 0, 40) == ASH_DROP && balance_run(1, 10, 60) == ASH_DROP && balance_run(1, 0, 13) == ASH_DROP && window[0] == 2;
    tap(good, "bpf: a balancer counts flows by keys of 16 bytes, and drops what is cut off");
    for (at = window + code.window / 8 - 1; at > window; at--) { /* from behind: what is not the stack's stays */
        uint64_t kept = *at;
        *at = 0x0400000a;
        if (balance_run(1, 0, 60) == ASH_SEND && !memcmp(frame + 30, "\12\0\0\4", 4))
            break;
        *at = kept;
    }
    good = at > window && !memcmp(frame, "\7\10\11\12\13\14\1\2\3\4\5\6", 12) && summed_well(frame + 14, 20);
    tap(good, "bpf: it turns frames to the server that its owner has written, their checksums right");
}

int main(int count, char **argument)
{
    bool good = true;

    if (count != 3)
        return 2;
    counter(argument[1]);
    balance(argument[1]);
    for (unsigned i = 0; i < (unsigned)atoi(argument[2]); i++)
        good &= random_program(argument[1], i);
    tap(good, "bpf: random programs of every operation leave what an interpreter of eBPF leaves");
    return tap_failed;
}
