/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory's entries, chosen and sorted. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct list {
    struct dirent **entries;
    size_t count, room;
};

static int list_add(struct list *l, const struct dirent *entry)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        struct dirent **larger = realloc(l->entries, room * sizeof *larger);
        if (!larger)
            return -1;
        l->entries = larger;
        l->room = room;
    }
    struct dirent *copy = malloc(sizeof *copy);
    if (!copy)
        return -1;
    *copy = *entry;
    l->entries[l->count++] = copy;
    return 0;
}

int scandir(const char *path, struct dirent ***entries, int (*chosen)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    struct list list = {0};
    struct dirent *entry;
    DIR *directory = opendir(path);

    if (!directory)
        return -1;
    errno = 0;
    while ((entry = readdir(directory)) && !errno) {
        if (!chosen || chosen(entry))
            if (list_add(&list, entry))
                break;
        errno = 0;
    }
    int error = entry ? ENOMEM : errno;
    closedir(directory);
    if (error) {
        while (list.count)
            free(list.entries[--list.count]);
        free(list.entries);
        errno = error;
        return -1;
    }
    if (compare)
        qsort(list.entries, list.count, sizeof *list.entries,
              (int (*)(const void *, const void *))compare);
    *entries = list.entries;
    return (int)list.count;
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcoll((*a)->d_name, (*b)->d_name);
}
