/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of paths, as text; and the one true name of a file. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user.h"

char *dirname(char *path)
{
    if (!path || !*path)
        return ".";
    char *end = path + strlen(path);
    while (end > path + 1 && end[-1] == '/')
        end--;
    while (end > path && end[-1] != '/')
        end--;
    if (end == path)
        return ".";
    while (end > path + 1 && end[-1] == '/')
        end--;
    *end = 0;
    return path;
}

char *(basename)(char *path) __asm__("basename");
char *(basename)(char *path)
{
    if (!path || !*path)
        return ".";
    char *end = path + strlen(path);
    while (end > path + 1 && end[-1] == '/')
        *--end = 0;
    char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : slash ? slash : path;
}

/* What is still to be walked, and what has been: absolute, no links, no dots, no slash at the end.
 */
struct walk {
    char done[PATH_MAX];
    char rest[PATH_MAX];
    unsigned links;
};

static int part_append(struct walk *w, const char *part, size_t length)
{
    size_t at = strlen(w->done);

    if (!length || (length == 1 && part[0] == '.'))
        return 0;
    if (length == 2 && part[0] == '.' && part[1] == '.') {
        char *slash = strrchr(w->done, '/');
        if (slash)
            *slash = 0;
        return 0;
    }
    if (at + 1 + length >= sizeof w->done)
        return ENAMETOOLONG;
    w->done[at] = '/';
    memcpy(w->done + at + 1, part, length);
    w->done[at + 1 + length] = 0;
    return 0;
}

/* The part just appended is a link: its text goes before the rest. */
static int link_follow(struct walk *w)
{
    char target[PATH_MAX];
    ssize_t length = readlink(w->done, target, sizeof target - 1);

    if (length < 0)
        return errno;
    if (++w->links > SYMLOOP_MAX)
        return ELOOP;
    target[length] = 0;
    if ((size_t)length + strlen(w->rest) + 2 > sizeof target)
        return ENAMETOOLONG;
    target[length] = '/';
    strcpy(target + length + 1, w->rest);
    strcpy(w->rest, target);
    if (target[0] == '/')
        w->done[0] = 0;
    else
        *strrchr(w->done, '/') = 0;
    return 0;
}

static int part_next(struct walk *w)
{
    char *start = w->rest + strspn(w->rest, "/");
    size_t length = strcspn(start, "/");
    struct stat status;
    int error = part_append(w, start, length);
    int more = start[length] == '/';

    memmove(w->rest, start + length, strlen(start + length) + 1);
    if (error)
        return error;
    if (lstat(*w->done ? w->done : "/", &status))
        return errno;
    if (S_ISLNK(status.st_mode))
        return link_follow(w);
    return more && !S_ISDIR(status.st_mode) ? ENOTDIR : 0;
}

static int path_resolve(const char *path, struct walk *w)
{
    int error = 0;

    if (!path)
        return EINVAL;
    ssize_t length = user_string(w->rest, path, sizeof w->rest);
    if (length <= 0)
        return length ? (int)-length : ENOENT;
    w->links = 0;
    w->done[0] = 0;
    if (w->rest[0] != '/') {
        if (!getcwd(w->done, sizeof w->done))
            return errno;
        if (!strcmp(w->done, "/"))
            w->done[0] = 0;
    }
    while (!error && *w->rest)
        error = part_next(w);
    if (!error && !*w->done)
        strcpy(w->done, "/");
    return error;
}

char *realpath(const char *restrict path, char *restrict resolved)
{
    struct walk *w = malloc(sizeof *w);
    int error = w ? path_resolve(path, w) : ENOMEM;

    if (!error && !resolved && !(resolved = malloc(strlen(w->done) + 1)))
        error = ENOMEM;
    if (!error)
        error = -user_string_out(resolved, PATH_MAX, w->done);
    free(w);
    if (error)
        errno = error;
    return error ? NULL : resolved;
}

char *canonicalize_file_name(const char *path)
{
    return realpath(path, NULL);
}

char *get_current_dir_name(void)
{
    char *name = malloc(PATH_MAX);

    if (name && !getcwd(name, PATH_MAX)) {
        free(name);
        return NULL;
    }
    return name;
}
