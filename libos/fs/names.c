/* SPDX-License-Identifier: BSD-2-Clause */
/* Names made, taken away and changed: in the monitor, where walk_parent has led. */
#include <string.h>

#include "node.h"

static bool name_special(const struct walk *w)
{
    return w->name[0] == '.' && (w->length == 1 || (w->length == 2 && w->name[1] == '.'));
}

/* May names of this directory be changed? */
static int directory_permit(const struct walk *w)
{
    if (w->number)
        return -EROFS;
    return node_permit(w->at, &w->who, 2 | 1);
}

/* And this one, in a directory where everybody may make their own? */
static int sticky_permit(const struct walk *w, const struct node *node)
{
    if (!(w->at->mode & S_ISVTX) || credentials_own(&w->who, node) ||
        credentials_own(&w->who, w->at))
        return 0;
    return -EPERM;
}

static int name_free(const struct walk *w)
{
    if (name_special(w) || walk_entry(w))
        return -EEXIST;
    if (!w->at->links)
        return -ENOENT; /* the directory was removed */
    return directory_permit(w);
}

static int links_more(struct node *node)
{
    if (node->links >= NODE_LINK_MAX)
        return -EMLINK;
    session_set(node->links, node->links + 1);
    return 0;
}

/* ---- made ---- */

static int node_name(struct walk *w, struct node *node)
{
    int error = 0;

    if (S_ISDIR(node->mode)) {
        node->parent = w->at;
        node->links = 1; /* its own "." */
        error = directory_make(node);
        if (!error)
            error = links_more(w->at); /* its ".." */
    }
    if (!error)
        error = directory_add(w->at, w->name, w->length, w->hash, node);
    if (!error)
        node->links++;
    return error;
}

int name_create(struct walk *w, mode_t mode, struct node **node)
{
    int error = name_free(w);

    if (!error && w->slash && !S_ISDIR(mode))
        error = -ENOENT;
    if (error)
        return error;
    /* a directory with this bit hands its group down */
    bool hands_down = w->at->mode & S_ISGID;
    if (hands_down && S_ISDIR(mode))
        mode |= S_ISGID;
    *node = node_make(mode, w->who.uid, hands_down ? w->at->gid : w->who.gid);
    return *node ? node_name(w, *node) : -EAGAIN;
}

int name_symlink(struct walk *w, const char *target, size_t length)
{
    struct node *node;
    int error;

    if (!length)
        return -ENOENT;
    char *text = session_alloc(length + 1 <= 2048 ? length + 1 : 2048);
    if (length + 1 > 2048)
        return -ENAMETOOLONG;
    if (!text)
        return -EAGAIN;
    error = name_create(w, S_IFLNK | 0777, &node);
    if (error)
        return error;
    memcpy(text, target, length);
    node->target = text;
    node->size = length;
    return 0;
}

int name_link(struct walk *w, struct node *node)
{
    int error = name_free(w);

    if (!error && S_ISDIR(node->mode))
        error = -EPERM;
    if (!error && w->slash)
        error = -ENOENT;
    if (!error)
        error = links_more(node);
    if (!error)
        error = directory_add(w->at, w->name, w->length, w->hash, node);
    if (!error)
        node_changed(node);
    return error;
}

/* ---- taken away ---- */

static int entry_take(const struct walk *w, struct entry **entry)
{
    *entry = walk_entry(w);
    if (!*entry)
        return w->number ? -EROFS : -ENOENT;
    int error = directory_permit(w);
    return error ? error : sticky_permit(w, (*entry)->node);
}

static void changes_count(void)
{
    session_set(FILE_SYSTEM->changes, FILE_SYSTEM->changes + 1);
}

int name_unlink(struct walk *w)
{
    struct entry *e;

    if (name_special(w))
        return -EPERM;
    int error = entry_take(w, &e);
    if (error)
        return error;
    struct node *node = e->node;
    if (S_ISDIR(node->mode))
        return -EPERM;
    if (w->slash)
        return -ENOTDIR;
    directory_remove(w->at, e);
    changes_count();
    node_unlink(node);
    return 0;
}

static int directory_removable(const struct node *node)
{
    if (!S_ISDIR(node->mode))
        return -ENOTDIR;
    if (node->mount)
        return -EBUSY;
    return node->directory->count ? -ENOTEMPTY : 0;
}

static void directory_take(struct node *parent, struct entry *e)
{
    struct node *node = e->node;

    directory_remove(parent, e);
    changes_count();
    session_set(parent->links, parent->links - 1);
    session_set(node->links, 1);
    node_unlink(node);
}

int name_rmdir(struct walk *w)
{
    struct entry *e;

    if (name_special(w))
        return w->length == 1 ? -EINVAL : -ENOTEMPTY;
    int error = entry_take(w, &e);
    if (!error)
        error = directory_removable(e->node);
    if (!error)
        directory_take(w->at, e);
    return error;
}

/* ---- changed ---- */

/* `inner` is `outer` or below it. */
static bool lies_in(const struct node *inner, const struct node *outer)
{
    for (;; inner = inner->parent) {
        if (inner == outer)
            return true;
        if (inner == inner->parent)
            return false;
    }
}

/* What stands at the new name: may `node` take its place? */
static int replace_check(const struct walk *to, const struct node *node, const struct entry *old)
{
    int error = sticky_permit(to, old->node);

    if (error)
        return error;
    if (S_ISDIR(node->mode))
        return directory_removable(old->node);
    return S_ISDIR(old->node->mode) ? -EISDIR : 0;
}

static int rename_check(struct walk *from, struct walk *to, struct entry **entry,
                        struct entry **old)
{
    int error;

    if (name_special(from) || name_special(to))
        return -EINVAL;
    if ((error = entry_take(from, entry)) || (error = directory_permit(to)))
        return error;
    struct node *node = (*entry)->node;
    if (!to->at->links)
        return -ENOENT;
    if (!S_ISDIR(node->mode) && (from->slash || to->slash))
        return -ENOTDIR;
    if (S_ISDIR(node->mode) && lies_in(to->at, node))
        return -EINVAL;
    if (node->mount)
        return -EBUSY;
    *old = walk_entry(to);
    if (*old && (*old)->node == node)
        return 0;
    return *old ? replace_check(to, node, *old) : 0;
}

/* Something stood there: its name now is the node's. */
static void replace(struct walk *to, struct entry *old, struct node *node)
{
    struct node *gone = old->node;
    bool directory = S_ISDIR(gone->mode);

    session_set(old->node, node);
    if (S_ISDIR(node->mode))
        session_set(node->directory->name, old);
    node_written(to->at);
    if (directory) {
        session_set(to->at->links, to->at->links - 1);
        session_set(gone->links, 1);
    }
    node_unlink(gone);
}

int name_rename(struct walk *from, struct walk *to)
{
    struct entry *entry, *old;
    int error = rename_check(from, to, &entry, &old);

    if (error)
        return error;
    struct node *node = entry->node;
    if (old && old->node == node)
        return 0;
    if (!old && (error = directory_add(to->at, to->name, to->length, to->hash, node)))
        return error;
    directory_remove(from->at, entry);
    if (S_ISDIR(node->mode) && from->at != to->at) {
        session_set(from->at->links, from->at->links - 1);
        session_set(to->at->links, to->at->links + 1);
        session_set(node->parent, to->at);
    }
    if (old)
        replace(to, old, node);
    changes_count();
    node_changed(node);
    return 0;
}
