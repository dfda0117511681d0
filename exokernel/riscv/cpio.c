/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpio.h"

#define HEADER 110
#define MODE 14 /* offsets of the fields, 8 hexadecimal digits each */
#define FILE_SIZE 54
#define NAME_SIZE 94
#define TYPE_MASK 0170000
#define REGULAR 0100000

static bool hex(const uint8_t *p, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        uint8_t c = p[i] | 0x20;
        if (p[i] >= '0' && p[i] <= '9')
            *value = *value << 4 | (p[i] - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* Whole, and no component is "..". */
static bool name_good(const char *name, size_t size)
{
    size_t start = 0;
    if (size < 2 || name[size - 1])
        return false;
    for (size_t i = 0; i < size; i++) {
        if (name[i] && name[i] != '/')
            continue;
        if (i - start == 2 && name[start] == '.' && name[start + 1] == '.')
            return false;
        if (!name[i])
            return i == size - 1;
        start = i + 1;
    }
    return false;
}

static const char *bare(const char *name)
{
    if (name[0] == '.' && name[1] == '/')
        name += 2;
    while (*name == '/')
        name++;
    return name;
}

static bool magic_good(const uint8_t *p)
{
    return p[0] == '0' && p[1] == '7' && p[2] == '0' && p[3] == '7' && p[4] == '0' &&
           (p[5] == '1' || p[5] == '2');
}

enum cpio_result cpio_next(const void *archive, size_t bytes, size_t *offset,
                           struct cpio_member *member)
{
    const uint8_t *p = archive;
    size_t at = *offset;
    uint32_t name_size, size;
    if (at > bytes || bytes - at < HEADER || !magic_good(p + at))
        return CPIO_BAD;
    if (!hex(p + at + MODE, &member->mode) || !hex(p + at + FILE_SIZE, &size) ||
        !hex(p + at + NAME_SIZE, &name_size))
        return CPIO_BAD;
    /* Name and data each end on a multiple of four, counted from the archive's start. */
    if (name_size > bytes - at - HEADER || !name_good((const char *)p + at + HEADER, name_size))
        return CPIO_BAD;
    member->name = (const char *)p + at + HEADER;
    at = (at + HEADER + name_size + 3) & ~(size_t)3;
    if (same(member->name, "TRAILER!!!"))
        return CPIO_END;
    if (at > bytes || size > bytes - at)
        return CPIO_BAD;
    member->data = p + at;
    member->size = size;
    *offset = (at + size + 3) & ~(size_t)3;
    return CPIO_MEMBER;
}

enum cpio_result cpio_find(const void *archive, size_t bytes, const char *name,
                           struct cpio_member *member)
{
    size_t offset = 0;
    enum cpio_result result;
    while ((result = cpio_next(archive, bytes, &offset, member)) == CPIO_MEMBER) {
        if ((member->mode & TYPE_MASK) == REGULAR && same(bare(member->name), bare(name)))
            return CPIO_MEMBER;
    }
    return result;
}
