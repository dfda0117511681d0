/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Being the stack, which the session's processes share (stack.h): whoever holds the lock is;
 * signals wait that long. If it is destroyed inside all the same, whoever comes next starts the
 * stack anew: listening and datagram sockets are as they were, connections are reset.
 */
#include "inside.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../proc/space.h"
#include "../vm/vm.h"
#include "network.h"

#define IMAGE_FILE "/lib/aegis/lwip"
#define LEFT_MOST  640

/* ---- the caller's side of the image ---- */

struct stack_caller stack_us;
const void *stack_holder;
static bool joined;

static void wake(struct aegis_socket *s)
{
    aegis_socket_changed(s);
}

static long send_queued(void)
{
    struct aegis_result r;

    if (NETWORK->tap_until)
        tap_run();
    do {
        r = aegis_net_send(SLOT_ENDPOINT);
    } while (!r.error && NET_RING->queued != NET_RING->taken);
    return r.error;
}

/* The session's endpoint, claimed once a process; its children have it from the start. */
static int endpoint_claim(void)
{
    const struct aegis_capability *c = &NETWORK->endpoint;

    if (!c->what)
        return 0;
    long error = aegis_claim(c->what, c->mac, SLOT_ENDPOINT).error;
    return error && error != AEGIS_E_OCCUPIED ? -EAFNOSUPPORT : 0;
}

/* The image's text, shared, from its file. */
static int image_map(void)
{
    struct stat st;
    int fd = open(IMAGE_FILE, O_RDONLY | O_CLOEXEC);
    void *at = MAP_FAILED;

    if (fd < 0)
        return errno == EMFILE ? -EMFILE : -EAFNOSUPPORT;
    if (!fstat(fd, &st) && st.st_size > (off_t)sizeof(struct stack_image))
        at = mmap((void *)NET_TEXT, (size_t)st.st_size, PROT_READ | PROT_EXEC,
                  MAP_SHARED | MAP_FIXED, fd, 0);
    close(fd);
    return at == (void *)NET_TEXT && STACK_IMAGE->magic == NET_MAGIC ? 0 : -EAFNOSUPPORT;
}

bool stack_joined(void)
{
    return joined;
}

int stack_join(void)
{
    uint32_t offset;

    if (joined)
        return 0;
    int error = network_reserve();
    if (!error)
        error = image_map();
    if (!error)
        error = endpoint_claim();
    if (error)
        return error;
    stack_us =
        (struct stack_caller){.copy = user_copy_in,
                              .copy_sum = user_copy_sum,
                              .wake = wake,
                              .send = send_queued,
                              .chunk_slot = (uint16_t)session_slot((void *)NET_CHUNK, &offset)};
    joined = true;
    return 0;
}

/* ---- the lock ---- */

static void sockets_made_anew(struct aegis_socket **left, unsigned count);

/* What was inside is lost; whose it was is found in its table, if that is still one. */
static unsigned sockets_left(struct aegis_socket **left)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LEFT_MOST; i++) {
        struct aegis_socket *s = STACK_IMAGE->left(i);
        if (!s)
            break;
        bool sane = (uintptr_t)s - SESSION_VA < SESSION_SIZE && (uintptr_t)s % 16 == 0 &&
                    (s->family == AF_INET || s->family == AF_INET6) && !socket_of(s)->closed;
        if (sane)
            left[count++] = s;
    }
    return count;
}

void stack_start(void)
{
    const struct stack_image *image = STACK_IMAGE;
    struct aegis_socket *left[LEFT_MOST];
    unsigned count = 0;

    if (NETWORK->generation) {
        count = sockets_left(left);
        memset((void *)image->data, 0, image->zero_end - image->data);
        NETWORK->restarts++;
    }
    NETWORK->generation++;
    memcpy((void *)image->data, (void *)image->data_from, image->data_end - image->data);
    *image->caller = &stack_us;
    image->start(NETWORK->endpoint.what != 0);
    sockets_made_anew(left, count);
    NETWORK->started = NETWORK->generation;
}

/* A fault inside ends the process, whose end comes here again: it is as good as dead. */
static bool own_is_dead(void)
{
    return stack_holder == thread_self() || process_self->flags & PROCESS_ENDING;
}

