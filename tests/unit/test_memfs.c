/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/fs/memfs.c libos/fs/memfs_import.c libos/fs/cpio.c */
/* flags: -D_GNU_SOURCE */
#include "../../libos/fs/memfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../libos/fs/cpio.h"
#include "tap.h"

static struct memfs fs;
static int64_t clock_value;
static uint8_t archive[8192];
static size_t used;

static int64_t now(void)
{
    return ++clock_value;
}

static void add(const char *name, unsigned mode, const char *data)
{
    size_t size = strlen(data);
    used += (size_t)sprintf((char *)archive + used,
                            "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, mode,
                            0, 0, 1, 77, size, 0, 0, 0, 0, strlen(name) + 1, 0);
    strcpy((char *)archive + used, name);
    used = (used + strlen(name) + 1 + 3) & ~(size_t)3;
    memcpy(archive + used, data, size);
    used = (used + size + 3) & ~(size_t)3;
}

static struct memfs_node *find(const char *path)
{
    struct memfs_node *node;
    return memfs_walk(&fs, fs.root, path, 1, &node) ? NULL : node;
}

static int walk_error(const char *path)
{
    struct memfs_node *node;
    return memfs_walk(&fs, fs.root, path, 1, &node);
}

static struct memfs_node *make(const char *path, mode_t mode)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory, *node;
    if (memfs_walk_parent(&fs, fs.root, path, &directory, name) ||
        memfs_create(&fs, directory, name, mode, &node))
        return NULL;
    return node;
}

/* One of the calls that take a directory and a name, by path. */
static int by_path(int (*call)(struct memfs *, struct memfs_node *, const char *), const char *path)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory;
    int error = memfs_walk_parent(&fs, fs.root, path, &directory, name);
    return error ? error : call(&fs, directory, name);
}

static int move(const char *from, const char *to)
{
    char old[MEMFS_NAME_MAX + 1], new[MEMFS_NAME_MAX + 1];
    struct memfs_node *a, *b;
    int error = memfs_walk_parent(&fs, fs.root, from, &a, old);
    if (!error)
        error = memfs_walk_parent(&fs, fs.root, to, &b, new);
    return error ? error : memfs_rename(&fs, a, old, b, new);
}

static bool holds(const char *path, const char *text)
{
    char buffer[64];
    struct memfs_node *node = find(path);
    return node && memfs_read(&fs, node, 0, buffer, sizeof buffer) == strlen(text) &&
           !memcmp(buffer, text, strlen(text));
}

static void test_import(void)
{
    add("bin/prog", 0100755, "program");
    add("./etc/deep/er/file", 0100644, "text");
    add("link", 0120777, "etc/deep");
    add("loop", 0120777, "loop");
    add("../escape", 0100644, "x");
    tap(memfs_boot(&fs, now) == 0 && memfs_import(&fs, archive, used) == 0, "memfs_import");
    tap(holds("/bin/prog", "program") && find("/bin/prog")->mode == 0100755, "memfs_import_file");
    tap(holds("etc/deep/er/file", "text") && find("/etc/deep")->mode == 040755,
        "memfs_import_parents");
    tap(holds("/link/er/file", "text") && holds("/link/../deep/er/file", "text"),
        "memfs_symbolic_link");
    tap(walk_error("/loop") == ELOOP && walk_error("/loop/x") == ELOOP, "memfs_link_loop");
    tap(!find("/escape") && walk_error("/../../bin/prog") == 0, "memfs_no_escape");
}

static void test_copy_on_write(void)
{
    struct memfs_node *node = find("/bin/prog");
    tap(memfs_write(&fs, node, 3, "XY", 2) == 0 && holds("/bin/prog", "proXYam"),
        "memfs_write_over_archive");
    tap(memmem(archive, used, "program", 7) != NULL, "memfs_archive_untouched");
    tap(memfs_write(&fs, node, 10, "end", 3) == 0 && node->size == 13 &&
            holds("/bin/prog", "proXYam\0\0\0end") == false,
        "memfs_hole");
    char buffer[13];
    tap(memfs_read(&fs, node, 0, buffer, 13) == 13 && !memcmp(buffer, "proXYam\0\0\0end", 13),
        "memfs_hole_is_zero");
    tap(memfs_truncate(&fs, node, 3) == 0 && memfs_truncate(&fs, node, 5) == 0 &&
            memfs_read(&fs, node, 0, buffer, 13) == 5 && !memcmp(buffer, "pro\0\0", 5),
        "memfs_truncate_clears");
    tap(memfs_write(&fs, node, (size_t)-2, "abc", 3) == EFBIG, "memfs_offset_overflow");
}

