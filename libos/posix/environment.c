/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to the environment. newlib's take `environ` for memory of their own once they have changed
 * it; a program may put another table there at any time, and here it may. Strings that setenv() made
 * are freed when they are replaced; who kept getenv()'s result knows (POSIX says so).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **table; /* ours, if environ points to it */
static size_t room;
static char **made; /* the strings in it that are ours, at the same places */

static int fail(int error)
{
    errno = error;
    return -1;
}

static size_t environment_count(void)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    return count;
}

static char **entry_find(const char *name, size_t length)
{
    for (char **entry = environ; entry && *entry; entry++)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
            return entry;
    return NULL;
}

/* The table is ours and has room for one more. */
static int table_own(void)
{
    size_t count = environment_count();

    if (environ == table && table && count + 2 <= room)
        return 0;
    size_t wanted = 2 * count + 16;
    char **larger = malloc(wanted * sizeof *larger), **owners = calloc(wanted, sizeof *owners);
    if (!larger || !owners) {
        free(larger);
        free(owners);
        return fail(ENOMEM);
    }
    for (size_t i = 0; i < count; i++) {
        larger[i] = environ[i];
        owners[i] = environ == table && table ? made[i] : NULL;
    }
    larger[count] = NULL;
    free(table);
    free(made);
    environ = table = larger;
    made = owners;
    room = wanted;
    return 0;
}

/* `own`: the string is to be freed when it goes. */
static int entry_put(char *string, size_t length, char *own)
{
    if (table_own())
        return -1;
    char **entry = entry_find(string, length);
    size_t at = entry ? (size_t)(entry - table) : environment_count();
    if (!entry)
        table[at + 1] = NULL;
    else if (made[at] != string)
        free(made[at]);
    table[at] = string;
    made[at] = own;
    return 0;
}

int setenv(const char *name, const char *value, int replace)
{
    size_t length = name ? strlen(name) : 0;

    if (!length || strchr(name, '='))
        return fail(EINVAL);
    if (!replace && entry_find(name, length))
        return 0;
    size_t size = strlen(value) + 1;
    char *string = malloc(length + 1 + size);
    if (!string)
        return fail(ENOMEM);
    memcpy(string, name, length);
    string[length] = '=';
    memcpy(string + length + 1, value, size);
    if (entry_put(string, length, string)) {
        free(string);
        return -1;
    }
    return 0;
}

int putenv(char *string)
{
    char *equals = strchr(string, '=');
    return equals ? entry_put(string, (size_t)(equals - string), NULL) : unsetenv(string);
}

int unsetenv(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    char **entry;

    if (!length || strchr(name, '='))
        return fail(EINVAL);
    while ((entry = entry_find(name, length))) {
        size_t at = (size_t)(entry - environ), rest = environment_count() - at;
        if (environ == table) {
            free(made[at]);
            memmove(made + at, made + at + 1, (rest - 1) * sizeof *made);
        }
        memmove(entry, entry + 1, rest * sizeof *entry);
    }
    return 0;
}

int clearenv(void)
{
    static char *none[1];
    environ = none;
    return 0;
}
