/* SPDX-License-Identifier: BSD-2-Clause */
/* Files as they are sent: read or mapped once, each behind the head of its answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/netstack.h>

#include "httpd.h"

#define BUCKETS 512
#define SMALL   (64UL << 10)
#define PAGES   4096 /* that are kept, mapped ones too */

static struct page *bucket[BUCKETS];
static struct page *newest, *oldest;
static size_t room, kept;
static unsigned count;
static const char *root;
static size_t root_size;
static uint64_t second; /* of the server's turn */

void files_start(const char *folder, size_t bytes)
{
    root = folder;
    root_size = strlen(folder);
    room = bytes;
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"css", "text/css"},
        {"js", "text/javascript"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/plain; charset=utf-8"},
        {"json", "application/json"},
        {"xml", "application/xml"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"ico", "image/x-icon"},
        {"webp", "image/webp"},
        {"wasm", "application/wasm"},
        {"pdf", "application/pdf"},
        {"c", "text/plain; charset=utf-8"},
        {"h", "text/plain; charset=utf-8"},
        {"mp4", "video/mp4"},
    };
    const char *dot = path[strlen(path) - 1] == '/' ? ".html" : strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (!strcasecmp(dot + 1, types[i][0]))
            return types[i][1];
    return "application/octet-stream";
}

/* ---- one page ---- */

static void page_free(struct page *p)
{
    if (p->body)
        munmap((void *)(uintptr_t)p->body, p->size);
    free(p->head);
    free(p->path);
    free(p);
}

static int head_make(struct page *p, size_t bytes)
{
    char line[256];
    time_t t = p->changed.tv_sec;
    struct tm tm;

    strftime(p->modified, sizeof p->modified, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
    int n = snprintf(line, sizeof line,
                     "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %lu\r\n"
                     "Last-Modified: %s\r\n\r\n",
                     type_of(p->path), (unsigned long)p->size, p->modified);
    if (!(p->head = malloc((size_t)n + bytes)))
        return -1;
    memcpy(p->head, line, (size_t)n);
    p->head_size = (size_t)n;
    return 0;
}

/* A file that became shorter meanwhile is not the one that we announced. */
static int body_read(struct page *p, int fd)
{
    size_t got = 0;

    for (ssize_t n; got < p->size; got += (size_t)n)
        if ((n = read(fd, p->head + p->head_size + got, p->size - got)) <= 0) {
            errno = n ? errno : EAGAIN;
            return -1;
        }
    p->sum = aegis_sum(p->head, p->head_size + p->size);
    return 0;
}

static int page_fill(struct page *p, int fd, const struct stat *st)
{
    p->size = (size_t)st->st_size;
    p->changed = st->st_mtim;
    p->inode = (unsigned long)st->st_ino;
    if (head_make(p, p->size <= SMALL ? p->size : 0))
        return -1;
    if (p->size <= SMALL)
        return body_read(p, fd);
    void *at = mmap(NULL, p->size, PROT_READ, MAP_SHARED, fd, 0);
    p->body = at == MAP_FAILED ? NULL : at;
    return p->body ? 0 : -1;
}

/* ---- the table ---- */

static void unlink_age(struct page *p)
{
    *(p->newer ? &p->newer->older : &newest) = p->older;
    *(p->older ? &p->older->newer : &oldest) = p->newer;
    p->newer = p->older = NULL;
}

static void link_age(struct page *p)
{
    p->older = newest;
    *(newest ? &newest->newer : &oldest) = p;
    newest = p;
}

static size_t weight(const struct page *p)
{
    return sizeof *p + p->head_size + (p->body ? 0 : p->size);
}

static void drop(struct page *p)
{
    struct page **at = &bucket[p->hash % BUCKETS];

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    unlink_age(p);
    kept -= weight(p);
    count--;
    p->gone = 1;
    if (!p->holders)
        page_free(p);
}

/* Those asked for longest ago make room; who is being sent stays. */
static void make_room(void)
{
    for (struct page *p = oldest, *newer; p && (kept > room || count > PAGES); p = newer) {
        newer = p->newer;
        if (!p->holders)
            drop(p);
    }
}

static unsigned hash_of(const char *path, size_t size)
{
    unsigned h = 2166136261U;

    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)path[i]) * 16777619U;
    return h;
}

/* ---- files ---- */

/* Folder and path in one; that of a folder goes on with index.html. Null: ENAMETOOLONG. */
static const char *host_path(const char *path, char *to, size_t size)
{
    size_t n = strlen(path), index = path[n - 1] == '/' ? sizeof "index.html" - 1 : 0;

    if (root_size + n + index >= size) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(to, root, root_size);
    memcpy(to + root_size, path, n);
    memcpy(to + root_size + n, "index.html", index);
    to[root_size + n + index] = 0;
    return to;
}

static int is_same(const struct page *p)
{
    char path[4096];
    struct stat st;

    return host_path(p->path, path, sizeof path) && !stat(path, &st) &&
           (unsigned long)st.st_ino == p->inode && (size_t)st.st_size == p->size &&
           st.st_mtim.tv_sec == p->changed.tv_sec && st.st_mtim.tv_nsec == p->changed.tv_nsec;
}

static int file_open(const char *name, struct stat *st)
{
    char path[4096];
    int fd =
        host_path(name, path, sizeof path) ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;

    if (fd < 0)
        return -1;
    if (fstat(fd, st) || !S_ISREG(st->st_mode)) {
        close(fd);
        errno = S_ISDIR(st->st_mode) ? EISDIR : ENOENT;
        return -1;
    }
    return fd;
}

static struct page *page_load(const char *path, size_t size, unsigned hash)
{
    struct page *p = calloc(1, sizeof *p);
    struct stat st = {0};
    int fd = -1;

    if (!p || !(p->path = malloc(size + 1))) {
        free(p);
        return NULL;
    }
    memcpy(p->path, path, size);
    p->path[size] = 0;
    p->hash = hash;
    if ((fd = file_open(p->path, &st)) < 0 || page_fill(p, fd, &st)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        page_free(p);
        errno = error;
        return NULL;
    }
    close(fd);
    p->next = bucket[hash % BUCKETS];
    bucket[hash % BUCKETS] = p;
    kept += weight(p);
    count++;
    link_age(p);
    return p;
}

void files_turn(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    second = (uint64_t)now.tv_sec;
}

struct page *file_find(const char *path, size_t size)
{
    unsigned hash = hash_of(path, size);
    struct page *p = bucket[hash % BUCKETS];

    while (p && (p->hash != hash || memcmp(p->path, path, size) || p->path[size]))
        p = p->next;
    if (p && p->looked != second && !is_same(p)) {
        drop(p);
        p = NULL;
    }
    if (!p && !(p = page_load(path, size, hash)))
        return NULL;
    if (p != newest) {
        unlink_age(p);
        link_age(p);
    }
    p->looked = second;
    p->holders++;
    make_room();
    return p;
}

void file_release(struct page *p)
{
    if (!--p->holders && p->gone)
        page_free(p);
}
