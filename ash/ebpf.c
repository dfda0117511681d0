/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eBPF (RFC 9669) to C for ash-cc. Two things cannot be said in C as they stand, so they are followed through the program: which
 * registers hold the context (its 32-bit fields are addresses) and which hold a map. Everything else is arithmetic.
 */
#include <stdlib.h>
#include <string.h>

#include "bpf.h"

enum { LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 };
enum { NOTHING_YET, ANYTHING, CONTEXT, MAP }; /* MAP + n: map n */

struct translator {
    struct bpf_object *o;
    FILE *out;
    uint8_t (*holds)[11]; /* by instruction and register */
    uint8_t *target;
    uint32_t at;
    bool failed;
};

static bool bad(struct translator *t, const char *message)
{
    if (!t->failed)
        snprintf(t->o->message, sizeof t->o->message, "not taken: %s", message);
    t->failed = true;
    return false;
}

static const struct bpf_insn *insn(const struct translator *t)
{
    return &t->o->insn[t->at];
}

static unsigned class_of(const struct bpf_insn *i)
{
    return i->code & 7;
}

static bool is_wide(const struct bpf_insn *i)
{
    return i->code == 0x18;
}

static bool is_jump(const struct bpf_insn *i)
{
    unsigned operation = i->code >> 4;
    return (class_of(i) == JMP || class_of(i) == JMP32) && operation != 8 && operation != 9;
}

static int64_t jumps_to(const struct translator *t, const struct bpf_insn *i)
{
    return (int64_t)t->at + 1 + (i->code == 0x06 ? i->imm : i->offset);
}

/* ---- what registers hold ---- */

static bool join(uint8_t *to, const uint8_t *from)
{
    bool changed = false;

    for (unsigned r = 0; r < 11; r++) {
        uint8_t both = to[r] == NOTHING_YET || to[r] == from[r] ? from[r] : ANYTHING;
        changed |= both != to[r];
        to[r] = both;
    }
    return changed;
}

static void step(const struct translator *t, uint8_t *r)
{
    const struct bpf_insn *i = insn(t);
    const struct bpf_reference *f;

    if (i->dst > 10 || i->src > 10)
        return;
    switch (class_of(i)) {
    case LD:
        f = bpf_reference_of(t->o, t->at);
        r[i->dst] = f && f->is_map ? (uint8_t)(MAP + f->number) : ANYTHING;
        break;
    case ALU:
    case ALU64:
        r[i->dst] = i->code == 0xbf && i->offset == 0 ? r[i->src] : ANYTHING;
        break;
    case LDX:
        r[i->dst] = ANYTHING;
        break;
    case JMP:
        if (i->code >> 4 == 8)
            memset(r, ANYTHING, 6);
        break;
    case STX:
        if ((i->code & 0xe0) == 0xc0 && i->imm & 1)
            r[i->src] = ANYTHING;
        break;
    }
}

/* From the beginning until nothing changes. */
static bool follow(struct translator *t)
{
    uint32_t count = t->o->insns;
    uint8_t *waiting = calloc(count, 1), state[11];
    bool again = true;

    if (!waiting)
        abort();
    memset(t->holds[0], ANYTHING, 11);
    t->holds[0][1] = CONTEXT;
    waiting[0] = t->target[0] = 1;
    while (again && !t->failed) {
        again = false;
        for (t->at = 0; t->at < count && !t->failed; t->at++) {
            const struct bpf_insn *i = insn(t);
            int64_t next[2] = {t->at + 1 + is_wide(i), is_jump(i) ? jumps_to(t, i) : -1};
            if (!waiting[t->at])
                continue;
            waiting[t->at] = 0;
            memcpy(state, t->holds[t->at], sizeof state);
            step(t, state);
            if (i->code == 0x95 || i->code == 0x05 || i->code == 0x06)
                next[0] = -1;
            for (unsigned n = 0; n < 2; n++) {
                if (next[n] == -1)
                    continue;
                if (next[n] < 0 || next[n] >= count) {
                    bad(t, "a program that leaves its code");
                    break;
                }
                if (n)
                    t->target[next[n]] = 1;
                if (join(t->holds[next[n]], state)) {
                    waiting[next[n]] = 1;
                    again = true;
                }
            }
        }
    }
    free(waiting);
    return !t->failed;
}

/* ---- arithmetic ---- */

