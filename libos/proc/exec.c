/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec: a new environment is built beside ours, from the image's blocks. It belongs to the process
 * from the moment at which it has our slot of time and we are gone, two calls that nothing comes
 * between (masked). It enters itself in the table.
 *
 *     next_identity = it (monitor)             killed: init destroys it, and buries the process
 *     close-on-exec
 *     masked: our slot of time lent to it      killed from here on: it is the process
 *             our environment destroyed
 *     it: identity = next_identity (monitor)
 */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../fs/node.h"
#include "../posix/clock.h"
#include "../posix/user.h"
#include "../sched/thread.h"
#include "../session/chunk.h"
#include "../session/monitor.h"
#include "../thread/fork.h"
#include "../vm/vm.h"
#include "again.h"
#include "give.h"
#include "image.h"
#include "making.h"
#include "park.h"
#include "spawn_internal.h"

#define SCRIPT_LINE  256 /* of a script's first line */
#define SCRIPT_DEPTH 4
#define EXEC_PAGES   128 /* a small program: tables, data, stacks */
#define START_ORDERS 7 /* a start block is at most 64 pages */

/* ---- the start block, filled in the window ---- */

struct filling {
    struct start_block *start;
    size_t size; /* of the block */
    size_t used;
};

static void *room(struct filling *f, size_t bytes)
{
    size_t at = (f->used + 7) & ~(size_t)7;

    if (bytes > f->size || at > f->size - bytes)
        return NULL;
    f->used = at + bytes;
    return (char *)f->start + at;
}

static uint64_t there(const struct filling *f, const void *at)
{
    return VM_START + (uint64_t)((const char *)at - (const char *)f->start);
}

/* The next string pointer of a list. */
static int pointer_read(const struct strings *s, unsigned i, const char **string)
{
    if (!s->ours)
        return user_copy_in(string, &s->list[i], sizeof *string);
    *string = s->list[i];
    return 0;
}

static int strings_count(const struct strings *s, unsigned *count)
{
    const char *string = NULL;

    for (*count = 0; s->list; ++*count) {
        int error = pointer_read(s, *count, &string);
        if (error || !string)
            return error;
    }
    return 0;
}

static int string_put(struct filling *f, uint64_t *pointer, const char *string)
{
    char *to = (char *)f->start + f->used;
    ssize_t n = user_string(to, string, f->size - f->used);

    if (n < 0)
        return n == -EFAULT ? -EFAULT : -E2BIG;
    *pointer = there(f, to);
    f->used += (size_t)n + 1;
    return 0;
}

static int strings_put(struct filling *f, uint64_t *pointers, const struct strings *s,
                       unsigned first, unsigned count)
{
    const char *string;
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++) {
        error = pointer_read(s, first + i, &string);
        if (!error)
            error = string_put(f, &pointers[i], string);
    }
    return error;
}

static int actions_put(struct filling *f, const struct spawn_setup *setup)
{
    struct start_action *to = room(f, setup->action_count * sizeof *to);

    if (!to)
        return -E2BIG;
    f->start->actions = (uint32_t)((char *)to - (char *)f->start);
    f->start->action_count = setup->action_count;
    for (unsigned i = 0; i < setup->action_count; i++) {
        const struct __spawn_action *from = &setup->actions[i];
        to[i] = (struct start_action){(int)from->kind, from->fd, from->to, from->flags, from->mode, 0};
        if (!from->path)
            continue;
        uint64_t at;
        int error = string_put(f, &at, from->path);
        if (error)
            return error;
        to[i].path = (uint32_t)(at - VM_START);
    }
    return 0;
}

struct request {
    struct process *process;
    const struct image *image;
    const char *words[2 * SCRIPT_DEPTH + 1]; /* before the arguments: interpreters, the script */
    unsigned word_count;
    const struct strings *arguments, *environment;
    unsigned skip; /* arguments that the words stand for */
    const struct spawn_setup *setup;
};

