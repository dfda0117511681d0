/* SPDX-License-Identifier: BSD-2-Clause */
/* An eBPF object file, as far as the translator reads it (RFC 9669; the object's maps by BTF or by section "maps"). */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct bpf_insn {
    uint8_t code;
    uint8_t dst : 4, src : 4;
    int16_t offset;
    int32_t imm;
};

#define BPF_MAPS    64
#define BPF_SECTIONS 64
enum { BPF_MAP_HASH = 1, BPF_MAP_ARRAY = 2 };

struct bpf_map {
    const char *name;
    uint32_t type, key_size, value_size, count;
    uint16_t section;
    uint64_t at; /* in its section: how relocations name it */
};

/* What a 64-bit constant stands for. */
struct bpf_reference {
    uint32_t insn;
    bool is_map;
    uint16_t number;  /* of the map; of the section */
    uint64_t offset;  /* in the section */
};

struct bpf_object {
    const uint8_t *file;
    uint64_t size;
    const Elf64_Ehdr *head;
    const Elf64_Shdr *section;
    const struct bpf_insn *insn;
    uint32_t insns;
    uint16_t program;
    struct bpf_map map[BPF_MAPS];
    uint32_t maps;
    struct bpf_reference *reference;
    uint32_t references;
    char message[160];
};

/* Opens the object and finds its first program whose section's name begins with "xdp". False: message says why. */
bool bpf_open(struct bpf_object *o, const uint8_t *file, uint64_t size);
void bpf_close(struct bpf_object *o);

/* What insn's constant refers to, or null: it is a number. */
const struct bpf_reference *bpf_reference_of(const struct bpf_object *o, uint32_t insn);

const char *bpf_section_name(const struct bpf_object *o, unsigned section);

/* Reads map definitions out of BTF. */
bool btf_maps(struct bpf_object *o, unsigned section);

/* Writes the program as C for ash-cc. False: message says what is not taken; insn where. */
bool bpf_translate(struct bpf_object *o, FILE *out, uint32_t *insn);