static void operand(const struct translator *t, char *text, size_t size, bool wide)
{
    const struct bpf_insn *i = insn(t);

    if (i->code & 8)
        snprintf(text, size, wide ? "r%u" : "(uint32_t)r%u", i->src);
    else if (wide)
        snprintf(text, size, "(uint64_t)(int64_t)(int32_t)0x%xU", (uint32_t)i->imm);
    else
        snprintf(text, size, "0x%xU", (uint32_t)i->imm);
}

static bool byte_order(struct translator *t)
{
    const struct bpf_insn *i = insn(t);
    bool swap = class_of(i) == ALU64 || i->code & 8;

    if (i->imm != 16 && i->imm != 32 && i->imm != 64)
        return bad(t, "a byte order of another width than 16, 32, 64");
    if (swap)
        fprintf(t->out, "r%u = bpf_swap%d(r%u);", i->dst, i->imm, i->dst);
    else
        fprintf(t->out, "r%u = (uint%d_t)r%u;", i->dst, i->imm, i->dst);
    return true;
}

static bool divide(struct translator *t, bool wide, const char *b)
{
    const struct bpf_insn *i = insn(t);
    bool modulo = i->code >> 4 == 9;

    if (i->offset != 0 && i->offset != 1)
        return bad(t, "an unknown division");
    fprintf(t->out, "r%u = bpf_%s%s%s(r%u, %s);", i->dst, i->offset ? "s" : "", modulo ? "mod" : "div", wide ? "64" : "32", i->dst, b);
    return true;
}

static bool move(struct translator *t, bool wide, const char *b)
{
    const struct bpf_insn *i = insn(t);

    if (i->offset == 0)
        fprintf(t->out, "r%u = %s;", i->dst, b);
    else if (i->code & 8 && (i->offset == 8 || i->offset == 16 || (i->offset == 32 && wide)))
        fprintf(t->out, "r%u = (uint%u_t)(int%u_t)(int%d_t)r%u;", i->dst, wide ? 64 : 32, wide ? 64 : 32, i->offset, i->src);
    else
        return bad(t, "an unknown move");
    return true;
}

static bool arithmetic(struct translator *t)
{
    static const char *const plain[] = {"+", "-", "*", 0, "|", "&", 0, 0, 0, 0, "^"};
    const struct bpf_insn *i = insn(t);
    unsigned operation = i->code >> 4;
    bool wide = class_of(i) == ALU64;
    const char *cast = wide ? "" : "(uint32_t)";
    char b[48];

    operand(t, b, sizeof b, wide);
    if (operation == 3 || operation == 9)
        return divide(t, wide, b);
    if (operation == 11)
        return move(t, wide, b);
    if (operation == 13)
        return byte_order(t);
    if (i->offset)
        return bad(t, "an unknown instruction");
    if (operation == 6 || operation == 7)
        fprintf(t->out, "r%u = %s(%sr%u %s (%s & %u));", i->dst, cast, cast, i->dst, operation == 6 ? "<<" : ">>", b, wide ? 63 : 31);
    else if (operation == 12)
        fprintf(t->out, "r%u = %s(uint64_t)((int%u_t)r%u >> (%s & %u));", i->dst, cast, wide ? 64 : 32, i->dst, b, wide ? 63 : 31);
    else if (operation == 8 && !(i->code & 8))
        fprintf(t->out, "r%u = %s-r%u;", i->dst, cast, i->dst);
    else if (operation < 11 && plain[operation])
        fprintf(t->out, "r%u = %s(r%u %s %s);", i->dst, cast, i->dst, plain[operation], b);
    else
        return bad(t, "an unknown instruction");
    return true;
}

/* ---- memory ---- */

static const char *type_of(const struct bpf_insn *i, bool is_signed)
{
    static const char *const types[2][4] = {{"ash_u32", "ash_u16", "uint8_t", "ash_u64"}, {"ash_s32", "ash_s16", "int8_t", 0}};
    return types[is_signed][i->code >> 3 & 3];
}

static bool load_context(struct translator *t)
{
    const struct bpf_insn *i = insn(t);

    if (i->code != 0x61)
        return bad(t, "a load from the context that is not of 32 bits");
    if (i->offset == 0 || i->offset == 8) /* data; data_meta: there are none */
        fprintf(t->out, "r%u = (uint64_t)frame;", i->dst);
    else if (i->offset == 4)
        fprintf(t->out, "r%u = (uint64_t)(frame + length);", i->dst);
    else if (i->offset == 12 || i->offset == 16 || i->offset == 20)
        fprintf(t->out, "r%u = 0;", i->dst);
    else
        return bad(t, "an unknown field of the context");
    return true;
}