static void test_paths(void)
{
    char long_name[300], buffer[64];
    memset(long_name, 'a', sizeof long_name);
    long_name[299] = 0;
    tap(walk_error("") == ENOENT && walk_error("/none/x") == ENOENT &&
            walk_error("/bin/prog/x") == ENOTDIR,
        "memfs_path_errors");
    tap(walk_error("/bin/prog/") == ENOTDIR && walk_error("//bin/./prog") == 0 &&
            walk_error("/link/") == 0,
        "memfs_path_slashes");
    tap(walk_error(long_name) == ENAMETOOLONG, "memfs_name_too_long");
    tap(memfs_path(&fs, find("/etc/deep/er"), buffer, sizeof buffer) == 0 &&
            !strcmp(buffer, "/etc/deep/er"),
        "memfs_getcwd");
    tap(memfs_path(&fs, fs.root, buffer, 2) == 0 && !strcmp(buffer, "/") &&
            memfs_path(&fs, find("/etc/deep"), buffer, 5) == ERANGE,
        "memfs_getcwd_bounds");
}

static void test_names(void)
{
    tap(make("/tmp/a", S_IFREG | 0644) && !make("/tmp/a", S_IFREG | 0644), "memfs_create");
    tap(make("/tmp/d", S_IFDIR | 0755) && find("/tmp/d")->links == 2 && find("/tmp")->links == 3,
        "memfs_mkdir");
    tap(by_path(memfs_unlink, "/tmp/d") == EISDIR && by_path(memfs_rmdir, "/tmp/a") == ENOTDIR,
        "memfs_wrong_kind");
    tap(make("/tmp/d/x", S_IFREG | 0600) && by_path(memfs_rmdir, "/tmp/d") == ENOTEMPTY,
        "memfs_not_empty");
    tap(by_path(memfs_rmdir, "/tmp/d/.") == EINVAL && by_path(memfs_rmdir, "/") == EEXIST,
        "memfs_rmdir_special");
    tap(by_path(memfs_unlink, "/tmp/d/x") == 0 && by_path(memfs_rmdir, "/tmp/d") == 0 &&
            !find("/tmp/d") && find("/tmp")->links == 2,
        "memfs_remove");
    tap(memfs_link(&fs, find("/tmp"), "b", find("/tmp/a")) == 0 &&
            find("/tmp/b") == find("/tmp/a") && find("/tmp/b")->links == 2,
        "memfs_hard_link");
    tap(memfs_link(&fs, find("/tmp"), "e", find("/etc")) == EPERM, "memfs_no_directory_link");
}

static void test_open_unlinked(void)
{
    struct memfs_node *node = make("/tmp/open", S_IFREG | 0644);
    memfs_hold(node);
    memfs_write(&fs, node, 0, "still here", 10);
    by_path(memfs_unlink, "/tmp/open");
    char buffer[10];
    tap(!find("/tmp/open") && memfs_read(&fs, node, 0, buffer, 10) == 10 &&
            !memcmp(buffer, "still here", 10),
        "memfs_unlink_while_open");
    memfs_drop(node);
}

static void test_rename(void)
{
    make("/tmp/one", S_IFREG | 0644);
    make("/tmp/two", S_IFREG | 0644);
    memfs_write(&fs, find("/tmp/one"), 0, "1", 1);
    tap(move("/tmp/one", "/tmp/two") == 0 && !find("/tmp/one") && holds("/tmp/two", "1"),
        "memfs_rename_over");
    tap(move("/tmp/two", "/tmp/two") == 0 && holds("/tmp/two", "1"), "memfs_rename_same");
    make("/tmp/dir", S_IFDIR | 0755);
    make("/tmp/dir/sub", S_IFDIR | 0755);
    tap(move("/tmp/dir", "/tmp/dir/sub/x") == EINVAL, "memfs_rename_into_itself");
    tap(move("/tmp/two", "/tmp/dir") == EISDIR && move("/tmp/dir", "/tmp/two") == ENOTDIR,
        "memfs_rename_kinds");
    tap(move("/tmp/dir/sub", "/etc/moved") == 0 && find("/etc/moved")->parent == find("/etc") &&
            find("/tmp/dir")->links == 2,
        "memfs_rename_directory");
    make("/tmp/full", S_IFDIR | 0755);
    make("/tmp/full/x", S_IFREG | 0644);
    tap(move("/tmp/dir", "/tmp/full") == ENOTEMPTY && move("/none", "/tmp/y") == ENOENT,
        "memfs_rename_errors");
}

/* Every truncation and every single-byte change of the archive: no byte outside it is read. */
static void test_hostile_archive(void)
{
    for (size_t size = 0; size <= used; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        struct cpio_file file;
        size_t offset = 0;
        memcpy(copy, archive, size);
        while (cpio_read(copy, size, &offset, &file))
            ;
        free(copy);
    }
    tap(true, "cpio_truncated");
    for (size_t at = 0; at < used; at++) {
        uint8_t *copy = malloc(used);
        struct cpio_file file;
        size_t offset = 0;
        bool inside = true;
        memcpy(copy, archive, used);
        copy[at] ^= 0x15;
        while (cpio_read(copy, used, &offset, &file))
            inside &= file.data >= copy && file.data + file.size <= copy + used &&
                      !strstr(file.name, "../");
        free(copy);
        if (!inside) {
            tap(false, "cpio_corrupt");
            return;
        }
    }
    tap(true, "cpio_corrupt");
}

int main(void)
{
    test_import();
    test_copy_on_write();
    test_paths();
    test_names();
    test_open_unlinked();
    test_rename();
    test_hostile_archive();
    return tap_failed;
}
