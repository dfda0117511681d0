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

int account_next(FILE *file, const char *builtin, unsigned *position, unsigned fields,
                 char *field[], char *buffer, size_t size)
{
    if (!file) {
        if ((*position)++)
            return ENOENT;
        if (strlen(builtin) >= size)
            return ERANGE;
        strcpy(buffer, builtin);
        line_split(buffer, field, fields);
        return 0;
    }
    for (;;) {
        int error = line_read(file, buffer, size);
        if (error)
            return error;
        if (line_split(buffer, field, fields) == fields && *field[0])
            return 0;
    }
}

int account_grow(char **text, size_t *size)
{
    size_t wanted = *size ? 2 * *size : 256;
    char *larger = realloc(*text, wanted);

    if (!larger)
        return 0;
    *text = larger;
    *size = wanted;
    return 1;
}
