/* SPDX-License-Identifier: BSD-2-Clause */
#include "image.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../fd/table.h"
#include "../fs/node.h"
#include "../posix/user.h"
#include "../sched/thread.h"
#include "../vm/vm.h"
#include "busy_text.h"
#include "table.h"

#define HEADERS    4096 /* bytes of a file in which its headers stand */
#define IMAGES     24   /* kept at most */
#define ORDER_MOST 4 /* a block of session memory that lies in one chunk */
#define PIECES     512 /* of an image at most */

/* ---- in the table of images; in the monitor ---- */

static int runs_it(struct process *p, void *image)
{
    return p->image == image || p->next_image == image;
}

static void unlink_image(struct image *image)
{
    struct image **at = &SESSION->images;

    while (*at && *at != image)
        at = &(*at)->next;
    if (*at)
        session_set(*at, image->next);
}

static void piece_free(struct image *image)
{
    struct image_piece *p = &image->piece[image->piece_count - 1];

    session_set(image->piece_count, image->piece_count - 1);
    session_pages_free(p->pages, 1UL << p->order);
}

static bool is_droppable(const struct image *i)
{
    if (i->builder)
        return !session_alive(i->builder);
    return !process_each(runs_it, (void *)i);
}

/* Nobody finds it any more from here on; then its pieces go, a few in each stay. */
static struct image *oldest_claim(void)
{
    struct image *oldest = NULL;

    for (struct image *i = SESSION->images; i; i = i->next)
        if (is_droppable(i) && (!oldest || i->used < oldest->used))
            oldest = i;
    if (oldest) {
        session_set(oldest->builder, session_identity());
        session_set(oldest->serial, 0);
    }
    return oldest;
}

static void image_drop(struct image *image)
{
    bool more = true;

    while (more) {
        monitor_enter();
        for (unsigned n = 0; n < 16 && image->piece_count; n++)
            piece_free(image);
        more = image->piece_count;
        if (!more) {
            unlink_image(image);
            session_pages_free(image, image->room);
        }
        monitor_leave();
    }
}

bool images_shrink(void)
{
    monitor_enter();
    struct image *image = oldest_claim();
    monitor_leave();
    if (image)
        image_drop(image);
    return image;
}

static unsigned image_count(void)
{
    unsigned n = 0;
    for (const struct image *i = SESSION->images; i; i = i->next)
        n++;
    return n;
}

static bool is_of(const struct image *i, const struct stat *s)
{
    return i->device == s->st_dev && i->inode == s->st_ino && i->size == (uint64_t)s->st_size &&
           i->modified == s->st_mtim.tv_sec * 1000000000LL + s->st_mtim.tv_nsec;
}

/* The caller runs it from here on: it stays. In the monitor. */
static struct image *image_search(const struct stat *s)
{
    struct image *i;

    for (i = SESSION->images; i && !(is_of(i, s) && !i->builder); i = i->next)
        ;
    if (i)
        session_set(i->used, time_now());
    return i;
}

static struct image *image_find(const struct stat *s)
{
    monitor_enter();
    struct image *i = image_search(s);
    monitor_leave();
    return i;
}

struct image *image_known(struct walk *w, const char *path)
{
    struct stat s;
    struct image *image = NULL;

    walk_begin(w, NULL, path);
    monitor_enter();
    if (!walk_find(w, WALK_FOLLOW) && !w->number && S_ISREG(w->at->mode) && !node_permit(w->at, &w->who, 4 | 1)) {
        node_stat(w->at, &s);
        image = image_search(&s);
    }
    monitor_leave();
    return image;
}

/* ---- making one ---- */

