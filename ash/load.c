/* SPDX-License-Identifier: BSD-2-Clause */
#include "load.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#ifndef EM_RISCV
#define EM_RISCV 243
#endif
enum { HI20 = 26, CALL = 18, CALL_PLT = 19, ABSOLUTE32 = 1, ABSOLUTE64 = 2 };

struct elf {
    const uint8_t *file;
    uint64_t size;
    const Elf64_Ehdr *head;
    const Elf64_Shdr *section;
    const char *names;
    uint64_t names_size;
};

static bool bad(struct ash_loaded *l, const char *message, const char *name, uint32_t address)
{
    snprintf(l->message, sizeof l->message, "%s%s%s", message, name ? " " : "", name ? name : "");
    l->address = address;
    return false;
}

static bool inside(const struct elf *e, uint64_t offset, uint64_t size)
{
    return offset <= e->size && size <= e->size - offset;
}

static const char *string_at(const struct elf *e, const Elf64_Shdr *strings, uint64_t at)
{
    if (!inside(e, strings->sh_offset, strings->sh_size) || at >= strings->sh_size ||
        !memchr(e->file + strings->sh_offset + at, 0, strings->sh_size - at))
        return "?";
    return (const char *)e->file + strings->sh_offset + at;
}

static const Elf64_Shdr *section(const struct elf *e, const char *name)
{
    for (unsigned i = 0; i < e->head->e_shnum; i++)
        if (!strcmp(string_at(e, &e->section[e->head->e_shstrndx], e->section[i].sh_name), name))
            return &e->section[i];
    return 0;
}

static bool open_elf(struct elf *e, struct ash_loaded *l)
{
    e->head = (const Elf64_Ehdr *)e->file;
    if (e->size < sizeof *e->head || memcmp(e->head->e_ident, ELFMAG, SELFMAG) || e->head->e_ident[EI_CLASS] != ELFCLASS64 ||
        e->head->e_machine != EM_RISCV || e->head->e_type != ET_EXEC)
        return bad(l, "not a linked RV64 file", 0, 0);
    if (e->head->e_flags & 1)
        return bad(l, "it has compressed instructions: compile for rv64ima", 0, 0);
    if (e->head->e_shoff % 8 || !inside(e, e->head->e_shoff, (uint64_t)e->head->e_shnum * sizeof(Elf64_Shdr)) ||
        e->head->e_shstrndx >= e->head->e_shnum)
        return bad(l, "a broken file", 0, 0);
    e->section = (const Elf64_Shdr *)(e->file + e->head->e_shoff);
    return true;
}

/* The symbol that a relocation speaks of; null in a broken file. */
static const Elf64_Sym *symbol_of(const struct elf *e, const Elf64_Rela *r, const char **name)
{
    const Elf64_Shdr *table = section(e, ".symtab");
    uint64_t number = ELF64_R_SYM(r->r_info);

    if (!table || table->sh_offset % 8 || !inside(e, table->sh_offset, table->sh_size) || number >= table->sh_size / sizeof(Elf64_Sym) ||
        table->sh_link >= e->head->e_shnum)
        return 0;
    const Elf64_Sym *s = (const Elf64_Sym *)(e->file + table->sh_offset) + number;
    *name = string_at(e, &e->section[table->sh_link], s->st_name);
    return s;
}

/* Marks what adds to the window's base; refuses what names code. */
static bool relocation(const struct elf *e, struct ash_loaded *l, const Elf64_Rela *r)
{
    const char *name = "?";
    const Elf64_Sym *s = symbol_of(e, r, &name);
    uint64_t kind = ELF64_R_TYPE(r->r_info), at = (r->r_offset - ASH_TEXT) / 4;

    if (!s || r->r_offset < ASH_TEXT || at >= l->program.count)
        return bad(l, "a broken file", 0, 0);
    if (kind == CALL || kind == CALL_PLT)
        return bad(l, "a call that could not be inlined, of", name, (uint32_t)r->r_offset);
    if (kind == HI20 && s->st_value + (uint64_t)r->r_addend >= ASH_TEXT)
        return bad(l, "the address of code is taken: of", name, (uint32_t)r->r_offset);
    if (kind == HI20)
        l->source[at].data = true;
    return true;
}

