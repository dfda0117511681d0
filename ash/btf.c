/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Map definitions out of BTF: section .maps is described by a DATASEC of VARs of STRUCTs, whose members say numbers as the
 * length of an array that is pointed to (`type`, `max_entries`, ...), or sizes by a pointer to a type (`key`, `value`).
 */
#include <stdlib.h>
#include <string.h>

#include "bpf.h"

enum { KIND_INT = 1, KIND_PTR, KIND_ARRAY, KIND_STRUCT, KIND_UNION, KIND_ENUM, KIND_FWD, KIND_TYPEDEF, KIND_VOLATILE, KIND_CONST,
       KIND_RESTRICT, KIND_FUNC, KIND_FUNC_PROTO, KIND_VAR, KIND_DATASEC, KIND_FLOAT, KIND_DECL_TAG, KIND_TYPE_TAG, KIND_ENUM64 };

struct head {
    uint16_t magic;
    uint8_t version, flags;
    uint32_t length, types, types_length, strings, strings_length;
};

struct type {
    uint32_t name, info, size_or_type;
    uint32_t more[];
};

struct btf {
    struct bpf_object *o;
    const struct type **type; /* by number, from 1 */
    uint32_t types;
    const char *strings;
    uint32_t strings_length;
};

static unsigned kind_of(const struct type *t)
{
    return t->info >> 24 & 31;
}

static unsigned count_of(const struct type *t)
{
    return t->info & 0xffff;
}

/* Words behind a type's three. */
static unsigned words_of(const struct type *t)
{
    switch (kind_of(t)) {
    case KIND_INT:
    case KIND_VAR:
    case KIND_DECL_TAG:
        return 1;
    case KIND_ARRAY:
        return 3;
    case KIND_STRUCT:
    case KIND_UNION:
    case KIND_DATASEC:
    case KIND_ENUM64:
        return 3 * count_of(t);
    case KIND_ENUM:
    case KIND_FUNC_PROTO:
        return 2 * count_of(t);
    default:
        return 0;
    }
}

static const char *string_at(const struct btf *b, uint32_t at)
{
    return at < b->strings_length && memchr(b->strings + at, 0, b->strings_length - at) ? b->strings + at : "?";
}

static const struct type *type_at(const struct btf *b, uint32_t number)
{
    return number && number <= b->types ? b->type[number] : 0;
}

/* Bytes of a value of a type; 0: not known. */
static uint32_t size_of(const struct btf *b, uint32_t number, unsigned depth)
{
    const struct type *t = type_at(b, number);

    if (!t || depth > 16)
        return 0;
    switch (kind_of(t)) {
    case KIND_PTR:
        return 8;
    case KIND_ARRAY:
        return t->more[2] > 1 << 16 ? 0 : size_of(b, t->more[0], depth + 1) * t->more[2];
    case KIND_TYPEDEF:
    case KIND_CONST:
    case KIND_VOLATILE:
    case KIND_RESTRICT:
    case KIND_TYPE_TAG:
        return size_of(b, t->size_or_type, depth + 1);
    case KIND_INT:
    case KIND_STRUCT:
    case KIND_UNION:
    case KIND_ENUM:
    case KIND_ENUM64:
    case KIND_FLOAT:
        return t->size_or_type;
    default:
        return 0;
    }
}

static void member(const struct btf *b, struct bpf_map *m, const char *name, uint32_t number)
{
    const struct type *pointer = type_at(b, number);
    uint32_t to = pointer && kind_of(pointer) == KIND_PTR ? pointer->size_or_type : 0;
    const struct type *array = type_at(b, to);
    uint32_t value = array && kind_of(array) == KIND_ARRAY ? array->more[2] : 0;

    if (!strcmp(name, "type"))
        m->type = value;
    else if (!strcmp(name, "max_entries"))
        m->count = value;
    else if (!strcmp(name, "key_size"))
        m->key_size = value;
    else if (!strcmp(name, "value_size"))
        m->value_size = value;
    else if (!strcmp(name, "key"))
        m->key_size = size_of(b, to, 0);
    else if (!strcmp(name, "value"))
        m->value_size = size_of(b, to, 0);
}

static bool add_map(const struct btf *b, unsigned section, const uint32_t *place)
{
    const struct type *var = type_at(b, place[0]), *t = var && kind_of(var) == KIND_VAR ? type_at(b, var->size_or_type) : 0;
    struct bpf_map *m = &b->o->map[b->o->maps];

    if (!t || kind_of(t) != KIND_STRUCT || b->o->maps == BPF_MAPS)
        return false;
    *m = (struct bpf_map){.name = string_at(b, var->name), .section = (uint16_t)section, .at = ~0UL};
    for (unsigned i = 0; i < count_of(t); i++)
        member(b, m, string_at(b, t->more[3 * i]), t->more[3 * i + 1]);
    b->o->maps++;
    return true;
}

/* Every type's place. */
static bool read_types(struct btf *b, const uint32_t *word, uint32_t words)
{
    b->type = calloc(words / 3 + 2, sizeof *b->type);
    if (!b->type)
        abort();
    for (uint32_t at = 0; at < words;) {
        const struct type *t = (const struct type *)(word + at);
        if (words - at < 3 || words - at - 3 < words_of(t))
            return false;
        b->type[++b->types] = t;
        at += 3 + words_of(t);
    }
    return true;
}

static bool read_maps(struct btf *b, unsigned section)
{
    for (uint32_t i = 1; i <= b->types; i++) {
        const struct type *t = b->type[i];
        if (kind_of(t) != KIND_DATASEC || strcmp(string_at(b, t->name), ".maps"))
            continue;
        for (unsigned n = 0; n < count_of(t); n++)
            if (!add_map(b, section, t->more + 3 * n))
                return false;
        return true;
    }
    return false;
}

bool btf_maps(struct bpf_object *o, unsigned section)
{
    struct btf b = {.o = o};
    bool good = false;

    for (unsigned i = 1; i < o->head->e_shnum; i++) {
        const Elf64_Shdr *s = &o->section[i];
        const struct head *h = (const struct head *)(o->file + s->sh_offset);
        if (strcmp(bpf_section_name(o, i), ".BTF") || s->sh_offset > o->size || s->sh_size > o->size - s->sh_offset || s->sh_offset % 4 ||
            s->sh_size < sizeof *h || h->magic != 0xeb9f || h->length > s->sh_size || h->types % 4)
            continue;
        uint64_t room = s->sh_size - h->length;
        if (h->types > room || h->types_length > room - h->types || h->strings > room || h->strings_length > room - h->strings)
            continue;
        b.strings = (const char *)h + h->length + h->strings;
        b.strings_length = h->strings_length;
        good = read_types(&b, (const uint32_t *)((const uint8_t *)h + h->length + h->types), h->types_length / 4) && read_maps(&b, section);
        free(b.type);
    }
    if (!good)
        snprintf(o->message, sizeof o->message, "maps that BTF does not describe (compile with -g)");
    return good;
}