static int read_whole(int descriptor, void *to, size_t size, off_t at)
{
    if (lseek(descriptor, at, SEEK_SET) < 0)
        return -errno;
    for (size_t done = 0; done < size;) {
        ssize_t n = read(descriptor, (char *)to + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

static bool in_window(uint64_t va)
{
    return va - AEGIS_PINNED < AEGIS_PINNED_SIZE;
}

/* Of the block that begins at va: as large as its place and what is left allow. */
static unsigned block_order(const struct elf_segment *s, uint64_t va, uint64_t end)
{
    unsigned order = 0;

    if (s->rights & AEGIS_W || in_window(va))
        return 0;
    while (order < ORDER_MOST && !(va >> 12 & (1UL << order)) &&
           va + ((uint64_t)AEGIS_PAGE_SIZE << (order + 1)) <= end)
        order++;
    return order;
}

static uint64_t file_end(const struct elf_segment *s)
{
    uint64_t end = PAGE_UP(s->va + s->file_size);
    return s->file_size || in_window(s->va) ? end : PAGE_DOWN(s->va);
}

/* In the window even zero pages must be there from the start. */
static uint64_t filled_end(const struct elf_segment *s)
{
    return in_window(s->va) ? PAGE_UP(s->va + s->memory_size) : file_end(s);
}

static unsigned pieces_of(const struct elf_program *p)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->count; i++) {
        const struct elf_segment *s = &p->segment[i];
        for (uint64_t va = PAGE_DOWN(s->va); va < filled_end(s); n++)
            va += (uint64_t)AEGIS_PAGE_SIZE << block_order(s, va, filled_end(s));
    }
    return n;
}

/* Session pages, as part of something that will be found if we die. */
static int piece_take(struct image *image, struct image_piece *piece)
{
    for (;;) {
        monitor_enter();
        void *pages = session_pages_raw(1UL << piece->order);
        if (pages) {
            struct image_piece *to = &image->piece[image->piece_count];
            piece->pages = pages;
            *to = *piece;
            session_set(image->piece_count, image->piece_count + 1);
        }
        monitor_leave();
        if (pages)
            return 0;
        if (session_reserve((size_t)AEGIS_PAGE_SIZE << piece->order) && !images_shrink())
            return -ENOMEM;
    }
}

static int piece_fill(int descriptor, const struct elf_segment *s, const struct image_piece *p)
{
    uint64_t size = (uint64_t)AEGIS_PAGE_SIZE << p->order, end = s->va + s->file_size;
    uint64_t from = p->va < s->va ? s->va : p->va;

    if (end > p->va + size)
        end = p->va + size;
    if (from >= end) {
        memset(p->pages, 0, size);
        return 0;
    }
    memset(p->pages, 0, from - p->va);
    memset((char *)p->pages + (end - p->va), 0, p->va + size - end);
    return read_whole(descriptor, (char *)p->pages + (from - p->va), end - from,
                      (off_t)(s->file_offset + (from - s->va)));
}

static int segment_build(int descriptor, struct image *image, const struct elf_segment *s)
{
    uint64_t end = filled_end(s);

    for (uint64_t va = PAGE_DOWN(s->va); va < end;) {
        struct image_piece piece = {.va = va, .order = block_order(s, va, end),
                                    .rights = s->rights};
        int error = piece_take(image, &piece);
        if (!error)
            error = piece_fill(descriptor, s, &piece);
        if (!error)
            error = session_capability(piece.pages, 1UL << piece.order,
                                       piece.rights & AEGIS_W ? AEGIS_R : piece.rights,
                                       &image->piece[image->piece_count - 1].capability);
        if (error)
            return error;
        va += (uint64_t)AEGIS_PAGE_SIZE << piece.order;
    }
    return 0;
}

/* An empty one, in the table: if we die, somebody drops it. */
static struct image *image_begin(const struct stat *st, const struct elf_program *p,
                                 const char *path)
{
    size_t pieces = sizeof(struct image) + pieces_of(p) * sizeof(struct image_piece);
    size_t size = pieces + strlen(path) + 1;
    unsigned room = (unsigned)((size + AEGIS_PAGE_SIZE - 1) / AEGIS_PAGE_SIZE);
    struct image *image = NULL;

    if (image_count() >= IMAGES)
        images_shrink();
    while (!image) {
        if (session_reserve(room * AEGIS_PAGE_SIZE) && !images_shrink())
            return NULL;
        monitor_enter();
        image = session_pages(room);
        if (image) {
            image->builder = session_identity();
            image->room = room;
            image->device = st->st_dev;
            image->inode = st->st_ino;
            image->size = (uint64_t)st->st_size;
            image->modified = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec;
            image->entry = p->entry;
            image->path = *path ? strcpy((char *)image + pieces, path) : NULL;
            image->serial = SESSION->images_made + 1;
            session_set(SESSION->images_made, image->serial);
            image->next = SESSION->images;
            session_set(SESSION->images, image);
        }
        monitor_leave();
    }
    return image;
}

static int image_build(int descriptor, const struct stat *st, const struct elf_program *p,
                       const char *path, struct image **made)
{
    struct image *image = image_begin(st, p, path);
    int error = image ? 0 : -ENOMEM;

    for (unsigned i = 0; i < p->count && !error; i++)
        error = segment_build(descriptor, image, &p->segment[i]);
    if (error) {
        if (image)
            image_drop(image);
        return error;
    }
    monitor_enter();
    session_set(image->used, time_now());
    session_set(image->builder, 0);
    monitor_leave();
    *made = image;
    return 0;
}

/* Its headers must stand at its beginning. */
static int headers_read(int descriptor, const struct stat *st, struct elf_program *program)
{
    uint8_t headers[HEADERS];
    uint64_t table;
    uint16_t count;
    size_t size = st->st_size < HEADERS ? (size_t)st->st_size : HEADERS;
    int error = read_whole(descriptor, headers, size, 0);

    if (error)
        return error;
    if (size < 64)
        return -ENOEXEC;
    memcpy(&table, headers + 32, sizeof table);
    memcpy(&count, headers + 56, sizeof count);
    if (table > size || count * 56UL > size - table)
        return -ENOEXEC;
    return elf_read(headers, (size_t)st->st_size,
                    pages_free() * AEGIS_PAGE_SIZE, program)
               ? -ENOEXEC
               : 0;
}

int image_get(int descriptor, const char *path, struct image **image)
{
    struct stat st;
    struct elf_program program;
    char real[PATH_MAX];

    if (fstat(descriptor, &st))
        return -errno;
    *image = image_find(&st);
    if (*image)
        return 0;
    int error = headers_read(descriptor, &st, &program);
    if (!error && pieces_of(&program) > PIECES)
        error = -ENOEXEC;
    if (!error && text_written(file_at(descriptor)->node))
        error = -ETXTBSY;
    if (error)
        return error;
    if (text_path(path, real, sizeof real))
        *real = 0;
    return image_build(descriptor, &st, &program, real, image);
}

/* ---- loading ---- */

/* A claim of ours on what the child shall have there. Negative error. */
static long piece_claim(const struct image_piece *p, bool apart)
{
    unsigned slot = slot_find(), source;

    if (!slot || aegis_claim(p->capability.what, p->capability.mac, slot).error)
        return AEGIS_E_NO_MEMORY;
    if (!(p->rights & AEGIS_W) && !apart)
        return slot;
    source = slot;
    slot = slot_find();
    long error = AEGIS_E_AGAIN;
    while (slot && error == AEGIS_E_AGAIN)
        error = page_any(p->order, slot, source).error;
    page_put(source);
    return slot && !error ? (long)slot : AEGIS_E_NO_MEMORY;
}

/* Slots that follow one another go in one call. */
static int pieces_share(struct space *s, const struct aegis_mapping *m, unsigned count)
{
    int error = 0;

    for (unsigned i = 0, n; i < count && !error; i += n) {
        for (n = 1; i + n < count && m[i + n].slot == m[i].slot + n; n++)
            ;
        error = space_share(s, (unsigned)m[i].slot, n, AEGIS_RWX);
    }
    return error;
}

static int pieces_map(struct space *s, const struct aegis_mapping *m, unsigned count)
{
    int error = 0;

    for (unsigned i = 0; i < count && !error;) {
        unsigned n = count - i < AEGIS_VECTOR ? count - i : AEGIS_VECTOR;
        struct aegis_result r = aegis_map_vector(s->slot, (unsigned long)&m[i], n);
        i += (unsigned)r.value;
        if (r.error) { /* a table is missing: this one alone, and on */
            uint64_t rights = m[i].va_rights % AEGIS_PAGE_SIZE;
            error = space_map(s, (unsigned)m[i].slot, m[i].va_rights - rights, (unsigned)rights);
            i++;
        }
    }
    return error;
}

int image_load(struct space *s, const struct image *image)
{
    struct aegis_mapping m[PIECES];
    unsigned count = 0;
    int error = image->piece_count > PIECES ? -ENOEXEC : 0;

    while (!error && count < image->piece_count) {
        const struct image_piece *p = &image->piece[count];
        long slot = piece_claim(p, s->apart);
        if (slot < 0)
            error = -ENOMEM;
        else
            m[count++] = (struct aegis_mapping){(uint64_t)slot, p->va | p->rights};
    }
    if (!error)
        error = pieces_share(s, m, count);
    if (!error)
        error = pieces_map(s, m, count);
    while (count)
        page_put((unsigned)m[--count].slot);
    return error;
}
