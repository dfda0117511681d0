/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf.h"

#include <stdlib.h>
#include <string.h>

#define EM_BPF_NUMBER 247
enum { R_64_64 = 1, R_64_32 = 10 };

static bool bad(struct bpf_object *o, const char *message, const char *name)
{
    snprintf(o->message, sizeof o->message, "%s%s%s", message, name ? " " : "", name ? name : "");
    return false;
}

static bool inside(const struct bpf_object *o, const Elf64_Shdr *s)
{
    return s->sh_type == SHT_NOBITS || (s->sh_offset <= o->size && s->sh_size <= o->size - s->sh_offset && s->sh_offset % 8 == 0);
}

static const char *string_in(const struct bpf_object *o, unsigned section, uint64_t at)
{
    const Elf64_Shdr *s = section < o->head->e_shnum ? &o->section[section] : 0;

    if (!s || s->sh_type != SHT_STRTAB || s->sh_offset > o->size || s->sh_size > o->size - s->sh_offset || at >= s->sh_size ||
        !memchr(o->file + s->sh_offset + at, 0, s->sh_size - at))
        return "?";
    return (const char *)o->file + s->sh_offset + at;
}

const char *bpf_section_name(const struct bpf_object *o, unsigned section)
{
    return section < o->head->e_shnum ? string_in(o, o->head->e_shstrndx, o->section[section].sh_name) : "?";
}

static const Elf64_Sym *symbol(const struct bpf_object *o, uint64_t number, const char **name)
{
    for (unsigned i = 0; i < o->head->e_shnum; i++) {
        const Elf64_Shdr *s = &o->section[i];
        if (s->sh_type != SHT_SYMTAB || !inside(o, s) || number >= s->sh_size / sizeof(Elf64_Sym))
            continue;
        const Elf64_Sym *found = (const Elf64_Sym *)(o->file + s->sh_offset) + number;
        *name = string_in(o, s->sh_link, found->st_name);
        return found;
    }
    return 0;
}

/* The older way: a section "maps" of {type, key bytes, value bytes, entries, flags}, one a symbol. */
static bool old_maps(struct bpf_object *o, unsigned section)
{
    const char *name;
    const Elf64_Sym *s;

    for (uint64_t i = 1; (s = symbol(o, i, &name)); i++) {
        uint32_t field[5];
        if (s->st_shndx != section || ELF64_ST_TYPE(s->st_info) == STT_SECTION)
            continue;
        if (s->st_value > o->section[section].sh_size || sizeof field > o->section[section].sh_size - s->st_value || o->maps == BPF_MAPS)
            return bad(o, "a map's definition is cut off:", name);
        memcpy(field, o->file + o->section[section].sh_offset + s->st_value, sizeof field);
        o->map[o->maps++] = (struct bpf_map){name, field[0], field[1], field[2], field[3], (uint16_t)section, s->st_value};
    }
    return true;
}

/* BTF does not say where a map is: its symbol does. */
static void place_maps(struct bpf_object *o, unsigned section)
{
    const char *name;
    const Elf64_Sym *s;

    for (uint64_t i = 1; (s = symbol(o, i, &name)); i++)
        for (uint32_t n = 0; n < o->maps; n++)
            if (s->st_shndx == section && o->map[n].section == section && !strcmp(o->map[n].name, name))
                o->map[n].at = s->st_value;
}

static bool check_maps(struct bpf_object *o)
{
    for (uint32_t i = 0; i < o->maps; i++) {
        const struct bpf_map *m = &o->map[i];
        if (m->type != BPF_MAP_HASH && m->type != BPF_MAP_ARRAY)
            return bad(o, "not taken: a map that is neither array nor hash:", m->name);
        if (!m->count || m->count > 1 << 16 || !m->value_size || m->value_size > 4096 || !m->key_size || m->key_size > 64 ||
            (m->type == BPF_MAP_ARRAY && m->key_size != 4))
            return bad(o, "a map of impossible sizes:", m->name);
    }
    return true;
}

/* A static one is named by its section, and its place in it by the call. */
static bool bad_call(struct bpf_object *o, const Elf64_Sym *to, const char *name, uint64_t insn)
{
    uint64_t at = to->st_value + (uint64_t)(o->insn[insn].imm + 1L) * 8;
    const char *function = name;
    const Elf64_Sym *s;

    for (uint64_t i = 1; ELF64_ST_TYPE(to->st_info) == STT_SECTION && (s = symbol(o, i, &name)); i++)
        if (s->st_shndx == to->st_shndx && s->st_value == at && ELF64_ST_TYPE(s->st_info) == STT_FUNC)
            function = name;
    snprintf(o->message, sizeof o->message, "instruction %u: not taken: a call of a function that is not inlined: %s", (unsigned)insn, function);
    return false;
}

