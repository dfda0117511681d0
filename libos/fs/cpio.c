/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpio.h"

#include <string.h>

#define HEADER 110

/* Header fields, by number: eight hexadecimal digits each, after the magic. */
enum field {
    INODE,
    MODE,
    UID,
    GID,
    LINKS,
    MTIME,
    SIZE,
    MAJOR,
    MINOR,
    RMAJOR,
    RMINOR,
    NAME_SIZE,
    CHECK
};

static bool field_read(const uint8_t *header, enum field n, uint32_t *value)
{
    const uint8_t *p = header + 6 + 8 * n;
    *value = 0;
    for (int i = 0; i < 8; i++) {
        unsigned c = p[i] | 0x20;
        unsigned digit = c - '0' < 10 ? c - '0' : c - 'a' < 6 ? c - 'a' + 10 : 16;
        if (digit == 16)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* More NULs than one may follow the name: they move the data to where it is wanted. */
static bool name_clean(const char *name, size_t size)
{
    if (!size || name[size - 1])
        return false;
    for (size_t i = strlen(name); i < size; i++)
        if (name[i])
            return false;
    for (const char *p = name; p; p = strchr(p, '/'), p = p ? p + 1 : p)
        if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]))
            return false;
    return true;
}

static const char *bare(const char *name)
{
    for (;;) {
        if (name[0] == '/')
            name++;
        else if (name[0] == '.' && name[1] == '/')
            name += 2;
        else
            return name;
    }
}

static size_t align4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

bool cpio_read(const uint8_t *archive, size_t bytes, size_t *offset, struct cpio_file *file)
{
    size_t at = *offset;
    uint32_t name_size, size;

    if (at > bytes || bytes - at < HEADER || memcmp(archive + at, "07070", 5))
        return false;
    const uint8_t *header = archive + at;
    if (!field_read(header, MODE, &file->mode) || !field_read(header, MTIME, &file->mtime) ||
        !field_read(header, LINKS, &file->links) || !field_read(header, INODE, &file->inode) ||
        !field_read(header, SIZE, &size) || !field_read(header, NAME_SIZE, &name_size))
        return false;
    if (name_size > bytes - at - HEADER || !name_clean((const char *)header + HEADER, name_size))
        return false;
    at = align4(at + HEADER + name_size);
    if (at > bytes || size > bytes - at || !strcmp((const char *)header + HEADER, "TRAILER!!!"))
        return false;
    file->name = bare((const char *)header + HEADER);
    file->data = archive + at;
    file->size = size;
    *offset = align4(at + size);
    return true;
}

bool cpio_whole(const uint8_t *archive, size_t bytes)
{
    struct cpio_file file;
    size_t offset = 0;
    static const char end[] = "TRAILER!!!";

    while (cpio_read(archive, bytes, &offset, &file))
        ;
    return bytes >= HEADER + sizeof end && offset <= bytes - HEADER - sizeof end &&
           !memcmp(archive + offset, "07070", 5) &&
           !memcmp(archive + offset + HEADER, end, sizeof end);
}

bool cpio_lookup(const uint8_t *archive, size_t bytes, const char *name, struct cpio_file *file)
{
    size_t offset = 0;
    while (cpio_read(archive, bytes, &offset, file))
        if (!strcmp(file->name, bare(name)))
            return true;
    return false;
}
