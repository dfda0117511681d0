/* SPDX-License-Identifier: BSD-2-Clause */
#include "accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned line_split(char *line, char *field[], unsigned most)
{
    unsigned count = 0;

    while (count < most) {
        field[count++] = line;
        if (!(line = strchr(line, ':')))
            break;
        *line++ = 0;
    }
    return count;
}

static int line_read(FILE *file, char *buffer, size_t size)
{
    long before = ftell(file);

    if (!fgets(buffer, (int)size, file))
        return ENOENT;
    size_t length = strlen(buffer);
    if (buffer[length - 1] == '\n') {
        buffer[length - 1] = 0;
        return 0;
    }
    if (length + 1 < size) /* the last line, without an end */
        return 0;
    fseek(file, before, SEEK_SET);
    return ERANGE;
}

/* The fields of the next line that has all of them. ENOENT at the end; ERANGE: the line will be read again. */
static int fields_next(const struct account_file *from, FILE *file, unsigned *position, char *field[], char *buffer, size_t size)
{
    if (!file) {
        if ((*position)++)
            return ENOENT;
        if (strlen(from->builtin) >= size) {
            *position = 0;
            return ERANGE;
        }
        strcpy(buffer, from->builtin);
        line_split(buffer, field, from->fields);
        return 0;
    }
    for (;;) {
        int error = line_read(file, buffer, size);
        if (error)
            return error;
        if (line_split(buffer, field, from->fields) == from->fields && *field[0])
            return 0;
    }
}

static int entry_next(const struct account_file *from, FILE *file, unsigned *position, void *entry, char *buffer, size_t size)
{
    char *field[ACCOUNT_FIELDS];
    long before = file ? ftell(file) : 0;
    int error = fields_next(from, file, position, field, buffer, size);

    if (error || !(error = from->fill(entry, field, buffer + size)))
        return error;
    if (file)
        fseek(file, before, SEEK_SET);
    else
        *position = 0;
    return error;
}

int account_find(const struct account_file *from, const char *name, unsigned id, void *entry, char *buffer, size_t size, bool *found)
{
    FILE *file = fopen(from->path, "re");
    unsigned position = 0;
    int error;

    *found = false;
    while (!*found && !(error = entry_next(from, file, &position, entry, buffer, size)))
        *found = from->is(entry, name, id);
    if (file)
        fclose(file);
    return error == ENOENT ? 0 : error;
}

/* Twice the room for the text of the entry that is kept. */
static bool grow(struct account_file *from)
{
    size_t wanted = from->size ? 2 * from->size : 256;
    char *larger = realloc(from->text, wanted);

    if (!larger)
        return false;
    from->text = larger;
    from->size = wanted;
    return true;
}

void *account_find_kept(struct account_file *from, const char *name, unsigned id)
{
    bool found = false;
    int error = ERANGE, before = errno;

    while (error == ERANGE && grow(from))
        error = account_find(from, name, id, from->entry, from->text, from->size, &found);
    errno = error ? error : before;
    return found ? from->entry : NULL;
}

void account_rewind(struct account_file *from)
{
    if (from->file)
        fclose(from->file);
    from->file = NULL;
    from->position = 0;
}

void *account_next(struct account_file *from)
{
    int error, before = errno;

    if (!from->file && !from->position)
        from->file = fopen(from->path, "re");
    if (!from->text && !grow(from))
        return NULL;
    do
        error = entry_next(from, from->file, &from->position, from->entry, from->text, from->size);
    while (error == ERANGE && grow(from));
    errno = error && error != ENOENT ? error : before;
    return error ? NULL : from->entry;
}