static bool load(struct translator *t)
{
    const struct bpf_insn *i = insn(t);
    unsigned mode = i->code >> 5;
    const char *type = type_of(i, mode == 4);

    if (t->holds[t->at][i->src] == CONTEXT)
        return load_context(t);
    if ((mode != 3 && mode != 4) || !type)
        return bad(t, "an unknown load");
    fprintf(t->out, "r%u = (uint64_t)(int64_t)*(%s *)(r%u + %dL);", i->dst, type, i->src, i->offset);
    return true;
}

static bool atomic(struct translator *t)
{
    const struct bpf_insn *i = insn(t);
    const char *type = type_of(i, false), *name;

    if (i->code != 0xc3 && i->code != 0xdb)
        return bad(t, "an atomic operation of 8 or 16 bits");
    switch (i->imm & ~1) {
    case 0x00:
        name = "__atomic_fetch_add";
        break;
    case 0x40:
        name = "__atomic_fetch_or";
        break;
    case 0x50:
        name = "__atomic_fetch_and";
        break;
    case 0xa0:
        name = "__atomic_fetch_xor";
        break;
    case 0xe0:
        name = "__atomic_exchange_n";
        break;
    default:
        return bad(t, i->imm == 0xf1 ? "compare and exchange: handlers have no lr and sc" : "an unknown atomic operation");
    }
    if (i->imm & 1)
        fprintf(t->out, "r%u = ", i->src);
    fprintf(t->out, "%s((%s *)(r%u + %dL), (%s)r%u, __ATOMIC_RELAXED);", name, type, i->dst, i->offset, type, i->src);
    return true;
}

static bool store(struct translator *t)
{
    const struct bpf_insn *i = insn(t);
    const char *type = type_of(i, false);

    if (t->holds[t->at][i->dst] == CONTEXT)
        return bad(t, "a store to the context");
    if (class_of(i) == STX && t->holds[t->at][i->src] >= CONTEXT)
        return bad(t, "the context's or a map's address in memory");
    if (class_of(i) == STX && i->code >> 5 == 6)
        return atomic(t);
    if (i->code >> 5 != 3)
        return bad(t, "an unknown store");
    if (class_of(i) == STX)
        fprintf(t->out, "*(%s *)(r%u + %dL) = (%s)r%u;", type, i->dst, i->offset, type, i->src);
    else
        fprintf(t->out, "*(%s *)(r%u + %dL) = (%s)(int64_t)(int32_t)0x%xU;", type, i->dst, i->offset, type, (uint32_t)i->imm);
    return true;
}

static bool load_wide(struct translator *t)
{
    const struct bpf_insn *i = insn(t);
    const struct bpf_reference *f = bpf_reference_of(t->o, t->at);

    if (!is_wide(i))
        return bad(t, "a load of the old kind (ld_abs, ld_ind)");
    if (f && f->is_map)
        fprintf(t->out, "r%u = 0; /* %s */", i->dst, t->o->map[f->number].name);
    else if (f)
        fprintf(t->out, "r%u = (uint64_t)(section%u + %luL);", i->dst, f->number, f->offset);
    else if (i->src)
        return bad(t, "an unknown constant");
    else
        fprintf(t->out, "r%u = 0x%xUL | 0x%xUL << 32;", i->dst, (uint32_t)i->imm, (uint32_t)i[1].imm);
    return true;
}

/* ---- calls and jumps ---- */

static unsigned words_of(uint32_t bytes)
{
    return (bytes + 7) / 8;
}

/* The table has four places an entry. */
static unsigned order_of(const struct bpf_map *m)
{
    unsigned order = 3;
    while (1U << order < 4 * m->count)
        order++;
    return order;
}