static bool relocations(const struct elf *e, struct ash_loaded *l)
{
    const Elf64_Shdr *text = section(e, ".rela.text"), *data = section(e, ".rela.data");

    for (const Elf64_Shdr *s = text; s; s = s == text ? data : 0) {
        if (s->sh_offset % 8 || !inside(e, s->sh_offset, s->sh_size))
            return bad(l, "a broken file", 0, 0);
        const Elf64_Rela *r = (const Elf64_Rela *)(e->file + s->sh_offset);
        for (uint64_t i = 0; i < s->sh_size / sizeof *r; i++) {
            const char *name = "?";
            if (s == text && !relocation(e, l, &r[i]))
                return false;
            if (s == data && symbol_of(e, &r[i], &name) && (ELF64_R_TYPE(r[i].r_info) == ABSOLUTE32 || ELF64_R_TYPE(r[i].r_info) == ABSOLUTE64))
                return bad(l, "a pointer in initialised data, to", name, (uint32_t)r[i].r_offset + 1); /* within the variable; 0 is no address */
        }
        if (s == text && !data)
            break;
    }
    return true;
}

static bool read_text(const struct elf *e, struct ash_loaded *l)
{
    const Elf64_Shdr *text = section(e, ".text");

    if (!text || text->sh_addr != ASH_TEXT || text->sh_offset % 4 || !inside(e, text->sh_offset, text->sh_size) || text->sh_size < 4 ||
        text->sh_size > 4 * 65536)
        return bad(l, "no code, or not linked with handler.ld", 0, 0);
    l->program.count = (uint32_t)(text->sh_size / 4);
    l->program.entry = (uint32_t)(e->head->e_entry - ASH_TEXT) / 4;
    if (e->head->e_entry < ASH_TEXT || l->program.entry >= l->program.count)
        return bad(l, "no function `handler`", 0, 0);
    l->source = calloc(l->program.count, sizeof *l->source);
    if (!l->source)
        abort();
    l->program.source = l->source;
    for (uint32_t i = 0; i < l->program.count; i++) {
        uint32_t w;
        memcpy(&w, e->file + text->sh_offset + 4 * i, 4);
        enum ash_op op = ash_decode(w);
        int64_t to = (int64_t)i + (op == OP_jal ? j_immediate(w) : b_immediate(w)) / 4;
        l->source[i] = (struct ash_source){.word = w, .target = -1, .address = ASH_TEXT + 4 * i};
        if ((op >= OP_beq && op <= OP_bgeu) || op == OP_jal)
            l->source[i].target = to >= 0 && to < l->program.count ? (int32_t)to : (int32_t)i;
    }
    return true;
}

static bool read_data(const struct elf *e, struct ash_loaded *l, uint32_t window)
{
    const Elf64_Shdr *data = section(e, ".data"), *zero = section(e, ".bss");
    uint64_t end = 0, size = ASH_WINDOW_MIN;

    if (data && data->sh_size) {
        if (data->sh_addr || data->sh_size > ASH_WINDOW_MAX || !inside(e, data->sh_offset, data->sh_size))
            return bad(l, "data that are not linked with handler.ld", 0, 0);
        l->data_size = (uint32_t)data->sh_size;
        l->data = malloc(l->data_size);
        if (!l->data)
            abort();
        memcpy(l->data, e->file + data->sh_offset, l->data_size);
        end = l->data_size;
    }
    if (zero && zero->sh_size)
        end = zero->sh_addr + zero->sh_size;
    while (size < end + 1024 && size < ASH_WINDOW_MAX)
        size *= 2;
    if (end + 1024 > size || (window && window < end + 1024))
        return bad(l, "the window is too small for its data", 0, 0);
    l->zero_size = (uint32_t)(end - l->data_size);
    l->program.window = window ? window : (uint32_t)size;
    return true;
}

bool ash_load(struct ash_loaded *l, const uint8_t *file, uint64_t size, uint32_t window)
{
    struct elf e = {.file = file, .size = size};

    *l = (struct ash_loaded){0};
    return open_elf(&e, l) && read_text(&e, l) && read_data(&e, l, window) && relocations(&e, l);
}

void ash_loaded_free(struct ash_loaded *l)
{
    free(l->source);
    free(l->data);
}
