/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of file systems: /proc/mounts, /etc/fstab. */
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

FILE *setmntent(const char *path, const char *mode)
{
    return fopen(path, mode);
}

int endmntent(FILE *table)
{
    if (table)
        fclose(table);
    return 1;
}

/* \ooo in a field stands for a character that would end it. */
static char *field_decode(char *text)
{
    char *to = text;

    for (char *from = text; *from; to++) {
        unsigned a = (unsigned)(from[1] - '0'), b = a < 8 ? (unsigned)(from[2] - '0') : 8;
        unsigned c = b < 8 ? (unsigned)(from[3] - '0') : 8;
        if (*from == '\\' && c < 8) {
            *to = (char)(a << 6 | b << 3 | c);
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
    return text;
}

struct mntent *getmntent_r(FILE *table, struct mntent *entry, char *buffer, int size)
{
    char *save, *field[6];

    while (fgets(buffer, size, table)) {
        unsigned count = 0;
        char *text = buffer;
        while (count < 6 && (field[count] = strtok_r(text, " \t\n", &save))) {
            text = NULL;
            count++;
        }
        if (count < 4 || *field[0] == '#')
            continue;
        *entry = (struct mntent){
            .mnt_fsname = field_decode(field[0]),
            .mnt_dir = field_decode(field[1]),
            .mnt_type = field_decode(field[2]),
            .mnt_opts = field_decode(field[3]),
            .mnt_freq = count > 4 ? atoi(field[4]) : 0,
            .mnt_passno = count > 5 ? atoi(field[5]) : 0,
        };
        return entry;
    }
    return NULL;
}

struct mntent *getmntent(FILE *table)
{
    static struct mntent entry;
    static char text[1024];
    return getmntent_r(table, &entry, text, sizeof text);
}

int addmntent(FILE *table, const struct mntent *entry)
{
    if (fseek(table, 0, SEEK_END))
        return 1;
    return fprintf(table, "%s %s %s %s %d %d\n", entry->mnt_fsname, entry->mnt_dir, entry->mnt_type,
                   entry->mnt_opts, entry->mnt_freq, entry->mnt_passno) < 0;
}

char *hasmntopt(const struct mntent *entry, const char *option)
{
    size_t length = strlen(option);

    for (char *at = entry->mnt_opts; (at = strstr(at, option)); at += length) {
        int starts = at == entry->mnt_opts || at[-1] == ',';
        if (starts && (!at[length] || at[length] == ',' || at[length] == '='))
            return at;
    }
    return NULL;
}
