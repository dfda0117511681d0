/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups, of /etc/group; where there is no such file there is root's alone. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"

#define BUILTIN "root:x:0:"
#define FIELDS  4

static FILE *file;
static unsigned position;
static char *text;
static size_t text_size;
static struct group entry;

/* The member list, split in place; its pointers lie behind the text, aligned. */
static int members_split(char *list, char **to, char *end, struct group *group)
{
    unsigned count = 0;

    group->gr_mem = to;
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
        if ((char *)(to + count + 2) > end)
            return ERANGE;
        to[count++] = name;
    }
    if ((char *)(to + 1) > end)
        return ERANGE;
    to[count] = NULL;
    return 0;
}

static int entry_next(FILE *from, unsigned *at, struct group *group, char *buffer, size_t size)
{
    char *field[FIELDS];
    long before = from ? ftell(from) : 0;
    int error = account_next(from, BUILTIN, at, FIELDS, field, buffer, size);

    if (error)
        return error;
    group->gr_name = field[0];
    group->gr_passwd = field[1];
    group->gr_gid = (gid_t)strtoul(field[2], NULL, 10);
    char *free = field[3] + strlen(field[3]) + 1;
    free += -(uintptr_t)free % sizeof(char *);
    if ((error = members_split(field[3], (char **)free, buffer + size, group))) {
        if (from)
            fseek(from, before, SEEK_SET);
        else
            *at = 0;
    }
    return error;
}

static int find(const char *name, gid_t gid, struct group *group, char *buffer, size_t size,
                struct group **result)
{
    FILE *from = fopen("/etc/group", "re");
    unsigned at = 0;
    int error;

    *result = NULL;
    while (!(error = entry_next(from, &at, group, buffer, size)))
        if (name ? !strcmp(name, group->gr_name) : gid == group->gr_gid) {
            *result = group;
            break;
        }
    if (from)
        fclose(from);
    return error == ENOENT ? 0 : error;
}

int getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
               struct group **result)
{
    return find(name, 0, group, buffer, size, result);
}

int getgrgid_r(gid_t gid, struct group *group, char *buffer, size_t size, struct group **result)
{
    return find(NULL, gid, group, buffer, size, result);
}

static struct group *find_static(const char *name, gid_t gid)
{
    struct group *result = NULL;
    int error = ERANGE;

    while (error == ERANGE && account_grow(&text, &text_size))
        error = find(name, gid, &entry, text, text_size, &result);
    if (error)
        errno = error;
    return result;
}

struct group *getgrnam(const char *name)
{
    return find_static(name, 0);
}

struct group *getgrgid(gid_t gid)
{
    return find_static(NULL, gid);
}

void setgrent(void)
{
    if (file)
        fclose(file);
    file = NULL;
    position = 0;
}

void endgrent(void)
{
    setgrent();
}

struct group *getgrent(void)
{
    int error;

    if (!file && !position)
        file = fopen("/etc/group", "re");
    if (!text && !account_grow(&text, &text_size))
        return NULL;
    while ((error = entry_next(file, &position, &entry, text, text_size)) == ERANGE && account_grow(&text, &text_size))
        ;
    if (error && error != ENOENT)
        errno = error;
    return error ? NULL : &entry;
}

static int is_member(const struct group *group, const char *user)
{
    for (char **name = group->gr_mem; *name; name++)
        if (!strcmp(*name, user))
            return 1;
    return 0;
}

int getgrouplist(const char *user, gid_t first, gid_t *groups, int *count)
{
    int room = *count, found = 0;
    struct group *group;

    if (found++ < room)
        groups[0] = first;
    setgrent();
    while ((group = getgrent()))
        if (group->gr_gid != first && is_member(group, user) && found++ < room)
            groups[found - 1] = group->gr_gid;
    endgrent();
    *count = found;
    return found > room ? -1 : found;
}

int initgroups(const char *user, gid_t first)
{
    gid_t groups[NGROUPS_MAX];
    int count = NGROUPS_MAX;

    if (getgrouplist(user, first, groups, &count) < 0)
        count = NGROUPS_MAX;
    return setgroups(count, groups);
}