static bool map_call(struct translator *t, int32_t what)
{
    unsigned held = t->holds[t->at][1], n = held - MAP;
    const struct bpf_map *m;

    if (held < MAP)
        return bad(t, "a map that is not known where it is used");
    m = &t->o->map[n];
    if (m->type == BPF_MAP_ARRAY) {
        if (what == 1)
            fprintf(t->out, "r0 = (uint64_t)ash_array_find(map%u, %u, %u, (void *)r2);", n, m->count, 8 * words_of(m->value_size));
        else if (what == 2)
            fprintf(t->out, "r0 = (uint64_t)ash_array_update(map%u, %u, %u, %u, (void *)r2, (void *)r3, r4);", n, m->count,
                    8 * words_of(m->value_size), m->value_size);
        else
            fprintf(t->out, "r0 = (uint64_t)-22L;");
        return true;
    }
    unsigned words = 1 + words_of(m->key_size) + words_of(m->value_size);
    if (what == 1)
        fprintf(t->out, "r0 = (uint64_t)ash_hash_find(map%u.table, %u, %u, %u, (void *)r2);", n, order_of(m), words, m->key_size);
    else if (what == 2)
        fprintf(t->out, "r0 = (uint64_t)ash_hash_update(map%u.table, &map%u.used, %u, %u, %u, %u, %u, (void *)r2, (void *)r3, r4);", n, n,
                m->count, order_of(m), words, m->key_size, m->value_size);
    else
        fprintf(t->out, "r0 = (uint64_t)ash_hash_delete(map%u.table, &map%u.used, %u, %u, %u, (void *)r2);", n, n, order_of(m), words,
                m->key_size);
    return true;
}

static bool call(struct translator *t)
{
    const struct bpf_insn *i = insn(t);
    char text[64];

    if (i->code != 0x85 || i->src)
        return bad(t, i->src == 1 ? "a call of a function that is not inlined" : "an unknown call");
    switch (i->imm) {
    case 1:
    case 2:
    case 3:
        return map_call(t, i->imm);
    case 5:
        fprintf(t->out, "r0 = ash_time() * ASH_TICK_NS;");
        return true;
    case 7:
        fprintf(t->out, "r0 = ash_random32(&random_state);");
        return true;
    case 8:
        fprintf(t->out, "r0 = 0;");
        return true;
    default:
        snprintf(text, sizeof text, "helper %d", i->imm);
        return bad(t, text);
    }
}

static bool jump(struct translator *t)
{
    static const char *const comparison[] = {0, "==", ">", ">=", "&", "!=", ">", ">=", 0, 0, "<", "<=", "<", "<="};
    const struct bpf_insn *i = insn(t);
    unsigned operation = i->code >> 4;
    bool wide = class_of(i) == JMP, is_signed = operation == 6 || operation == 7 || operation == 12 || operation == 13;
    const char *cast = is_signed ? wide ? "(int64_t)" : "(int32_t)" : wide ? "" : "(uint32_t)";
    char b[48];

    if (operation == 9) {
        fprintf(t->out, "goto end;");
        return i->code == 0x95 || bad(t, "an unknown jump");
    }
    if (operation == 8)
        return call(t);
    if (operation == 0) {
        fprintf(t->out, "goto l%ld;", jumps_to(t, i));
        return true;
    }
    if (operation > 13 || !comparison[operation])
        return bad(t, "an unknown jump");
    operand(t, b, sizeof b, wide);
    fprintf(t->out, "if (%sr%u %s %s(%s)) goto l%ld;", cast, i->dst, comparison[operation], cast, b, jumps_to(t, i));
    return true;
}

static bool one(struct translator *t)
{
    const struct bpf_insn *i = insn(t);

    if (i->dst > 10 || i->src > 10 || (i->dst == 10 && class_of(i) != ST && class_of(i) != STX && class_of(i) != JMP && class_of(i) != JMP32))
        return bad(t, "an instruction that writes r10");
    switch (class_of(i)) {
    case LD:
        return load_wide(t);
    case LDX:
        return load(t);
    case ST:
    case STX:
        return store(t);
    case JMP:
    case JMP32:
        return jump(t);
    default:
        return arithmetic(t);
    }
}

/* ---- the file ---- */

static const char HELPERS[] =
    "#include <aegis/ash_maps.h>\n\n"
    "typedef int16_t __attribute__((may_alias)) ash_s16;\n"
    "typedef int32_t __attribute__((may_alias)) ash_s32;\n"
    "#define bpf_swap16(n) ((uint64_t)ash_swap16((uint16_t)(n)))\n"
    "#define bpf_swap32(n) ((uint64_t)ash_swap32((uint32_t)(n)))\n"
    "#define bpf_swap64(n) (bpf_swap32(n) << 32 | bpf_swap32((n) >> 32))\n"
    "static inline uint64_t bpf_div64(uint64_t a, uint64_t b) { return b ? a / b : 0; }\n"
    "static inline uint64_t bpf_div32(uint32_t a, uint32_t b) { return b ? a / b : 0; }\n"
    "static inline uint64_t bpf_mod64(uint64_t a, uint64_t b) { return b ? a % b : a; }\n"
    "static inline uint64_t bpf_mod32(uint32_t a, uint32_t b) { return b ? a % b : a; }\n"
    "static inline uint64_t bpf_sdiv64(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? -(uint64_t)a : (uint64_t)(a / b); }\n"
    "static inline uint64_t bpf_smod64(int64_t a, int64_t b) { return b == 0 ? (uint64_t)a : b == -1 ? 0 : (uint64_t)(a % b); }\n"
    "static inline uint64_t bpf_sdiv32(int32_t a, int32_t b) { return (uint32_t)bpf_sdiv64(a, b); }\n"
    "static inline uint64_t bpf_smod32(int32_t a, int32_t b) { return (uint32_t)bpf_smod64(a, b); }\n";

