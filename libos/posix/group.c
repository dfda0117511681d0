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

static struct group kept;

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

static int fill(void *entry, char *field[], char *end)
{
    struct group *group = entry;
    char *free = field[3] + strlen(field[3]) + 1;

    group->gr_name = field[0];
    group->gr_passwd = field[1];
    group->gr_gid = (gid_t)strtoul(field[2], NULL, 10);
    free += -(uintptr_t)free % sizeof(char *);
    return members_split(field[3], (char **)free, end, group);
}

static bool is(const void *entry, const char *name, unsigned id)
{
    const struct group *group = entry;
    return name ? !strcmp(name, group->gr_name) : id == group->gr_gid;
}

static struct account_file all = {"/etc/group", "root:x:0:", 4, fill, is, &kept, NULL, 0, NULL, 0};

static int find(const char *name, gid_t gid, struct group *group, char *buffer, size_t size, struct group **result)
{
    bool found;
    int error = account_find(&all, name, gid, group, buffer, size, &found);

    *result = found ? group : NULL;
    return error;
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

struct group *getgrnam(const char *name)
{
    return account_find_kept(&all, name, 0);
}

struct group *getgrgid(gid_t gid)
{
    return account_find_kept(&all, NULL, gid);
}

void setgrent(void)
{
    account_rewind(&all);
}

void endgrent(void)
{
    account_rewind(&all);
}

struct group *getgrent(void)
{
    return account_next(&all);
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
