/* SPDX-License-Identifier: BSD-2-Clause */
#include "busy_text.h"

#include <stdio.h>
#include <string.h>

#include "../fd/table.h"
#include "../fs/node.h"
#include "../session/monitor.h"

/* ---- running ---- */

static int runs_image(struct process *p, void *image)
{
    return p->state != PROCESS_ZOMBIE && (p->image == image || p->next_image == image);
}

bool text_runs(const struct node *node)
{
    for (struct image *i = SESSION->images; i; i = i->next)
        if (i->inode == node->inode &&
            (i->builder ? i->serial && session_alive(i->builder) : process_each(runs_image, i)))
            return true;
    return false;
}

/* ---- written ---- */

static bool chunk_writes(const struct descriptor_chunk *c, const struct node *node)
{
    for (unsigned w = 0; w < CHUNK_WORDS; w++) {
        const struct file *file = word_file(c->word[w]);
        if (file && file->node == node && (file->flags & O_ACCMODE) != O_RDONLY)
            return true;
    }
    return false;
}

/* One process's descriptors: a stay. */
static bool process_writes(const struct process *p, const struct node *node)
{
    bool writes = false;

    monitor_enter();
    const struct descriptor_table *t = p->state == PROCESS_FREE ? NULL : p->descriptors;
    for (unsigned i = 0; t && i < CHUNKS && !writes; i++)
        writes = t->chunk[i] && chunk_writes(t->chunk[i], node);
    monitor_leave();
    return writes;
}

bool text_written(const struct node *node)
{
    for (unsigned i = 0; i < SESSION->process_high; i++)
        if (process_writes(&SESSION->processes[i], node))
            return true;
    return false;
}

/* ---- where it stands ---- */

/* A link at the path's end: on from where it stands. -ELOOP. */
static int link_behind(struct walk *w, const struct node *link)
{
    memcpy(w->text, link->target, link->size);
    w->text[link->size] = 0;
    w->path = w->text;
    w->base = w->at;
    return ++w->links > WALK_LINKS ? -ELOOP : 0;
}

/* To the directory in which the file itself has its name. In the monitor. */
static int walk_home(struct walk *w)
{
    for (unsigned n = 0; n < WALK_LINKS; n++) {
        int error = walk_parent(w);
        const struct entry *e = error || w->number ? NULL : walk_entry(w);
        if (!e)
            return error ? error : -ENOENT;
        if (!S_ISLNK(e->node->mode))
            return 0;
        if ((error = link_behind(w, e->node)))
            return error;
    }
    return -ELOOP;
}

int text_path(const char *path, char *buffer, size_t size)
{
    struct walk w;

    walk_begin(&w, NULL, path);
    monitor_enter();
    int error = walk_home(&w);
    if (!error)
        error = walk_path(w.at, FILE_SYSTEM->root, buffer, size);
    monitor_leave();
    size_t n = error ? 0 : strlen(buffer);
    if (!error && n + w.length + 2 > size)
        error = -ENAMETOOLONG;
    if (error)
        return error;
    if (n > 1) /* not the root */
        buffer[n++] = '/';
    memcpy(buffer + n, w.name, w.length);
    buffer[n + w.length] = 0;
    return 0;
}

long text_link(const struct image *image, char *buffer, size_t size)
{
    struct walk w;

    if (!image || !image->path)
        return -ENOENT;
    uint64_t inode = image->inode;
    size_t n = strlen(image->path);
    if (n >= size)
        return -ENAMETOOLONG;
    memcpy(buffer, image->path, n + 1);
    walk_begin(&w, NULL, buffer);
    w.root = w.base = FILE_SYSTEM->root;
    w.who = (struct credentials){0};
    bool there = !walk_find(&w, 0) && w.at->inode == inode;
    return (long)n + (there ? 0 : snprintf(buffer + n, size - n, " (deleted)"));
}