static void write_maps(struct translator *t)
{
    for (uint32_t n = 0; n < t->o->maps; n++) {
        const struct bpf_map *m = &t->o->map[n];
        unsigned words = 1 + words_of(m->key_size) + words_of(m->value_size);
        fprintf(t->out, "/* map %s */\n", m->name);
        if (m->type == BPF_MAP_ARRAY)
            fprintf(t->out, "ASH_SHARED uint8_t map%u[%u * %u] __attribute__((aligned(8)));\n", n, m->count, 8 * words_of(m->value_size));
        else
            fprintf(t->out, "ASH_SHARED struct { uint64_t used, table[(1 << %u) * %u]; } map%u;\n", order_of(m), words, n);
    }
}

static bool write_section(struct translator *t, unsigned number)
{
    const Elf64_Shdr *s = &t->o->section[number];

    if (s->sh_size > 1 << 18 || (s->sh_type != SHT_PROGBITS && s->sh_type != SHT_NOBITS))
        return bad(t, "a section of data that is too large");
    fprintf(t->out, "static uint8_t section%u[%lu] __attribute__((aligned(8), unused))", number, s->sh_size ? s->sh_size : 1);
    if (s->sh_type == SHT_PROGBITS) {
        fprintf(t->out, " = {");
        for (uint64_t i = 0; i < s->sh_size; i++)
            fprintf(t->out, "%s%u,", i % 32 ? "" : "\n    ", t->o->file[s->sh_offset + i]);
        fprintf(t->out, "}");
    }
    fprintf(t->out, ";\n");
    return true;
}

static bool write_data(struct translator *t)
{
    bool done[BPF_SECTIONS] = {false};

    for (uint32_t i = 0; i < t->o->references; i++) {
        const struct bpf_reference *f = &t->o->reference[i];
        if (f->is_map || done[f->number])
            continue;
        done[f->number] = true;
        if (!write_section(t, f->number))
            return false;
    }
    return true;
}

static bool write_program(struct translator *t)
{
    fprintf(t->out, "static uint64_t random_state __attribute__((unused));\n\n"
                    "ASH_HANDLER long handler(unsigned char *frame, unsigned long length)\n{\n"
                    "    uint64_t stack[64];\n"
                    "    uint64_t r0 = 0, r1 = 0, r2 = 0, r3 = 0, r4 = 0, r5 = 0, r6 = 0, r7 = 0, r8 = 0, r9 = 0, r10 = (uint64_t)(stack + 64);\n\n"
                    "    (void)r1, (void)r2, (void)r3, (void)r4, (void)r5, (void)r6, (void)r7, (void)r8, (void)r9, (void)r10;\n");
    for (t->at = 0; t->at < t->o->insns; t->at++) {
        if (!t->holds[t->at][10])
            continue; /* nothing leads there, or the second half of a constant */
        if (t->target[t->at])
            fprintf(t->out, "l%u: __attribute__((unused));\n", t->at);
        fprintf(t->out, "    ");
        if (!one(t))
            return false;
        fprintf(t->out, "\n");
    }
    /* XDP_ABORTED 0, DROP 1, PASS 2, TX 3, REDIRECT 4 */
    fprintf(t->out, "end:\n    return (uint32_t)r0 == 2 ? ASH_PASS : (uint32_t)r0 == 3 ? ASH_SEND : ASH_DROP;\n}\n");
    return true;
}

bool bpf_translate(struct bpf_object *o, FILE *out, uint32_t *where)
{
    struct translator t = {.o = o, .out = out};
    bool good;

    t.holds = calloc(o->insns, sizeof *t.holds);
    t.target = calloc(o->insns, 1);
    if (!t.holds || !t.target)
        abort();
    good = follow(&t);
    if (good) {
        fputs(HELPERS, out);
        write_maps(&t);
        good = write_data(&t) && write_program(&t);
    }
    *where = t.at;
    free(t.holds);
    free(t.target);
    return good;
}
