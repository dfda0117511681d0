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

#define BUILTIN "root:x:0:0:root:/:/bin/sh"
#define FIELDS  7

static FILE *file;
static unsigned position;
static char *text;
static size_t text_size;
static struct passwd entry;

static int entry_next(FILE *from, unsigned *at, struct passwd *user, char *buffer, size_t size)
{
    char *field[FIELDS];
    int error = account_next(from, BUILTIN, at, FIELDS, field, buffer, size);

    if (error)
        return error;
    *user = (struct passwd){
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

/* By name, or without one by uid. */
static int find(const char *name, uid_t uid, struct passwd *user, char *buffer, size_t size,
                struct passwd **result)
{
    FILE *from = fopen("/etc/passwd", "re");
    unsigned at = 0;
    int error;

    *result = NULL;
    while (!(error = entry_next(from, &at, user, buffer, size)))
        if (name ? !strcmp(name, user->pw_name) : uid == user->pw_uid) {
            *result = user;
            break;
        }
    if (from)
        fclose(from);
    return error == ENOENT ? 0 : error;
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

static struct passwd *find_static(const char *name, uid_t uid)
{
    struct passwd *result = NULL;
    int error = ERANGE;

    while (error == ERANGE && account_grow(&text, &text_size))
        error = find(name, uid, &entry, text, text_size, &result);
    if (error)
        errno = error;
    return result;
}

struct passwd *getpwnam(const char *name)
{
    return find_static(name, 0);
}

struct passwd *getpwuid(uid_t uid)
{
    return find_static(NULL, uid);
}

void setpwent(void)
{
    if (file)
        fclose(file);
    file = NULL;
    position = 0;
}

void endpwent(void)
{
    setpwent();
}

struct passwd *getpwent(void)
{
    int error = ERANGE;

    if (!file && !position)
        file = fopen("/etc/passwd", "re");
    if (!text && !account_grow(&text, &text_size))
        return NULL;
    while ((error = entry_next(file, &position, &entry, text, text_size)) == ERANGE && account_grow(&text, &text_size))
        ;
    if (error && error != ENOENT)
        errno = error;
    return error ? NULL : &entry;
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
