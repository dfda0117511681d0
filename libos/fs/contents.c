/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents of regular files. The index is a radix tree of session pages, as high as the file is
 * long; its root word holds its height, so that it grows by one store:
 *
 *     height 0: root = the one data page          height 2: root -> 512 arrays -> 512 pages each
 *
 * Where the index has no page, the boot archive has the bytes (up to archive_size), or they are
 * zero. Bytes behind the file's end are undefined, in the last page and in pages that a truncation
 * or a death left: whoever makes the file longer clears what comes to lie inside.
 *
 * Writers and truncaters hold the node's busy word. Readers hold nothing: they look at `cuts` again
 * when they have copied, and copy anew if a truncation came between.
 */
#include <string.h>

#include "../posix/user.h"
#include "node.h"
#include "pages.h"

#define FAN          9 /* bits of an index per level */
#define SLOTS        512
#define STEP         32 /* pages freed, or branches passed over, in one stay in the monitor */
#define HEIGHT(root) ((unsigned)((root)&7))
#define BASE(root)   ((uint64_t *)((root) & ~7UL))
#define RESERVE      (8 * NODE_PAGE)

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* ---- the index ---- */

uint64_t contents_pages(const struct node *node)
{
    return node->index ? 1UL << FAN * HEIGHT(node->index) : 0;
}

/* `span`: how many pages the missing branch would have held. */
static inline uint8_t *page_or_span(const struct node *node, uint64_t i, uint64_t *span)
{
    uint64_t root = load(&node->index), cuts = load(&node->cuts);
    unsigned height = HEIGHT(root);
    uint64_t *at = BASE(root);

    *span = 1UL << FAN * height;
    if (i >> FAN * height)
        return NULL;
    while (at && height) {
        height--;
        *span = 1UL << FAN * height;
        at = (uint64_t *)load(&at[i >> FAN * height & (SLOTS - 1)]);
        if (load(&node->cuts) != cuts)
            return NULL; /* a reader that came too late; it will see */
    }
    return (uint8_t *)at;
}

uint8_t *contents_page(const struct node *node, uint64_t i)
{
    uint64_t span;
    return page_or_span(node, i, &span);
}

/* The next page at or after i that is there; `end` if there is none before it. */
static uint64_t page_next(const struct node *node, uint64_t i, uint64_t end)
{
    uint64_t span, have = contents_pages(node);

    end = end < have ? end : have;
    while (i < end && !page_or_span(node, i, &span))
        i = (i | (span - 1)) + 1;
    return i < end ? i : end;
}

static int index_grow(struct node *node)
{
    uint64_t *array = session_pages(1);

    if (!array)
        return -EAGAIN;
    array[0] = (uint64_t)BASE(node->index);
    session_set(node->index, (uint64_t)array | (HEIGHT(node->index) + 1));
    return 0;
}

static int index_enter(struct node *node, uint64_t i, uint8_t *page)
{
    while (i >> FAN * HEIGHT(node->index))
        if (index_grow(node))
            return -EAGAIN;
    unsigned height = HEIGHT(node->index);
    if (!height) {
        session_set(node->index, (uint64_t)page);
        return 0;
    }
    uint64_t *at = BASE(node->index);
    while (--height) {
        uint64_t *slot = &at[i >> FAN * height & (SLOTS - 1)];
        if (!*slot) {
            uint64_t *array = session_pages(1);
            if (!array)
                return -EAGAIN;
            session_set(*slot, (uint64_t)array);
        }
        at = (uint64_t *)*slot;
    }
    session_set(at[i & (SLOTS - 1)], (uint64_t)page);
    return 0;
}

/* ---- pages made ---- */

/* The archive aligns its members to 4 bytes. */
static void archive_copy(uint8_t *page, const uint8_t *from, size_t size)
{
    const uint32_t *source = (const uint32_t *)from;
    size_t n = ((uintptr_t)from & 3) ? 0 : size / 4;

    for (size_t i = 0; i < n; i++)
        ((uint32_t *)page)[i] = source[i];
    for (size_t i = 4 * n; i < size; i++)
        page[i] = from[i];
}

static size_t archive_part(const struct node *node, uint64_t i)
{
    uint64_t start = i * NODE_PAGE;

    if (node->archive_size <= start)
        return 0;
    return node->archive_size - start < NODE_PAGE ? node->archive_size - start : NODE_PAGE;
}

/* What the file says is in page i. If it lies behind the file's end, only what comes before `from`
 * is cleared. */
static int page_enter(struct node *node, uint64_t i, size_t from, uint8_t **made)
{
    size_t archived = archive_part(node, i);
    uint8_t *page = session_pages_raw(1);

    if (!page || index_enter(node, i, page))
        return -EAGAIN;
    if (archived)
        archive_copy(page, node->archive + i * NODE_PAGE, archived);
    if (i * NODE_PAGE < node->size)
        from = NODE_PAGE;
    if (archived < from)
        memset(page + archived, 0, from - archived);
    *made = page;
    return 0;
}