static int start_fill(struct filling *f, const struct request *r)
{
    struct start_block *b = room(f, sizeof *b);
    static const char *const nameless[] = {""};
    struct strings words = {r->words, true};
    unsigned argc, envc;
    int error = strings_count(r->arguments, &argc);

    if (!error)
        error = strings_count(r->environment, &envc);
    if (error)
        return error;
    argc -= argc < r->skip ? argc : r->skip;
    unsigned word_count = r->word_count;
    if (argc + word_count == 0) { /* programs want a name: an empty one, as Linux gives it */
        words.list = nameless;
        word_count = 1;
    }
    *b = (struct start_block){.magic = START_MAGIC, .process = r->process, .envc = envc,
                              .argc = argc + word_count, .spawned = !r->setup->exec};
    uint64_t *pointers = room(f, 8UL * (b->argc + envc + 2));
    if (!pointers)
        return -E2BIG;
    b->argv = (uint32_t)((char *)pointers - (char *)b);
    error = strings_put(f, pointers, &words, 0, word_count);
    if (!error)
        error = strings_put(f, pointers + word_count, r->arguments, r->skip, argc);
    pointers[b->argc] = 0;
    if (!error)
        error = strings_put(f, pointers + b->argc + 1, r->environment, 0, envc);
    pointers[b->argc + 1 + envc] = 0;
    if (!error)
        error = actions_put(f, r->setup);
    b->size = f->used;
    return error;
}

/* For /proc: its arguments as they stand in the block, as far as one small object holds them. */
static void arguments_note(const struct start_block *b, struct process *p)
{
    const uint64_t *pointers = (const uint64_t *)((const char *)b + b->argv);
    const char *from = (const char *)b + (pointers[0] - VM_START);
    size_t size = 0;

    for (unsigned i = 0; i < b->argc && size < 512; i++)
        size += strlen((const char *)b + (pointers[i] - VM_START)) + 1;
    size = size < 512 ? size : 512;
    monitor_enter();
    char *copy = size ? session_alloc(size) : NULL;
    if (copy) {
        memcpy(copy, from, size);
        copy[size - 1] = 0;
        if (p->arguments)
            session_free(p->arguments, p->arguments_size);
        session_set(p->arguments, copy);
        session_set(p->arguments_size, (uint32_t)size);
    }
    monitor_leave();
}

static void holder_note(struct start_block *b, const struct space *s)
{
    if (s->again) {
        b->holder_index = env_self();
        b->holder = AEGIS_EXPOSED_STATE->env[b->holder_index].check;
    }
}

/* In a slot that neither has anything in: ours is where our own block stands, or beside it. */
static int start_order(struct space *s, const struct request *r, unsigned order)
{
    unsigned slot = slot_claim(SLOT_START)->what ? SLOT_START_OTHER : SLOT_START;
    struct filling f = {NULL, (size_t)AEGIS_PAGE_SIZE << order, 0};
    int error = space_block(slot, order);

    if (error)
        return error;
    error = -ENOMEM;
    if ((f.start = space_open(slot)) != NULL) {
        error = start_fill(&f, r);
        if (!error)
            holder_note(f.start, s);
        if (!error && r->process)
            arguments_note(f.start, r->process);
        space_close(slot);
    }
    if (!error)
        error = space_share(s, slot, 1, AEGIS_R | AEGIS_W);
    if (!error)
        error = space_map(s, slot, VM_START, AEGIS_R | AEGIS_W);
    page_put(slot);
    return error;
}

static int start_make(struct space *s, const struct request *r)
{
    int error = -E2BIG;

    for (unsigned order = 0; order < START_ORDERS && error == -E2BIG; order++)
        error = start_order(s, r, order);
    return error;
}

/* ---- files ---- */

static int program_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* no file to run is waited for: a FIFO is none */

    if (fd < 0)
        return -errno;
    int error = fstat(fd, &st)                 ? -errno
                : !S_ISREG(st.st_mode)         ? -EACCES
                : faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno
                : !(st.st_mode & 0111)         ? -EACCES
                                               : 0;
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

