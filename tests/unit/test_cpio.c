/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/fs/cpio.c */
#include "../../libos/fs/cpio.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static char archive[4096];
static size_t used;

static void add(const char *name, unsigned mode, const char *data)
{
    size_t size = strlen(data);
    used += (size_t)sprintf(archive + used,
                            "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, mode,
                            0, 0, 1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0);
    strcpy(archive + used, name);
    used = (used + strlen(name) + 1 + 3) & ~(size_t)3;
    memcpy(archive + used, data, size);
    used = (used + size + 3) & ~(size_t)3;
}

static void start(void)
{
    memset(archive, 0, sizeof archive);
    used = 0;
}

/* Counts the members of a copy of exactly `length` bytes; -1: corrupt. */
static int count(size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    struct cpio_file file;
    size_t offset = 0;
    int members = 0;
    memcpy(copy, archive, length);
    while (cpio_read(copy, length, &offset, &file))
        members++;
    cpio_lookup(copy, length, "init", &file);
    members = cpio_whole(copy, length) ? members : -1;
    free(copy);
    return members;
}

static void sample(void)
{
    start();
    add("./bin", 0040755, "");
    add("./init", 0100755, "the program");
    add("/etc/motd", 0100644, "x");
    add("TRAILER!!!", 0, "");
}

static void test_find(void)
{
    struct cpio_file f;
    const uint8_t *a = (const uint8_t *)archive;
    sample();
    tap(count(used) == 3, "cpio: members are counted");
    tap(cpio_lookup(a, used, "init", &f) && f.size == 11 && !memcmp(f.data, "the program", 11),
        "cpio: a file is found");
    tap(cpio_lookup(a, used, "/etc/motd", &f) && f.size == 1 && f.mode == 0100644,
        "cpio: with or without a leading slash");
    tap(!cpio_lookup(a, used, "ini", &f), "cpio: what is not there");
}

static void test_bad_names(void)
{
    static const char *const names[] = {"..", "../x", "a/../b", "a/.."};
    bool good = true;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        start();
        add(names[i], 0100644, "x");
        add("TRAILER!!!", 0, "");
        good &= count(used) == -1;
    }
    tap(good, "cpio: a component .. is refused");
    start();
    add("a..b/...", 0100644, "x");
    add("TRAILER!!!", 0, "");
    tap(count(used) == 1, "cpio: dots in names are not");
}

/* The writer moves data to a page's beginning with NULs behind the name. */
static void test_padded_name(void)
{
    sample();
    const size_t header = 110, first = 120; /* "./bin", whose record has 116 bytes */
    memmove(archive + first, archive + 116, used - 116);
    memset(archive + header + 6, 0, first - header - 6);
    memcpy(archive + 94, "0000000a", 8);
    used += 4;
    tap(count(used) == 3, "cpio: NULs behind a name belong to it");
    archive[first - 1] = 'x';
    tap(count(used) == -1, "cpio: anything else does not");
}

static void test_truncated(void)
{
    bool good = true;
    sample();
    for (size_t length = 0; length < used - 4; length++)
        good &= count(length) == -1;
    tap(good, "cpio: every truncation is refused");
}

static void test_corrupt(void)
{
    sample();
    for (size_t i = 0; i < used; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            archive[i] ^= (char)(1 << bit);
            count(used);
            archive[i] ^= (char)(1 << bit);
        }
    }
    tap(true, "cpio: every single-bit error is survived");
}

int main(void)
{
    test_find();
    test_bad_names();
    test_padded_name();
    test_truncated();
    test_corrupt();
    return tap_failed;
}
