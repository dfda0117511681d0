/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* sources: libos/fs/node.c libos/fs/directory.c libos/fs/contents.c libos/fs/walk.c libos/fs/names.c libos/fs/import.c libos/fs/cpio.c libos/session/monitor.c libos/session/allocate.c */
/* flags: -D_GNU_SOURCE -idirafter libos/include -Wl,--wrap=session_log -DSESSION_VA=0x300000000000UL */
/* clang-format on */
/* The file system in memory: death at every store; no memory. */
#include "files_host.h"

/* ---- death at every store ---- */

static int op_create(void)
{
    return create("/k/new", S_IFREG | 0644);
}

static int op_mkdir(void)
{
    return create("/k/dir", S_IFDIR | 0755);
}

static int op_symlink(void)
{
    return make_link("/k/sym", "target");
}

static int op_link(void)
{
    return make_hard("/k/a", "/k/hard");
}

static int op_unlink(void)
{
    return by_parent(name_unlink, "/k/a");
}

static int op_rmdir(void)
{
    return by_parent(name_rmdir, "/k/empty");
}

static int op_rename(void)
{
    return rename_path("/k/a", "/k/c");
}

static int op_rename_over(void)
{
    return rename_path("/k/a", "/k/b");
}

static int op_rename_directory(void)
{
    return rename_path("/k/full", "/k/empty");
}

static int op_rename_away(void)
{
    return rename_path("/k/full/in", "/in");
}

static void scene(void)
{
    create("/k", S_IFDIR | 0755);
    create("/k/a", S_IFREG | 0644);
    contents_write(made, 0, big, 20000);
    create("/k/b", S_IFREG | 0644);
    create("/k/empty", S_IFDIR | 0755);
    create("/k/full", S_IFDIR | 0755);
    create("/k/full/in", S_IFDIR | 0755);
}

static void unscene(void)
{
    static const char *const paths[] = {"/k/new", "/k/sym", "/k/hard", "/k/a", "/k/b", "/k/c"};
    static const char *const folders[] = {"/in",      "/k/full/in", "/k/empty/in", "/k/full",
                                          "/k/empty", "/k/dir",     "/k"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        by_parent(name_unlink, paths[i]);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        by_parent(name_rmdir, folders[i]);
    reap();
}

/* Runs it to its n-th store, dies, rolls back. True: it came to its end before that. */
static bool run_to(int (*op)(void), long n)
{
    volatile bool ended = false;

    steps_left = n;
    if (!setjmp(death)) {
        op();
        reap();
        ended = true;
    }
    steps_left = -1;
    successor();
    return ended;
}

static void deaths(int (*op)(void), const char *name)
{
    static char before[65536], after[65536], now[65536];
    bool good = true;
    uint64_t empty = session_used();

    scene();
    snapshot(before, sizeof before);
    op();
    reap();
    snapshot(after, sizeof after);
    unscene();
    for (long n = 0; good; n++) {
        uint64_t inodes = FILE_SYSTEM->inodes;
        FILE_SYSTEM->inodes = 1000;
        unscene();
        scene();
        snapshot(before, sizeof before);
        bool ended = run_to(op, n);
        reap();
        snapshot(now, sizeof now);
        FILE_SYSTEM->inodes = inodes;
        if (strcmp(now, before)) {
            /* done, then: as a second run to its end says */
            FILE_SYSTEM->inodes = 1000;
            unscene();
            scene();
            op();
            reap();
            snapshot(after, sizeof after);
            FILE_SYSTEM->inodes = inodes;
            good = !strcmp(now, after);
        }
        if (strstr(now, "LOST") || strstr(now, "ORPHAN"))
            good = false;
        unscene();
        if (ended)
            break;
    }
    tap(good && session_used() <= empty + 4096, name);
}

/* ---- no memory ---- */

static void exhaustion(void)
{
    create("/full", S_IFREG | 0644);
    struct node *f = made;
    chunk_limit = SESSION->chunk_count;
    uint64_t at = 0;
    ssize_t n, m;
    while ((m = contents_write(f, at, big, sizeof big)) > 0)
        at += (uint64_t)m;
    tap(m == -ENOSPC && f->size == at && contents_write(f, at, big, 1 << 20) == -ENOSPC,
        "full_write");
    n = (ssize_t)(at < sizeof big ? at : sizeof big);
    tap(reads(f, 0, (size_t)n, n) && !memcmp(back, big, (size_t)n), "full_kept");
    tap(contents_truncate(f, 0) == 0 && contents_write(f, 0, big, 8192) == 8192, "full_and_on");
    chunk_limit = HOST_CHUNKS;
    by_parent(name_unlink, "/full");
    reap();
}

int main(void)
{
    session_host_boot();
    if (file_system_boot())
        abort();
    deaths(op_create, "death_create");
    deaths(op_mkdir, "death_mkdir");
    deaths(op_symlink, "death_symlink");
    deaths(op_link, "death_link");
    deaths(op_unlink, "death_unlink");
    deaths(op_rmdir, "death_rmdir");
    deaths(op_rename, "death_rename");
    deaths(op_rename_over, "death_rename_over");
    deaths(op_rename_directory, "death_rename_directory");
    deaths(op_rename_away, "death_rename_away");
    exhaustion();
    return tap_failed;
}