/* "#! interpreter argument": into line, which holds both then. -ENOEXEC: it is none. */
static int script_read(int fd, char line[SCRIPT_LINE], const char **argument)
{
    ssize_t n = lseek(fd, 0, SEEK_SET) ? -1 : read(fd, line, SCRIPT_LINE - 1);

    if (n < 3 || line[0] != '#' || line[1] != '!')
        return -ENOEXEC;
    line[n] = 0;
    char *end = strchr(line, '\n');
    if (!end)
        return -ENOEXEC;
    while (end > line + 2 && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = 0;
    char *at = line + 2 + strspn(line + 2, " \t");
    memmove(line, at, strlen(at) + 1);
    at = line + strcspn(line, " \t");
    *argument = NULL;
    if (*at) {
        *at++ = 0;
        *argument = at + strspn(at, " \t");
    }
    return *line ? 0 : -ENOEXEC;
}

static void words_before(struct request *r, const char *interpreter, const char *argument,
                         const char *script)
{
    unsigned added = argument ? 2 : 1;

    if (r->word_count == 0) { /* argv[0] gives way to the script's path */
        r->words[r->word_count++] = script;
        r->skip = 1;
    }
    memmove(r->words + added, r->words, r->word_count * sizeof r->words[0]);
    r->words[0] = interpreter;
    if (argument)
        r->words[1] = argument;
    r->word_count += added;
}

/* The image in the end, by way of interpreters. `lines` keep their names. */
static int image_find_out(struct request *r, const char *path, char lines[][SCRIPT_LINE])
{
    for (unsigned depth = 0;; depth++) {
        const char *argument;
        struct image *image = NULL;
        int fd = program_open(path);
        if (fd < 0)
            return fd;
        int error = image_get(fd, path, &image), script = -ENOEXEC;
        if (error == -ENOEXEC && depth < SCRIPT_DEPTH)
            script = script_read(fd, lines[depth], &argument);
        close(fd);
        r->image = image;
        if (script)
            return error == -ENOEXEC && depth == SCRIPT_DEPTH ? -ELOOP : error;
        words_before(r, lines[depth], argument, path);
        path = lines[depth];
    }
}

/* False: the image was dropped meanwhile. */
static bool name_note(struct process *p, const char *path, const struct image *image, const struct space *s)
{
    char name[PROCESS_NAME] = {0};
    const char *base = strrchr(path, '/');

    strncpy(name, base ? base + 1 : path, sizeof name - 1);
    monitor_enter();
    session_store(p->name, name, sizeof name);
    session_set(p->next_image, (struct image *)image);
    bool there = again_holds(s, image);
    monitor_leave();
    return there;
}

/* An environment with all of the image, and the start block. */
static int space_fill(struct space *s, unsigned hart, const struct request *r)
{
    bool again = !r->setup->apart && again_take(s, r->image, hart);
    unsigned keep = again || r->setup->apart || (r->setup->exec && !park_may()) ? 0 : again_open();
    int error = again            ? 0
                : r->setup->apart ? space_make_apart(s, hart, SLOT_FIRST_PAGE)
                : keep            ? space_make_again(s, hart, SLOT_FIRST_PAGE, keep)
                                  : space_make(s, hart, SLOT_FIRST_PAGE, false);

    if (error)
        return error;
    error = start_make(s, r);
    if (!error && !again)
        error = image_load(s, r->image);
    if (!error && !again)
        error = space_activate(s, r->image->entry);
    if (!error && s->again) {
        struct aegis_capability control; /* made once, and kept with it */
        error = space_control(s, &control);
    }
    if (error)
        space_drop(s);
    else
        again_note(s, r->image);
    return error;
}

static int found_load(struct space *s, unsigned hart, const struct request *r, const char *path)
{
    int error = space_fill(s, hart, r);

    if (error == -ENOMEM && (again_give() | memory_ask(EXEC_PAGES))) /* what is parked is given up first */
        error = space_fill(s, hart, r);
    if (!error && r->process && !name_note(r->process, path, r->image, s)) {
        space_drop(s);
        error = -EAGAIN;
    }
    return error;
}

static __attribute__((noinline)) int file_load(struct space *s, unsigned hart, struct request *r, const char *path)
{
    char lines[SCRIPT_DEPTH][SCRIPT_LINE];
    int error = image_find_out(r, path, lines);

    return error ? error : found_load(s, hart, r, path);
}

int program_load(struct space *s, struct process *p, unsigned hart, struct walk *w, const char *path,
                 const struct strings *arguments, const struct strings *environment,
                 const struct spawn_setup *setup)
{
    struct request r = {.process = p, .arguments = arguments, .environment = environment,
                        .setup = setup};

    r.image = image_known(w, path);
    return r.image ? found_load(s, hart, &r, path) : file_load(s, hart, &r, path);
}

/* ---- exec ---- */

static unsigned own_slice(void)
{
    return slot_claim(SLOT_SLICE)->what ? SLOT_SLICE : SLOT_SLICE_OTHER;
}

static PINNED_OWN bool park_ready; /* this environment will be its parent's next child */
static PINNED_OWN unsigned heir;   /* slot of the one that goes on */

/* Masked: nothing comes between. */
PINNED_CODE static void hand_over(struct context *context, void *slice,
                                  struct aegis_activation *activation)
{
    long error = aegis_slice_lend((unsigned long)slice, heir).error;

    if (!error && park_ready) {
        if (heir == SLOT_MAKING)
            aegis_release(AEGIS_SLOT_SELF, heir);
        park_masked(activation);
    }
    if (!error)
        for (;;)
            aegis_env_destroy(AEGIS_SLOT_SELF);
    thread_result(context, error);
    thread_run((struct thread *)context, activation);
}

static int next_note(struct space *s)
{
    struct aegis_capability control;
    int error = space_control(s, &control);

    if (error)
        return error;
    monitor_enter();
    session_store(&process_self->next_control, &control, sizeof control);
    session_set(process_self->next_identity, s->identity);
    monitor_leave();
    return 0;
}

static int become(struct space *s)
{
    unsigned slice = own_slice();
    int error = space_share(s, slice, 1, AEGIS_LEND);

    if (!error)
        error = next_note(s);
    if (error)
        return error;
    process_self->time_user = process_ticks(time_now());
    descriptors_exec(process_self);
    signals_exec();
    park_ready = park_may();
    heir = s->slot;
    if (park_ready)
        parked_forget();
    context_call(&thread_self()->context, hand_over, (void *)(uintptr_t)slice);
    return -EAGAIN;
}

/* The path lies in `w`. */
static int exec_here(struct walk *w, const struct strings *arguments,
                     const struct strings *environment)
{
    struct spawn_setup setup = {.exec = true};
    uint64_t slice = slot_claim(own_slice())->what;
    struct space s;
    int error = program_load(&s, process_self, AEGIS_WHAT_RESOURCE(slice) >> 8, w, w->text, arguments,
                             environment, &setup);

    if (error)
        return error;
    error = become(&s);
    space_drop(&s);
    return error;
}

int _execve(const char *path, char *const argv[], char *const environment[])
{
    struct strings a = {(const char *const *)argv, false};
    struct strings e = {(const char *const *)environment, false};
    struct walk w;

    ssize_t n = process_self ? user_string(w.text, path, sizeof w.text) : -ENOSYS;
    int error = n < 0 ? (int)n : 0;
    if (!error && !*w.text)
        error = -ENOENT;
    if (!error) {
        making_begin();
        error = exec_here(&w, &a, &e);
        making_end();
    }
    errno = -error;
    return -1;
}

int execve(const char *path, char *const argv[], char *const environment[])
{
    return _execve(path, argv, environment);
}

/* ---- the other side ---- */

void process_take_over(const struct start_block *start)
{
    struct process *p = start->process;

    uint64_t before = p->identity;

    process_self = p;
    thread_ticks_ended = p->time_user; /* what it used before */
    monitor_enter();
    if (p->next_identity == session_identity()) {
        session_store(&p->control, &p->next_control, sizeof p->control);
        session_set(p->environment, (uint32_t)(p->next_identity & (AEGIS_ENVS - 1)));
        session_set(p->identity, p->next_identity);
        session_set(p->next_identity, 0);
        session_set(p->next_control.what, 0);
    }
    session_set(p->image, p->next_image);
    session_set(p->next_image, NULL);
    session_set(p->exec_done, 1);
    monitor_leave();
    again_born(start);
    process_begin(p, p->pid);
    process_ring_publish();
    if (before != session_identity())
        owner_is_gone(before); /* what we were gives its pages back */
}

/* ---- spawn ---- */

static int spawn_run(struct process *p, struct space *s)
{
    int error = process_bind(p, s);

    if (!error)
        error = space_run(s);
    if (error)
        space_drop(s);
    return error;
}

pid_t process_spawn(const char *path, const struct strings *arguments,
                    const struct strings *environment, const struct spawn_setup *setup,
                    int (*prepare)(struct process *, void *), void *argument)
{
    struct process *p = NULL;
    struct walk w;
    struct space s;

    making_begin();
    int error = making_process(&p);
    pid_t pid = error ? error : p->pid;
    if (!error && prepare) {
        monitor_enter();
        error = prepare(p, argument);
        session_set(p->parts[PROCESS_PART_MASK], setup->blocked);
        monitor_leave();
    }
    if (!error)
        error = program_load(&s, p, space_hart(), &w, path, arguments, environment, setup);
    if (!error)
        error = spawn_run(p, &s);
    if (error && p)
        process_forget(p);
    else if (p)
        process_begin(p, pid);
    making_end();
    return error ? error : pid;
}
