/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* sources: libos/fs/node.c libos/fs/directory.c libos/fs/contents.c libos/fs/walk.c libos/fs/names.c libos/fs/import.c libos/fs/cpio.c libos/session/monitor.c libos/session/allocate.c */
/* flags: -D_GNU_SOURCE -idirafter libos/include -Wl,--wrap=session_log -DSESSION_VA=0x300000000000UL */
/* clang-format on */
/* The file system in memory: names, contents, permissions. */
#include "files_host.h"

static void names(void)
{
    tap(file_system_boot() == 0 && find("/dev/null") && find("/tmp") && find("/proc"), "tree_boot");
    tap(create("/a", S_IFDIR | 0755) == 0 && find("/a")->links == 2 &&
            create("/a/f", S_IFREG | 0644) == 0 && find("a/f") == made &&
            create("/a/f", S_IFREG) == -EEXIST && create("/a", S_IFDIR) == -EEXIST,
        "tree_create");
    tap(find("/a/./../a//f") == made && find("///a/..") == FILE_SYSTEM->root &&
            find("/..") == FILE_SYSTEM->root && !find("/a/f/") && find("/a/"),
        "tree_dots_and_slashes");
    tap(find_error("/none", 0) == -ENOENT && find_error("/a/f/x", 0) == -ENOTDIR &&
            find_error("", 0) == -ENOENT && find_error("/a/f/", 0) == -ENOTDIR,
        "tree_walk_errors");
    char name[300] = "/";
    memset(name + 1, 'n', 255);
    tap(create(name, S_IFREG) == 0 && find(name) == made, "tree_name_of_255");
    name[256] = 'n';
    tap(create(name, S_IFREG) == -ENAMETOOLONG && find_error(name, 0) == -ENAMETOOLONG,
        "tree_name_too_long");
    tap(create("/a/x/", S_IFREG) == -ENOENT && create("/a/x/", S_IFDIR | 0700) == 0 &&
            create("/", S_IFDIR) == -EEXIST && create("/a/.", S_IFDIR) == -EEXIST,
        "tree_create_slash");
    tap(make_hard("/a/f", "/a/g") == 0 && find("/a/f")->links == 2 &&
            make_hard("/a", "/b") == -EPERM && make_hard("/a/f", "/a/g") == -EEXIST,
        "tree_link");
    tap(by_parent(name_unlink, "/a/f") == 0 && !find("/a/f") && find("/a/g")->links == 1 &&
            by_parent(name_unlink, "/a/x") == -EPERM &&
            by_parent(name_unlink, "/a/none") == -ENOENT &&
            by_parent(name_unlink, "/a/g/") == -ENOTDIR,
        "tree_unlink");
    tap(by_parent(name_rmdir, "/a") == -ENOTEMPTY && by_parent(name_rmdir, "/a/g") == -ENOTDIR &&
            by_parent(name_rmdir, "/a/.") == -EINVAL &&
            by_parent(name_rmdir, "/a/..") == -ENOTEMPTY &&
            by_parent(name_rmdir, "/proc") == -EBUSY && by_parent(name_rmdir, "/a/x") == 0 &&
            find("/a")->links == 2,
        "tree_rmdir");
}

static void links(void)
{
    tap(make_link("/a/l", "g") == 0 && find("/a/l") == find("/a/g") && find_error("/a/l", 0) == 0 &&
            S_ISLNK(w.at->mode) && find_error("/a/l/", 0) == -ENOTDIR,
        "tree_symlink");
    tap(make_link("/s", "a") == 0 && find("/s/g") == find("/a/g") &&
            make_link("/t", "/s/../a/") == 0 && find("/t/l") == find("/a/g") &&
            find_error("/t", 0) == 0 && S_ISLNK(w.at->mode) && find_error("/t/", 0) == 0 &&
            S_ISDIR(w.at->mode),
        "tree_symlink_in_path");
    tap(make_link("/o", "p") == 0 && make_link("/p", "/o") == 0 &&
            find_error("/o", WALK_FOLLOW) == -ELOOP && find_error("/o/x", 0) == -ELOOP &&
            make_link("/q", "") == -ENOENT,
        "tree_symlink_loop");
    char deep[4000] = "";
    for (int i = 0; i < 700; i++)
        strcat(deep, "/s/..");
    tap(find_error(deep, 0) == -ELOOP, "tree_many_symlinks");
    deep[0] = 0;
    for (int i = 0; i < 500; i++)
        strcat(deep, "/a/..");
    tap(find(deep) == FILE_SYSTEM->root, "tree_many_steps");
}