bool stack_lock_wait(void)
{
    for (unsigned tries = 1;; tries++) {
        uint64_t owner = __atomic_load_n(&NETWORK->lock, __ATOMIC_RELAXED);
        if (!owner) {
            if (word_claim(&NETWORK->lock))
                return false;
        } else if (owner == session_me && own_is_dead()) {
            return true;
        } else if (owner != session_me && owner_is_gone(owner)) {
            if (__atomic_compare_exchange_n(&NETWORK->lock, &owner, session_me, false,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return true;
        } else {
            monitor_relax(tries);
        }
    }
}

/* ---- after a death ---- */

static void socket_made_anew(struct aegis_socket *s)
{
    const struct stack_image *image = STACK_IMAGE;
    unsigned state = s->state;
    bool stream = s->type == SOCK_STREAM,
         reset = stream && (state == SOCKET_CONNECTED || state == SOCKET_CONNECTING);

    s->words[WORD_CONNECTION] = 0;
    s->words[WORD_EVENTS] = POLLIN | POLLOUT | POLLHUP | POLLERR;
    s->state = SOCKET_UNCONNECTED;
    if (reset || image->make(s)) {
        s->error = ECONNRESET;
        return;
    }
    image->option_set(s, SOL_SOCKET, 0, 0);
    struct stack_name local = kept_name(s, WORD_LOCAL), remote = kept_name(s, WORD_REMOTE);
    if (s->words[WORD_LOCAL] & STACK_BOUND)
        image->bind(s, &local);
    if (state == SOCKET_LISTENING)
        image->listen(s, (unsigned)s->words[WORD_BACKLOG]);
    else if (state == SOCKET_CONNECTED)
        image->connect(s, &remote);
}

static void sockets_made_anew(struct aegis_socket **left, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        socket_made_anew(left[i]);
        aegis_socket_changed(left[i]);
    }
}

/* ---- waiting ---- */

/* While it does, what was left behind by those who have ended is seen to. */
static void waits(bool does)
{
    uint64_t *word = &NETWORK->waiting[env_self() / 64], bit = 1UL << env_self() % 64;

    if (does)
        __atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED);
}

/* Somebody else does. */
static bool others_wait(void)
{
    for (unsigned i = 0; i < AEGIS_ENVS; i += 64)
        for (uint64_t bits = __atomic_load_n(&NETWORK->waiting[i / 64], __ATOMIC_RELAXED); bits; bits &= bits - 1) {
            unsigned environment = i + (unsigned)__builtin_ctzl(bits);
            if (environment != env_self() && AEGIS_EXPOSED_STATE->env[environment].state == AEGIS_ENV_LIVE)
                return true;
        }
    return false;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return !a ? b : !b || (int64_t)(a - b) < 0 ? a : b;
}

bool stack_is_wanted(void)
{
    if (NETWORK->endpoint.what &&
        __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE) != NETWORK->received)
        return true;
    return NETWORK->deadline && (int64_t)(time_now() - NETWORK->deadline) >= 0;
}

void stack_run(void)
{
    if (!joined)
        return;
    waits(false);
    /* what is queued: MSG_BATCH, until somebody waits */
    if (!stack_is_wanted() && !(NETWORK->endpoint.what && NET_RING->queued != NET_RING->taken))
        return;
    enter();
    run_inside();
    leave();
}

unsigned stack_await(struct aegis_predicate *p, uint64_t *deadline)
{
    uint32_t offset;

    if (!joined)
        return 0;
    if (NETWORK->endpoint.what && NET_RING->queued != NET_RING->taken)
        stack_run();
    waits(true);
    *deadline = sooner(*deadline, NETWORK->deadline);
    if (!NETWORK->endpoint.what)
        return 0;
    unsigned slot = session_slot(&NET_RING->received, &offset);
    *p = (struct aegis_predicate){(uint16_t)slot, AEGIS_NE, 8, offset, NETWORK->received};
    return 1;
}

void stack_configuration_await(void)
{
    bool done = false;

    while (!done) {
        struct aegis_predicate p;
        enter();
        run_inside();
        done = STACK_IMAGE->configured();
        leave();
        uint64_t deadline = time_now() + AEGIS_EXPOSED_STATE->time_hz / 20;
        if (!done) {
            unsigned n = stack_await(&p, &deadline);
            if (channel_wait_with(NULL, 0, &p, n, deadline) == -EINTR)
                done = true;
        }
    }
}

/* ---- what was left ---- */

static bool unfinished(void)
{
    enter();
    run_inside();
    bool is = STACK_IMAGE->unfinished();
    leave();
    return is;
}

/* Where others wait they see to it; else the keeper has somebody do it. */
void stack_end(void)
{
    if (!joined)
        return;
    waits(false);
    if (others_wait() || !unfinished())
        return;
    __atomic_store_n(&NETWORK->left, 1, __ATOMIC_RELEASE);
    channel_wake(&SESSION->keeper_channel);
}

void network_finish(void)
{
    struct aegis_predicate p;

    if (stack_join())
        return;
    while (unfinished() && !others_wait()) {
        uint64_t deadline = 0;
        unsigned n = stack_await(&p, &deadline);
        channel_wait_with(NULL, 0, &p, n, deadline);
        waits(false);
    }
}
