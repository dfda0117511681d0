/* SPDX-License-Identifier: BSD-2-Clause */
/* Users, of /etc/passwd; where there is no such file there is root alone. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "user.h"

static struct passwd kept;

static int fill(void *entry, char *field[], char *end)
{
    (void)end;
    *(struct passwd *)entry = (struct passwd){
        .pw_name = field[0],
        .pw_passwd = field[1],
        .pw_uid = (uid_t)strtoul(field[2], NULL, 10),
        .pw_gid = (gid_t)strtoul(field[3], NULL, 10),
        .pw_comment = field[4],
        .pw_gecos = field[4],
        .pw_dir = field[5],
        .pw_shell = field[6],
    };
    return 0;
}

static bool is(const void *entry, const char *name, unsigned id)
{
    const struct passwd *user = entry;
    return name ? !strcmp(name, user->pw_name) : id == user->pw_uid;
}

static struct account_file users = {"/etc/passwd", "root:x:0:0:root:/:/bin/sh", 7, fill, is, &kept, NULL, 0, NULL, 0};

static int find(const char *name, uid_t uid, struct passwd *user, char *buffer, size_t size, struct passwd **result)
{
    bool found;
    int error = account_find(&users, name, uid, user, buffer, size, &found);

    *result = found ? user : NULL;
    return error;
}

int getpwnam_r(const char *name, struct passwd *user, char *buffer, size_t size,
               struct passwd **result)
{
    return find(name, 0, user, buffer, size, result);
}

int getpwuid_r(uid_t uid, struct passwd *user, char *buffer, size_t size, struct passwd **result)
{
    return find(NULL, uid, user, buffer, size, result);
}

struct passwd *getpwnam(const char *name)
{
    return account_find_kept(&users, name, 0);
}

struct passwd *getpwuid(uid_t uid)
{
    return account_find_kept(&users, NULL, uid);
}

void setpwent(void)
{
    account_rewind(&users);
}

void endpwent(void)
{
    account_rewind(&users);
}

struct passwd *getpwent(void)
{
    return account_next(&users);
}

/* The name that goes with who we are: nobody has logged in, since there is no login. */
char *getlogin(void)
{
    struct passwd *user = getpwuid(getuid());
    return user ? user->pw_name : NULL;
}

int getlogin_r(char *name, size_t size)
{
    const char *login = getlogin();

    if (!login)
        return ENXIO;
    return -user_string_out(name, size, login);
}