static void renames(void)
{
    create("/d", S_IFDIR | 0755);
    create("/d/e", S_IFDIR | 0755);
    create("/r", S_IFREG | 0644);
    struct node *r = made;
    create("/r2", S_IFREG | 0644);
    tap(rename_path("/r", "/r2") == 0 && find("/r2") == r && !find("/r") && r->links == 1,
        "tree_rename_over");
    tap(rename_path("/d", "/d/e/f") == -EINVAL && rename_path("/d", "/d") == 0 &&
            rename_path("/r2", "/d") == -EISDIR && rename_path("/d", "/r2") == -ENOTDIR &&
            rename_path("/none", "/x") == -ENOENT && rename_path("/d/.", "/x") == -EINVAL &&
            rename_path("/r2/", "/x") == -ENOTDIR && rename_path("/a", "/d") == -ENOTEMPTY,
        "tree_rename_errors");
    uint32_t root = FILE_SYSTEM->root->links;
    tap(rename_path("/d/e", "/e") == 0 && FILE_SYSTEM->root->links == root + 1 &&
            find("/d")->links == 2 && find("/e/..") == FILE_SYSTEM->root,
        "tree_rename_directory");
    tap(rename_path("/e", "/d") == 0 && FILE_SYSTEM->root->links == root && !find("/e") &&
            find("/d")->links == 2,
        "tree_rename_over_directory");
    make_hard("/r2", "/r3");
    tap(rename_path("/r2", "/r3") == 0 && find("/r2") && find("/r3"), "tree_rename_same_file");
    char path[64];
    create("/d/sub", S_IFDIR | 0755);
    monitor_enter();
    tap(walk_path(FILE_SYSTEM->root, FILE_SYSTEM->root, path, 64) == 0 && !strcmp(path, "/"),
        "tree_path_root");
    monitor_leave();
}

static void path_of(void)
{
    char path[64];
    struct node *sub = find("/d/sub");

    monitor_enter();
    tap(walk_path(sub, FILE_SYSTEM->root, path, 64) == 0 && !strcmp(path, "/d/sub") &&
            walk_path(sub, FILE_SYSTEM->root, path, 6) == -ERANGE &&
            walk_path(sub, FILE_SYSTEM->root, path, 7) == 0,
        "tree_path");
    monitor_leave();
}

/* ---- many names, and names that fall together ---- */

static void many(void)
{
    char path[64];
    bool good = create("/many", S_IFDIR | 0755) == 0;

    for (int i = 0; i < 3000 && good; i++) {
        snprintf(path, sizeof path, "/many/%d", i * 7919);
        good = create(path, S_IFREG | 0644) == 0;
    }
    for (int i = 0; i < 3000 && good; i += 2) {
        snprintf(path, sizeof path, "/many/%d", i * 7919);
        good = by_parent(name_unlink, path) == 0;
    }
    for (int i = 0; i < 3000 && good; i++) {
        snprintf(path, sizeof path, "/many/%d", i * 7919);
        good = !find(path) == !(i & 1);
    }
    struct node *d = find("/many");
    uint64_t n = 0, last = 0;
    for (struct entry *e = d->directory->first; e; e = e->next, n++) {
        good &= e->cookie > last && e->next != e && (!e->next || e->next->previous == e);
        last = e->cookie;
    }
    tap(good && n == 1500 && d->directory->count == 1500 && d->directory->buckets > 1000,
        "tree_many");
    for (int i = 1; i < 3000 && good; i += 2) {
        snprintf(path, sizeof path, "/many/%d", i * 7919);
        by_parent(name_unlink, path);
    }
    tap(by_parent(name_rmdir, "/many") == 0, "tree_many_removed");
    reap();
}

/* ---- contents ---- */

static bool zeros(const uint8_t *p, size_t n)
{
    while (n && !*p)
        p++, n--;
    return !n;
}

