/* SPDX-License-Identifier: BSD-2-Clause */
#include "draw.h"

#include "generate.h"

/* ---- what a test looks at ---- */

/* Of a frame without tags; level 1 is behind IPv4's header. */
static const char *field_name(const struct dpf_atom *a, unsigned level)
{
    static const struct {
        unsigned level, offset, width;
        const char *name;
    } names[] = {
        {0, 0, 4, "ether dst (high)"}, {0, 4, 2, "ether dst (low)"}, {0, 6, 4, "ether src (high)"}, {0, 10, 2, "ether src (low)"},
        {0, 12, 2, "ether type"}, {0, 20, 1, "ip6 next header"}, {0, 20, 2, "fragment"}, {0, 23, 1, "ip proto"}, {0, 26, 4, "ip src"},
        {0, 30, 4, "ip dst"}, {0, 54, 2, "ip6, src port"}, {0, 56, 2, "ip6, dst port"}, {1, 14, 2, "src port"}, {1, 16, 2, "dst port"},
    };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].level == level && names[i].offset == a->offset && names[i].width == a->width)
            return names[i].name;
    return "";
}

static void test_say(const struct dpf_test *t, FILE *out)
{
    const struct dpf_atom *a = &t->atom;
    uint64_t full = a->width == 8 ? ~0UL : (1UL << 8 * a->width) - 1;

    if (a->kind == DPF_SHIFT) {
        fprintf(out, "base += ([%u] & %lu) << %u", a->offset, (unsigned long)a->mask, a->left);
        if (a->add)
            fprintf(out, " + %u", a->add);
        return;
    }
    fprintf(out, "[%u:%u]", a->offset, a->width);
    if (a->mask != full)
        fprintf(out, " & 0x%lx", (unsigned long)a->mask);
    if (*field_name(a, t->owner->level))
        fprintf(out, "\\n%s", field_name(a, t->owner->level));
}

static void edge_say(const struct dpf_test *t, const struct dpf_state *e, FILE *out)
{
    const struct dpf_atom *a = &t->atom;
    uint64_t value = __builtin_bswap64(e->key) >> (64 - 8 * a->width);

    if (a->kind == DPF_RANGE)
        fprintf(out, "%lu to %lu", (unsigned long)a->low, (unsigned long)a->high);
    else if (a->kind == DPF_EQ && a->width == 4 && a->mask == 0xffffffff && (a->offset == 26 || a->offset == 30))
        fprintf(out, "%u.%u.%u.%u", (unsigned)(value >> 24), (unsigned)(value >> 16 & 255), (unsigned)(value >> 8 & 255),
                (unsigned)(value & 255));
    else if (a->kind == DPF_EQ)
        fprintf(out, a->offset == 12 ? "0x%04lx" : "%lu", (unsigned long)value);
}

/* ---- the picture: nodes are numbered as they are met, so that the same filters are the same text ---- */

struct picture {
    FILE *out;
    const char *(*name)(uint32_t number);
    unsigned nodes;
};