static bool add_reference(struct bpf_object *o, const Elf64_Rela *r)
{
    const char *name = "?";
    const Elf64_Sym *s = symbol(o, ELF64_R_SYM(r->r_info), &name);
    struct bpf_reference *f = &o->reference[o->references];
    uint64_t insn = r->r_offset / 8;

    if (!s || insn >= o->insns)
        return bad(o, "a broken relocation", 0);
    if (ELF64_R_TYPE(r->r_info) == R_64_32)
        return bad_call(o, s, name, insn);
    if (ELF64_R_TYPE(r->r_info) != R_64_64 || insn + 1 >= o->insns || s->st_shndx >= o->head->e_shnum)
        return bad(o, "not taken: a reference to", name);
    *f = (struct bpf_reference){.insn = (uint32_t)insn, .number = s->st_shndx, .offset = s->st_value + (uint32_t)o->insn[insn].imm};
    for (uint16_t i = 0; i < o->maps; i++)
        if (o->map[i].section == s->st_shndx && o->map[i].at == s->st_value) {
            f->is_map = true;
            f->number = i;
        }
    if (!f->is_map && (!strcmp(bpf_section_name(o, s->st_shndx), ".maps") || o->section[s->st_shndx].sh_flags & SHF_EXECINSTR))
        return bad(o, "not taken: a reference to", name);
    o->references++;
    return true;
}

static bool references(struct bpf_object *o)
{
    for (unsigned i = 0; i < o->head->e_shnum; i++) {
        const Elf64_Shdr *s = &o->section[i];
        unsigned each = s->sh_type == SHT_REL ? sizeof(Elf64_Rel) : sizeof(Elf64_Rela);
        if ((s->sh_type != SHT_REL && s->sh_type != SHT_RELA) || s->sh_info != o->program)
            continue;
        if (!inside(o, s))
            return bad(o, "a broken file", 0);
        o->reference = calloc(s->sh_size / each + 1, sizeof *o->reference);
        if (!o->reference)
            abort();
        for (uint64_t n = 0; n < s->sh_size / each; n++) {
            Elf64_Rela r = {0};
            memcpy(&r, o->file + s->sh_offset + n * each, each);
            if (!add_reference(o, &r))
                return false;
        }
        return true;
    }
    return true;
}

const struct bpf_reference *bpf_reference_of(const struct bpf_object *o, uint32_t insn)
{
    for (uint32_t i = 0; i < o->references; i++)
        if (o->reference[i].insn == insn)
            return &o->reference[i];
    return 0;
}

bool bpf_open(struct bpf_object *o, const uint8_t *file, uint64_t size)
{
    *o = (struct bpf_object){.file = file, .size = size, .head = (const Elf64_Ehdr *)file};
    if (size < sizeof *o->head || memcmp(file, ELFMAG, SELFMAG) || o->head->e_ident[EI_CLASS] != ELFCLASS64 ||
        o->head->e_ident[EI_DATA] != ELFDATA2LSB || o->head->e_machine != EM_BPF_NUMBER)
        return bad(o, "not a little-endian eBPF object", 0);
    if (o->head->e_shoff % 8 || o->head->e_shoff > size || o->head->e_shnum > (size - o->head->e_shoff) / sizeof(Elf64_Shdr) ||
        o->head->e_shnum > BPF_SECTIONS)
        return bad(o, "a broken file", 0);
    o->section = (const Elf64_Shdr *)(file + o->head->e_shoff);
    for (unsigned i = 1; i < o->head->e_shnum; i++) {
        const Elf64_Shdr *s = &o->section[i];
        const char *name = bpf_section_name(o, i);
        if (s->sh_type == SHT_PROGBITS && !inside(o, s) && (s->sh_flags & SHF_ALLOC))
            return bad(o, "a broken file", 0);
        if (s->sh_type == SHT_PROGBITS && !strncmp(name, "xdp", 3) && !o->program) {
            o->program = (uint16_t)i;
            o->insn = (const struct bpf_insn *)(file + s->sh_offset);
            o->insns = (uint32_t)(s->sh_size / 8);
        }
        if ((!strcmp(name, "maps") && !old_maps(o, i)) || (!strcmp(name, ".maps") && !btf_maps(o, i)))
            return false;
        if (!strcmp(name, ".maps"))
            place_maps(o, i);
    }
    if (!o->program || !o->insns || o->insns > 1 << 16)
        return bad(o, "no section `xdp` with a program", 0);
    return check_maps(o) && references(o);
}

void bpf_close(struct bpf_object *o)
{
    free(o->reference);
}