static void contents(void)
{
    create("/c", S_IFREG | 0644);
    struct node *f = made;

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 31 >> 3 | 1);
    tap(contents_write(f, 0, "hello", 5) == 5 && reads(f, 0, 100, 5) && !memcmp(back, "hello", 5) &&
            reads(f, 5, 10, 0) && reads(f, 3, 1, 1) && back[0] == 'l',
        "contents_small");
    tap(contents_write(f, 5000, "x", 1) == 1 && f->size == 5001 && reads(f, 0, 5001, 5001) &&
            !memcmp(back, "hello", 5) && zeros(back + 5, 4995) && back[5000] == 'x',
        "contents_gap");
    tap(contents_truncate(f, 2) == 0 && contents_truncate(f, 4096) == 0 &&
            reads(f, 0, 5000, 4096) && !memcmp(back, "he", 2) && zeros(back + 2, 4094),
        "contents_shorter_and_longer");
    uint64_t used = session_used();
    tap(contents_write(f, 100, big, sizeof big) == sizeof big &&
            reads(f, 100, sizeof big, sizeof big) && !memcmp(back, big, sizeof big),
        "contents_big");
    tap(contents_truncate(f, 0) == 0 && reads(f, 0, 10, 0) && session_used() < used + 8 * 4096,
        "contents_given_back");
    uint64_t far = 300UL << 30;
    tap(contents_write(f, far, "far", 3) == 3 && reads(f, far, 10, 3) && !memcmp(back, "far", 3) &&
            reads(f, far - 5000, 5000, 5000) && zeros(back, 5000) &&
            contents_seek(f, 0, true) == (off_t)far &&
            contents_seek(f, far, false) == (off_t)far + 3 && contents_seek(f, 7, false) == 7 &&
            contents_seek(f, far + 3, true) == -ENXIO,
        "contents_sparse");
    tap(contents_write(f, NODE_SIZE_MAX, "x", 1) == -EFBIG &&
            contents_write(f, NODE_SIZE_MAX - 1, "xy", 2) == 1 &&
            contents_truncate(f, NODE_SIZE_MAX + 1UL) == -EFBIG,
        "contents_too_big");
    tap(by_parent(name_unlink, "/c") == 0, "contents_unlinked");
    reap();
    tap(session_used() <= used + 4096, "contents_all_given_back");
}

static void faults(void)
{
    create("/c", S_IFREG | 0644);
    struct node *f = made;
    user_end = (char *)back + 6000;
    tap(contents_write(f, 0, NULL, 10) == -EFAULT && f->size == 0 &&
            contents_write(f, 0, back, 8192) == 4096 && f->size == 4096,
        "contents_write_fault");
    tap(contents_read(f, 0, (void *)8, 10) == -EFAULT &&
            contents_write(f, 8192, back + 6000, 10) == -EFAULT && f->size == 4096,
        "contents_read_fault");
    user_end = NULL;
    tap(contents_truncate(f, 4 * 4096) == 0 && reads(f, 4096, 3 * 4096, 3 * 4096) &&
            zeros(back, 3 * 4096),
        "contents_nothing_left_behind");
    void *page;
    tap(node_page(f, 4, true, &page) == -ENXIO && node_page(f, 3, false, &page) == 0 && !page &&
            node_page(f, 3, true, &page) == 0 && page && contents_truncate(f, 3 * 4096 + 1) == 0 &&
            node_page(f, 3, false, &page) == 0 && page && zeros(page, 4096),
        "contents_pages");
    by_parent(name_unlink, "/c");
    reap();
}

static void allocation(void)
{
    create("/c", S_IFREG | 0644);
    tap(contents_allocate(made, 1000, 10000) == 0 && made->size == 11000 &&
            contents_page(made, 0) && contents_page(made, 2) && reads(made, 0, 11000, 11000) &&
            zeros(back, 11000),
        "contents_allocate");
    by_parent(name_unlink, "/c");
    reap();
}

/* ---- the archive ---- */

static uint8_t archive[16384] __attribute__((aligned(4)));
static size_t used;