static void quoted_say(const char *text, FILE *out)
{
    for (; *text; text++)
        fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static unsigned state_draw(struct picture *p, const struct dpf_state *s);

static unsigned test_draw(struct picture *p, const struct dpf_test *t)
{
    unsigned number = p->nodes++;

    fprintf(p->out, "  n%u [shape=%s, label=\"", number, !t->table ? "box" : t->table->hash ? "cylinder" : "folder");
    test_say(t, p->out);
    fprintf(p->out, "\"];\n");
    for (const struct dpf_state *e = t->edges; e; e = e->next) {
        fprintf(p->out, "  n%u -> n%u [label=\"", number, state_draw(p, e));
        edge_say(t, e, p->out);
        fprintf(p->out, "\"];\n");
    }
    return number;
}

static unsigned state_draw(struct picture *p, const struct dpf_state *s)
{
    unsigned number = p->nodes++;

    if (s->accepts) {
        fprintf(p->out, "  n%u [shape=doubleoctagon, style=filled, fillcolor=\"#d7ead9\", label=\"", number);
        quoted_say(p->name(s->accepts - 1), p->out);
        fprintf(p->out, "\"];\n");
    } else {
        fprintf(p->out, "  n%u [shape=point];\n", number);
    }
    for (const struct dpf_test *t = s->tests; t; t = t->next)
        fprintf(p->out, "  n%u -> n%u [style=bold%s];\n", number, test_draw(p, t), s->tests->next ? ", label=\"tried in order\"" : "");
    return number;
}

void dpf_draw(const struct dpf *d, FILE *out, const char *(*name)(uint32_t))
{
    fprintf(out, "digraph filters {\n  rankdir=LR; node [fontname=\"sans-serif\", fontsize=11]; edge [fontname=\"sans-serif\", "
                 "fontsize=10];\n");
    state_draw(&(struct picture){.out = out, .name = name}, &d->root);
    fprintf(out, "}\n");
}

/* ---- code ---- */

static const char *const register_name[32] = {"zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",
                                              "a1",   "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5",
                                              "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

static void instruction_say(uint32_t w, FILE *out)
{
    static const char *const loads[8] = {"lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "?"};
    static const char *const immediates[8] = {"addi", "slli", "?", "?", "?", "srli", "?", "andi"};
    static const char *const arithmetic[8] = {"add", "?", "?", "?", "?", "?", "or", "and"};
    static const char *const branches[8] = {"beq", "bne", "?", "?", "?", "?", "bltu", "bgeu"};
    const char *rd = register_name[w >> 7 & 31], *a = register_name[w >> 15 & 31], *b = register_name[w >> 20 & 31];
    unsigned function = w >> 12 & 7;
    int immediate = (int32_t)w >> 20;
    uint32_t offset = (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1;

    switch (w & 0x7f) {
    case 0x03:
        fprintf(out, "%-5s %s, %d(%s)", loads[function], rd, immediate, a);
        break;
    case 0x13:
        fprintf(out, "%-5s %s, %s, %d", immediates[function], rd, a, immediate);
        break;
    case 0x1b:
        fprintf(out, "addiw %s, %s, %d", rd, a, immediate);
        break;
    case 0x37:
        fprintf(out, "lui   %s, 0x%x", rd, w >> 12);
        break;
    case 0x33:
        fprintf(out, "%-5s %s, %s, %s", arithmetic[function], rd, a, b);
        break;
    case 0x63:
        fprintf(out, "%-5s %s, %s, +%u", branches[function], a, b, offset);
        break;
    default:
        fprintf(out, "jr    %s", a);
    }
}

static void code_list(const char *what, const struct dpf_code *c, FILE *out)
{
    if (!c->size)
        return;
    fprintf(out, "%s: %u instructions\n", what, c->size / 4);
    for (uint32_t i = 0; i < c->size / 4; i++) {
        fprintf(out, "  %4u  %08x  ", 4 * i, c->at[i]);
        instruction_say(c->at[i], out);
        fprintf(out, "\n");
    }
}

static void state_list(const struct dpf_state *s, FILE *out)
{
    char what[80];

    snprintf(what, sizeof what, "filter %u accepts", s->accepts - 1);
    code_list(what, &s->code, out);
    code_list(what, &s->accept, out);
    for (const struct dpf_test *t = s->tests; t; t = t->next) {
        snprintf(what, sizeof what, "behind %u atoms, from byte %u on", s->depth, t->atom.offset);
        code_list(what, &t->code, out);
        code_list("on by the slot above", &t->leave, out);
        for (const struct dpf_state *e = t->edges; e; e = e->next)
            state_list(e, out);
    }
}

void dpf_list(const struct dpf *d, FILE *out)
{
    state_list(&d->root, out);
}
