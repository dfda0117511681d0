/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of Unix sockets: paths, and abstract ones. Those begin with a NUL, are as long as the
 * address says, and end with their socket. They stand in a directory that no path leads to. One of
 * five digits is chosen for who binds to none, or passes credentials and has none (unix(7)).
 */
#include "socket.h"

#include <string.h>

#include "../fd/path.h"
#include "../session/inline.h"
#include "../session/random.h"

#define BEFORE offsetof(struct sockaddr_un, sun_path)
#define DIGITS 5

static bool is_abstract(const struct walk *w)
{
    return !w->text[0];
}

static uint32_t hash_of(const char *name, size_t length)
{
    uint32_t hash = NAME_HASH_FIRST;

    for (size_t i = 0; i < length; i++)
        hash = NAME_HASH(hash, name[i]);
    return hash;
}

/* A path may fill sun_path without an end. */
int unix_name_read(struct walk *w, const struct sockaddr *name, socklen_t size)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)name;

    if (size < sizeof name->sa_family)
        return -EINVAL;
    if (un->sun_family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (size <= BEFORE)
        return -EINVAL;
    size_t most = size - BEFORE < sizeof un->sun_path ? size - BEFORE : sizeof un->sun_path;
    size_t length = *un->sun_path ? strnlen(un->sun_path, most) : most;
    memcpy(w->text, un->sun_path, length);
    w->text[length] = 0;
    walk_begin(w, NULL, w->text);
    w->name = w->text; /* of an abstract one; walk_parent says its own */
    w->length = length;
    return 0;
}

/* Sockets of each type have names of their own: in the directory of them the type stands in the NUL's place. */
struct key {
    char bytes[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t length;
    uint32_t hash;
};

static struct key key_of(const char *name, size_t length, unsigned type)
{
    struct key k = {.length = length};

    memcpy(k.bytes, name, length);
    k.bytes[0] = (char)type;
    k.hash = hash_of(k.bytes, length);
    return k;
}

static struct entry *abstract_find(const struct key *k)
{
    const struct node *names = FILE_SYSTEM->abstract;
    return names ? directory_find(names, k->bytes, k->length, k->hash) : NULL;
}

/* ---- bind ---- */

struct bind_call {
    struct socket *s;
    struct sockaddr_un name;
    uint32_t size;
    bool choose;
    uint32_t number; /* (choose) the next to be tried */
    struct walk walk;
};

static int names_make(void)
{
    struct node *names = node_make(S_IFDIR | 0700, 0, 0);

    if (!names || directory_make(names))
        return -EAGAIN;
    names->holds = 1; /* for ever */
    session_set(FILE_SYSTEM->abstract, names);
    return 0;
}

static int abstract_make(const struct walk *w, unsigned type, struct node **node)
{
    const struct key k = key_of(w->name, w->length, type);
    int error = FILE_SYSTEM->abstract ? 0 : names_make();

    if (error)
        return error;
    if (abstract_find(&k))
        return -EEXIST;
    *node = node_make(S_IFSOCK | 0777, w->who.uid, w->who.gid);
    if (!*node)
        return -EAGAIN;
    return directory_add(FILE_SYSTEM->abstract, k.bytes, k.length, k.hash, *node);
}

static int path_make(struct walk *w, struct node **node)
{
    int error = walk_parent(w);
    return error ? error : name_create(w, S_IFSOCK | (0777 & ~process_self->mask), node);
}

static void digits_write(char *to, uint32_t number)
{
    for (unsigned i = DIGITS; i--; number >>= 4)
        to[i] = "0123456789abcdef"[number & 15];
}

/* One that nobody has. */
static int chosen_make(struct bind_call *c, struct node **node)
{
    int error = -EEXIST;

    for (uint32_t tries = 1U << 4 * DIGITS; error == -EEXIST && tries; tries--) {
        digits_write(c->walk.text + 1, c->number++);
        error = abstract_make(&c->walk, c->s->base.type, node);
    }
    memcpy(c->name.sun_path, c->walk.text, 1 + DIGITS);
    return error;
}

static int bind_try(void *argument)
{
    struct bind_call *c = argument;
    struct node *node;

    if (c->s->name_size)
        return c->choose ? 0 : -EINVAL;
    int error = c->choose                ? chosen_make(c, &node)
                : is_abstract(&c->walk) ? abstract_make(&c->walk, c->s->base.type, &node)
                                        : path_make(&c->walk, &node);
    if (error)
        return error == -EEXIST ? -EADDRINUSE : error;
    node->socket = c->s;
    node_hold(node);
    session_set(c->s->node, node);
    session_store(&c->s->name, &c->name, sizeof c->name);
    session_set(c->s->name_size, c->size);
    return 0;
}

static int bind_end(struct bind_call *c)
{
    int error = file_attempt(bind_try, c);
    return error == -ENOSPC ? -ENOBUFS : error;
}

int unix_name_choose(struct socket *s)
{
    struct bind_call c = {.s = s, .choose = true};
    int error = s->name_size ? 0 : random_fill(&c.number, sizeof c.number);

    if (error || s->name_size)
        return error;
    walk_begin(&c.walk, NULL, c.walk.text);
    c.walk.name = c.walk.text;
    c.walk.length = 1 + DIGITS;
    c.name.sun_family = AF_UNIX;
    c.size = (uint32_t)(BEFORE + c.walk.length);
    return bind_end(&c);
}

int unix_bind(struct aegis_socket *base, const struct sockaddr *name, socklen_t size)
{
    struct bind_call c = {.s = socket_of(base)};

    if (size == BEFORE && name->sa_family == AF_UNIX)
        return unix_name_choose(c.s);
    int error = unix_name_read(&c.walk, name, size);
    if (error)
        return error;
    size_t length = is_abstract(&c.walk) ? c.walk.length : strlen(c.walk.text);
    c.name.sun_family = AF_UNIX;
    memcpy(c.name.sun_path, c.walk.text, length);
    if (!is_abstract(&c.walk) && length < sizeof c.name.sun_path)
        length++;
    c.size = (uint32_t)(BEFORE + length);
    return bind_end(&c);
}

/* ---- found and dropped ---- */

static int place_find(struct walk *w, unsigned type, struct node **node)
{
    if (is_abstract(w)) {
        const struct key k = key_of(w->name, w->length, type);
        const struct entry *e = abstract_find(&k);
        *node = e ? e->node : NULL;
        return e ? 0 : -ECONNREFUSED;
    }
    int error = walk_find(w, WALK_FOLLOW);
    *node = w->at;
    return error ? error : w->number || !S_ISSOCK(w->at->mode) ? -ECONNREFUSED : 0;
}

int unix_find(struct walk *w, unsigned type, struct socket **found)
{
    struct node *node;
    int error = place_find(w, type, &node);

    if (!error)
        error = node_permit(node, &w->who, 2);
    if (error)
        return error;
    struct socket *s = node->socket;
    if (!s || s->closed)
        return -ECONNREFUSED;
    if (s->base.type != type)
        return -EPROTOTYPE;
    *found = s;
    return 0;
}

void unix_name_drop(struct socket *s)
{
    struct node *node = s->node;

    if (!node)
        return;
    if (!*s->name.sun_path) {
        const struct key k = key_of(s->name.sun_path, s->name_size - BEFORE, s->base.type);
        directory_remove(FILE_SYSTEM->abstract, abstract_find(&k));
    }
    session_set(node->socket, NULL);
    node_drop(node);
    session_set(s->node, NULL);
}