static void add(const char *name, unsigned mode, const char *data, size_t size)
{
    used += (size_t)sprintf((char *)archive + used,
                            "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, mode,
                            0, 0, 1, 77, size, 0, 0, 0, 0, strlen(name) + 1, 0);
    strcpy((char *)archive + used, name);
    used = (used + strlen(name) + 1 + 3) & ~(size_t)3;
    memcpy(archive + used, data, size);
    used = (used + size + 3) & ~(size_t)3;
}

static void import(void)
{
    static char text[6000];

    memset(text, 'T', sizeof text);
    add("bin/deep/tool", 0100755, "code", 4);
    add("text", 0100600, text, sizeof text);
    add("link", 0120777, "bin/deep", 8);
    add("bin", 040711, "", 0);
    add("../out", 0100644, "no", 2);
    add("TRAILER!!!", 0, "", 0);
    tap(files_import(archive, used) == 0 && find("/bin/deep/tool") &&
            find("/link/tool") == find("/bin/deep/tool") && (find("/bin")->mode & 07777) == 0711 &&
            !find("/out"),
        "import");
    struct node *f = find("/text");
    tap(f->mtime == 77000000000 && f->size == sizeof text && !f->index &&
            reads(f, 10, 9000, 5990) && !memcmp(back, text, 5990),
        "import_in_place");
    tap(contents_write(f, 4090, "0123456789", 10) == 10 && reads(f, 4089, 12, 12) &&
            !memcmp(back, "T0123456789T", 12) && text[4091] == 'T',
        "import_copied_when_written");
    struct node *g = find("/bin/deep/tool");
    tap(contents_truncate(g, 8) == 0 && reads(g, 0, 10, 8) && !memcmp(back, "code\0\0\0", 8) &&
            contents_truncate(g, 2) == 0 && contents_write(g, 3, "x", 1) == 1 &&
            reads(g, 0, 10, 4) && !memcmp(back, "co\0x", 4),
        "import_made_longer");
    tap(contents_truncate(f, 3) == 0 && contents_truncate(f, 9) == 0 && reads(f, 0, 10, 9) &&
            !memcmp(back, "TTT\0\0\0\0\0", 9),
        "import_cut");
}

/* ---- who may what ---- */

static void permissions(void)
{
    static struct process user = {
        .uid = 10, .euid = 10, .gid = 20, .egid = 20, .group_count = 1, .groups = {30}};

    create("/home", S_IFDIR | 0755);
    made->uid = 10;
    create("/home/secret", S_IFREG | 0600);
    struct node *secret = made;
    create("/closed", S_IFDIR | 0700);
    create("/closed/f", S_IFREG | 0644);
    create("/tmp/roots", S_IFREG | 0644);
    process_self = &user;
    tap(find_error("/closed/f", 0) == -EACCES && create("/mine", S_IFREG) == -EACCES &&
            create("/home/mine", S_IFREG | 0640) == 0 && made->uid == 10 && made->gid == 20,
        "permit_directories");
    struct credentials me = credentials_effective();
    tap(node_permit(secret, &me, 4) == -EACCES && node_permit(made, &me, 4 | 2) == 0 &&
            node_permit(made, &me, 1) == -EACCES,
        "permit_files");
    made->uid = 0;
    tap(node_permit(made, &me, 4) == 0 && node_permit(made, &me, 2) == -EACCES, "permit_group");
    made->gid = 30;
    tap(node_permit(made, &me, 4) == 0, "permit_further_group");
    made->gid = 1;
    tap(node_permit(made, &me, 4) == -EACCES && by_parent(name_unlink, "/home/secret") == 0,
        "permit_others");
    tap(by_parent(name_unlink, "/tmp/roots") == -EPERM && create("/tmp/mine", S_IFREG) == 0 &&
            rename_path("/tmp/mine", "/tmp/roots") == -EPERM &&
            by_parent(name_unlink, "/tmp/mine") == 0,
        "permit_sticky");
    process_self = NULL;
    struct credentials root = credentials_effective();
    tap(node_permit(secret, &root, 6) == 0 && node_permit(secret, &root, 1) == -EACCES,
        "permit_root");
    reap();
}

int main(void)
{
    session_host_boot();
    names();
    links();
    renames();
    path_of();
    many();
    contents();
    faults();
    allocation();
    import();
    permissions();
    return tap_failed;
}
