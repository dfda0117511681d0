/* SPDX-License-Identifier: BSD-2-Clause */
/* ash-bpf OBJECT: an eBPF object as C for ash-cc, on standard output. What is not taken is said, with the instruction's number. */
#include <stdlib.h>

#include "bpf.h"

int main(int count, char **argument)
{
    static uint8_t file[1 << 20] __attribute__((aligned(16)));
    struct bpf_object o;
    uint32_t where = 0;
    FILE *f = count == 2 ? fopen(argument[1], "rb") : 0;

    if (!f) {
        fprintf(stderr, "usage: ash-bpf OBJECT\n");
        return 2;
    }
    size_t size = fread(file, 1, sizeof file, f);
    fclose(f);
    if (!bpf_open(&o, file, size)) {
        fprintf(stderr, "%s: %s\n", argument[1], o.message);
        return 1;
    }
    if (!bpf_translate(&o, stdout, &where)) {
        fprintf(stderr, "%s: instruction %u: %s\n", argument[1], where, o.message);
        return 1;
    }
    bpf_close(&o);
    return 0;
}