static int page_make(struct node *node, uint64_t i, size_t from, uint8_t **page)
{
    for (;;) {
        monitor_enter();
        int error = page_enter(node, i, from, page);
        if (!error) {
            monitor_leave();
            return 0;
        }
        monitor_abandon();
        if (session_reserve(RESERVE))
            return -ENOSPC;
    }
}

static int page_writable(struct node *node, uint64_t i, size_t from, uint8_t **page)
{
    *page = contents_page(node, i);
    return *page ? 0 : page_make(node, i, from, page);
}

/* The file is about to become longer, from `from` on: what then lies inside becomes zero. */
static int gap_clear(struct node *node, uint64_t from, uint64_t to)
{
    uint64_t i = from / NODE_PAGE, end = (to + NODE_PAGE - 1) / NODE_PAGE;
    size_t inside = from % NODE_PAGE;
    uint8_t *page = contents_page(node, i);

    if (inside && !page && archive_part(node, i) && page_make(node, i, 0, &page))
        return -ENOSPC;
    if (inside && page)
        memset(page + inside, 0, NODE_PAGE - inside);
    for (i += inside != 0; (i = page_next(node, i, end)) < end && (page = contents_page(node, i));
         i++)
        memset(page, 0, NODE_PAGE);
    return 0;
}

/* ---- reading and writing ---- */

static int chunk_read(const struct node *node, uint64_t offset, void *user, size_t n)
{
    const uint8_t *page = contents_page(node, offset / NODE_PAGE);

    if (page)
        return user_copy_out(user, page + offset % NODE_PAGE, n);
    if (offset < node->archive_size)
        return user_copy_out(user, node->archive + offset, n);
    return user_zero(user, n);
}

static ssize_t read_once(const struct node *node, uint64_t offset, char *user, size_t size)
{
    uint64_t end = load(&node->size);
    size_t done = 0;

    if (offset >= end)
        return 0;
    if (size > end - offset)
        size = end - offset;
    while (done < size) {
        size_t n = NODE_PAGE - (offset + done) % NODE_PAGE;
        n = n < size - done ? n : size - done;
        if (chunk_read(node, offset + done, user + done, n))
            return done ? (ssize_t)done : -EFAULT;
        done += n;
    }
    return (ssize_t)done;
}

