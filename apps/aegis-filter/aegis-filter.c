/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aegis-filter: what becomes of packet filters. Each EXPRESSION (pcap-filter's language) is one; all are merged, compiled,
 * and shown: as filters' atoms, as a picture of the trie, or as the generated code. The same source is a host tool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpf/draw.h"
#include "dpf/pcap.h"

#define DATA_CELLS 65536
#define CODE_CELLS 32768

static char **expressions;

static const char *expression_name(uint32_t number)
{
    return expressions[number];
}

static int usage(FILE *to, int status)
{
    fprintf(to, "usage: aegis-filter [--atoms | --dot | --code] EXPRESSION...\n"
                "Merges packet filters (pcap-filter's language) and shows what they become:\n"
                "  --atoms  the comparisons of each (default)\n"
                "  --dot    the trie, for Graphviz: aegis-filter --dot 'tcp port 80' | dot -Tsvg > trie.svg\n"
                "  --code   the generated RV64 instructions\n");
    return status;
}

static void atom_show(const struct dpf_atom *a)
{
    if (a->kind == DPF_SHIFT)
        printf("  base += ([%u:%u] & %lu) << %u + %u\n", a->offset, a->width, (unsigned long)a->mask, a->left, a->add);
    else if (a->kind == DPF_EQ)
        printf("  [%u:%u] & 0x%lx == 0x%lx\n", a->offset, a->width, (unsigned long)a->mask, (unsigned long)a->low);
    else
        printf("  0x%lx <= [%u:%u] & 0x%lx <= 0x%lx\n", (unsigned long)a->low, a->offset, a->width, (unsigned long)a->mask,
               (unsigned long)a->high);
}

static void atoms_show(const char *text, const struct pcap_filters *f)
{
    printf("%s: %u filter%s\n", text, f->count, f->count == 1 ? "" : "s");
    for (uint32_t i = 0; i < f->count; i++) {
        printf(" %u\n", i + 1);
        for (uint32_t j = 0; j < f->filter[i].count; j++)
            atom_show(&f->filter[i].atom[j]);
    }
}

static struct dpf *filters_make(void)
{
    static struct dpf d;
    static struct dpf_run run;
    static const struct dpf_helpers helpers = {1, 2, 3, 4};
    char *data = aligned_alloc(CELL_SIZE, (size_t)DATA_CELLS * CELL_SIZE), *code = aligned_alloc(CELL_SIZE, (size_t)CODE_CELLS * CELL_SIZE);
    uint64_t *bits = calloc((DATA_CELLS + CODE_CELLS) / 64 + 2, sizeof *bits);

    if (!data || !code || !bits)
        return NULL;
    dpf_init(&d, &run, data, DATA_CELLS, code, CODE_CELLS, 0, bits, &helpers);
    return &d;
}

static int install(struct dpf *d, const struct pcap_filters *f, uint32_t number)
{
    for (uint32_t i = 0; i < f->count; i++) {
        int error = dpf_insert(d, &f->filter[i], number);
        dpf_commit(d);
        dpf_reclaim(d);
        if (error == DPF_DUPLICATE)
            fprintf(stderr, "aegis-filter: %s: another expression takes the same frames\n", expressions[number]);
        else if (error)
            return fprintf(stderr, "aegis-filter: %s: cannot be installed (%d)\n", expressions[number], error), 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct pcap_filters f;
    struct dpf *d = filters_make();
    const char *mode = "--atoms";
    int first = 1;

    if (argc > 1 && argv[1][0] == '-') {
        mode = argv[first++];
        if (!strcmp(mode, "--help"))
            return usage(stdout, 0);
    }
    if (first == argc || (strcmp(mode, "--atoms") && strcmp(mode, "--dot") && strcmp(mode, "--code")))
        return usage(stderr, 2);
    if (!d)
        return fprintf(stderr, "aegis-filter: not enough memory\n"), 1;
    expressions = argv + first;
    for (int i = 0; i < argc - first; i++) {
        if (pcap_compile_filters(expressions[i], &f))
            return fprintf(stderr, "aegis-filter: %s: %s\n", expressions[i], f.message), 1;
        if (!strcmp(mode, "--atoms"))
            atoms_show(expressions[i], &f);
        else if (install(d, &f, (uint32_t)i))
            return 1;
    }
    if (!strcmp(mode, "--dot"))
        dpf_draw(d, stdout, expression_name);
    else if (!strcmp(mode, "--code"))
        dpf_list(d, stdout);
    return 0;
}
