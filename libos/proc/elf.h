/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program's file says about its image, and whether that can be believed. Pure; host-tested.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS 16

struct elf_segment {
    uint64_t va;          /* of the first byte */
    uint64_t memory_size; /* bytes; what exceeds file_size is zero */
    uint64_t file_offset, file_size;
    unsigned rights; /* AEGIS_R, _W, _X */
};

struct elf_program {
    uint64_t entry;
    unsigned count;
    struct elf_segment segment[ELF_SEGMENTS]; /* no two share a page */
};

/*
 * Reads the headers of a static RV64 executable. Null, or why it cannot be run. Every segment lies
 * wholly in the file, in the application's part of the address space (or the free part of the
 * pinned window), and needs at most `memory` bytes in all.
 */
const char *elf_read(const uint8_t *image, size_t size, uint64_t memory,
                     struct elf_program *program);

/*
 * The function that holds `pc` by the file's symbol table, and where it begins; null: none is known, or the table is not
 * whole. The name ends in 0 and lies in the image. (System V ABI, chapter 4: symbol table.)
 */
const char *elf_function(const uint8_t *image, size_t size, uint64_t pc, uint64_t *start);