ssize_t contents_read(struct node *node, uint64_t offset, void *user, size_t size)
{
    uint64_t cuts = load(&node->cuts);
    uint8_t *page;
    ssize_t n;

    /* all of it in one page: the usual case, for its own sake */
    if (size <= NODE_PAGE - offset % NODE_PAGE && offset + size <= node->size &&
        (page = contents_page(node, offset / NODE_PAGE)) &&
        !user_copy_out(user, page + offset % NODE_PAGE, size)) {
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (load(&node->cuts) == cuts)
            return (ssize_t)size;
    }
    do {
        cuts = load(&node->cuts);
        n = read_once(node, offset, user, size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (load(&node->cuts) != cuts);
    return n;
}

static void size_set(struct node *node, uint64_t size)
{
    __atomic_store_n(&node->size, size, __ATOMIC_RELEASE);
}

ssize_t contents_write(struct node *node, uint64_t offset, const void *user, size_t size)
{
    size_t done = 0;
    int error = 0;

    if (offset >= (uint64_t)NODE_SIZE_MAX)
        return -EFBIG;
    if (size > (uint64_t)NODE_SIZE_MAX - offset)
        size = (uint64_t)NODE_SIZE_MAX - offset;
    if (offset > node->size && size)
        error = gap_clear(node, node->size, offset);
    while (done < size && !error) {
        uint64_t at = offset + done;
        size_t n = NODE_PAGE - at % NODE_PAGE;
        uint8_t *page;
        n = n < size - done ? n : size - done;
        error = page_writable(node, at / NODE_PAGE, at % NODE_PAGE, &page);
        if (!error)
            error = user_copy_in(page + at % NODE_PAGE, (const char *)user + done, n);
        if (!error)
            done += n;
    }
    if (done) {
        if (offset + done > node->size)
            size_set(node, offset + done);
        node_written(node);
    }
    return done || !error ? (ssize_t)done : error;
}

/* ---- shorter and longer ---- */

/* The word that names the array of height `height` over page i (0: the page). Null: a branch above
 * is missing. */
static uint64_t *array_word(struct node *node, uint64_t i, unsigned height)
{
    unsigned h = HEIGHT(node->index);
    uint64_t *at = BASE(node->index), *word = &node->index;

    while (h > height && at) {
        h--;
        word = &at[i >> FAN * h & (SLOTS - 1)];
        at = (uint64_t *)*word;
    }
    return h == height ? word : NULL;
}

/* Of a node that dies: all branches that end before page i are empty now. */
static void branches_free(struct node *node, uint64_t i)
{
    for (unsigned h = 1; h <= HEIGHT(node->index) && !(i & ((1UL << FAN * h) - 1)); h++) {
        uint64_t *word = array_word(node, i - 1, h);
        if (!word || !*word)
            continue;
        session_pages_free(BASE(*word), 1);
        if (word == &node->index)
            return; /* the node goes with it */
        session_set(*word, 0);
    }
}

uint64_t contents_free(struct node *node, uint64_t from, uint64_t to)
{
    bool dies = !node->links && !node->holds;

    for (unsigned n = 0; n < STEP && from < to; n++) {
        uint64_t span;
        uint8_t *page = page_or_span(node, from, &span);
        if (page) {
            session_set(*array_word(node, from, 0), 0);
            session_pages_free(page, 1);
        }
        from = (from | (span - 1)) + 1;
        if (dies && from <= to)
            branches_free(node, from);
    }
    return from < to ? from : to;
}

static void pages_cut(struct node *node, uint64_t from)
{
    uint64_t end = contents_pages(node);

    while (from < end) {
        monitor_enter();
        from = contents_free(node, from, end);
        monitor_leave();
    }
}

int contents_truncate(struct node *node, uint64_t size)
{
    uint64_t old = node->size;
    int error = 0;

    if (size > (uint64_t)NODE_SIZE_MAX)
        return -EFBIG;
    if (size > old)
        error = gap_clear(node, old, size);
    if (error)
        return error;
    if (size < old)
        __atomic_add_fetch(&node->cuts, 1, __ATOMIC_SEQ_CST);
    size_set(node, size);
    if (node->archive_size > size)
        __atomic_store_n(&node->archive_size, size, __ATOMIC_RELEASE);
    node_written(node);
    if (size < old && !node->maps)
        pages_cut(node, (size + NODE_PAGE - 1) / NODE_PAGE);
    return 0;
}

int contents_allocate(struct node *node, uint64_t offset, uint64_t size)
{
    uint64_t end = offset + size;
    uint8_t *page;
    int error = 0;

    if (size > (uint64_t)NODE_SIZE_MAX || end > (uint64_t)NODE_SIZE_MAX)
        return -EFBIG;
    if (end > node->size && (error = gap_clear(node, node->size, end)))
        return error;
    uint64_t old = node->size;
    if (end > old)
        size_set(node, end); /* from here on pages are made clear */
    for (uint64_t i = offset / NODE_PAGE; i * NODE_PAGE < end && !error; i++)
        error = page_writable(node, i, 0, &page);
    if (error && end > old)
        contents_truncate(node, old);
    return error;
}

off_t contents_seek(const struct node *node, uint64_t offset, bool data)
{
    uint64_t end = node->size, i = offset / NODE_PAGE;
    uint64_t pages = (end + NODE_PAGE - 1) / NODE_PAGE;

    if (offset >= end)
        return -ENXIO;
    if (data) {
        if (offset < node->archive_size)
            return (off_t)offset;
        i = page_next(node, i, pages);
        if (i >= pages || !contents_page(node, i))
            return -ENXIO;
        return (off_t)(i * NODE_PAGE > offset ? i * NODE_PAGE : offset);
    }
    while (i < pages && (contents_page(node, i) || archive_part(node, i)))
        i++;
    uint64_t hole = i * NODE_PAGE > offset ? i * NODE_PAGE : offset;
    return (off_t)(hole < end ? hole : end);
}

/* ---- for mappings ---- */

uint64_t node_size(const struct node *node)
{
    return load(&node->size);
}

/* Bytes behind the end are visible in a mapping, and zero. */
static void tail_clear(const struct node *node, uint64_t i, uint8_t *page)
{
    uint64_t end = node->size;

    if (end / NODE_PAGE == i)
        memset(page + end % NODE_PAGE, 0, NODE_PAGE - end % NODE_PAGE);
}

static int page_of(struct node *node, uint64_t i, bool make, void **page)
{
    uint8_t *here = contents_page(node, i);
    size_t archived = archive_part(node, i);
    const uint8_t *there = node->archive + i * NODE_PAGE;
    int error = 0;

    if (i * NODE_PAGE >= node->size)
        return -ENXIO;
    if (!here && !make && archived == NODE_PAGE && !((uintptr_t)there & (NODE_PAGE - 1))) {
        *page = (void *)there;
        return 0;
    }
    if (!here && (make || archived))
        error = page_make(node, i, 0, &here);
    if (here && !error)
        tail_clear(node, i, here);
    *page = here;
    return error == -ENOSPC ? -ENOMEM : error;
}

void node_touched(struct node *node, bool written)
{
    if (written)
        node_written(node);
    else
        node->atime = files_now();
}

int node_page(struct node *node, size_t index, bool make, void **page)
{
    busy_take(&node->busy);
    int error = page_of(node, index, make, page);
    busy_give(&node->busy);
    return error;
}
