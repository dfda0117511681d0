/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session [-p PAGES] [-s SLOTS] [-e ENVIRONMENTS] [-c HART] [-n tcp|udp:FIRST[-LAST]] PROGRAM [ARGUMENT...]
 *
 * Runs a program in a session of its own, which neither trusts ours nor is trusted by it: with roots that are parts of the
 * machine, powers of two, of the network these ports and nothing else, and a page by which its output comes to our descriptors 1 and 2 and its status to us.
 *
 *     we ---- fork ----> maker: confines itself to the parts, makes the link's page and init's environment from them, and ends
 *      |  <-- pipe ----- capabilities of the link and for control
 *      '- relay until its init has ended, or we are told to; then sweep: nobody of its part lives on
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#include "../../libos/fs/node.h"
#include "../../libos/proc/exec.h"
#include "../../libos/proc/image.h"
#include "../../libos/proc/making.h"
#include "../../libos/proc/space.h"
#include "../../libos/sched/thread.h"
#include "../../libos/session/apart.h"
#include "parts.h"
#include "ports.h"

#define INIT    "/init"
#define LOCK    "/tmp/.session"
#define VIEW    0x2fff000000UL /* where we see the link */
#define FAILED  125

extern char **environ;

struct made {
    struct aegis_capability link, control;
    int error;
};

static struct net_given given;
static struct parts parts = {{0, 13}, {0, 4}, {0, 5}, 0};
static volatile sig_atomic_t told;

static void tell(int signal)
{
    told = signal;
}

static void fail(const char *what, int error) __attribute__((noreturn));
static void fail(const char *what, int error)
{
    fprintf(stderr, "session: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
    exit(FAILED);
}

/* ---- the maker ---- */

static struct aegis_capability capability(unsigned slot, unsigned type, unsigned rights)
{
    uint64_t mac = aegis_capability_make(slot, rights, 0, 0).value;
    return (struct aegis_capability){AEGIS_WHAT(type, rights, 0, AEGIS_WHAT_RESOURCE(slot_claim(slot)->what)), mac};
}

/* A page of the part, in the console's slot, which is passed on. */
static int link_make(const struct aegis_capability *ring, unsigned hart, struct aegis_capability *made)
{
    struct aegis_result r;

    while ((r = page_of_part(0, AEGIS_SLOT_CONSOLE, AEGIS_NONE)).error == AEGIS_E_AGAIN)
        ;
    if (r.error)
        return ENOMEM;
    struct session_link *link = space_open(AEGIS_SLOT_CONSOLE);
    if (!link)
        return ENOMEM;
    *link = (struct session_link){.ring = *ring, .hart = hart, .given = given};
    if (getentropy(link->seed, sizeof link->seed))
        return EIO;
    space_close(AEGIS_SLOT_CONSOLE);
    *made = capability(AEGIS_SLOT_CONSOLE, AEGIS_PAGE, AEGIS_R | AEGIS_W);
    return 0;
}

static int maker(char **words, const struct aegis_capability *ring, struct made *made)
{
    struct strings arguments = {(const char *const *)words, true}, environment = {(const char *const *)environ, true};
    struct spawn_setup setup = {.exec = true, .apart = true};
    struct walk w;
    struct space s;

    unsigned hart = AEGIS_WHAT_RESOURCE(slot_claim(slot_claim(SLOT_SLICE)->what ? SLOT_SLICE : SLOT_SLICE_OTHER)->what) >> 8;

    if (!parts_confine(&parts))
        return EPERM;
    int error = link_make(ring, hart, &made->link);
    if (error)
        return error;
    error = -program_load(&s, NULL, parts.hart, &w, INIT, &arguments, &environment, &setup);
    if (error)
        return error;
    error = -space_control(&s, &made->control);
    return error ? error : -space_run(&s);
}

/* ---- the relay ---- */

static void put(int descriptor, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(descriptor, bytes, size);
        if (n < 0 && errno != EINTR)
            return;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

/* What the other side says is believed as far as the ring reaches. */
static bool relay(struct session_link *link)
{
    uint8_t bytes[LINK_BYTES];
    bool any = false;

    for (unsigned n = 0; n < 2; n++) {
        uint64_t read = link->channel[n].read, written = __atomic_load_n(&link->channel[n].written, __ATOMIC_ACQUIRE);
        size_t size = written - read < LINK_BYTES ? written - read : written == read ? 0 : LINK_BYTES;
        for (size_t i = 0; i < size; i++)
            bytes[i] = link->bytes[n][(read + i) % LINK_BYTES];
        __atomic_store_n(&link->channel[n].read, written, __ATOMIC_RELEASE);
        put(1 + (int)n, bytes, size);
        any |= size != 0;
    }
    return any;
}

static bool lives(uint64_t what, uint64_t check)
{
    const volatile struct aegis_env_record *r = &AEGIS_EXPOSED_STATE->env[AEGIS_WHAT_RESOURCE(what)];
    return r->check == check && (r->state == AEGIS_ENV_NEW || r->state == AEGIS_ENV_LIVE);
}

static void wait_for_more(const struct session_link *link, unsigned slot, uint64_t what)
{
    size_t state = offsetof(struct aegis_exposed, env) + AEGIS_WHAT_RESOURCE(what) * sizeof(struct aegis_env_record) +
                   offsetof(struct aegis_env_record, state);
    struct aegis_predicate p[6] = {{AEGIS_NONE, AEGIS_NE, 4, (uint32_t)state, AEGIS_ENV_LIVE},
                                   {(uint16_t)slot, AEGIS_NE, 8, (uint32_t)offsetof(struct session_link, status), 0}};

    for (unsigned n = 0; n < 2; n++)
        p[2 + n] = (struct aegis_predicate){(uint16_t)slot, AEGIS_NE, 8,
                                            (uint32_t)offsetof(struct session_link, channel[n].written), link->channel[n].read};
    /* an end by force on another hart rings nobody: we look again */
    uint64_t deadline = time_now() + AEGIS_EXPOSED_STATE->time_hz / 10;
    unsigned count = 4 + ports_await(p + 4, &deadline);
    if (!told)
        thread_wait_signal(p, count, deadline);
    ports_run();
}

static int session_run(const struct made *made)
{
    struct session_link *link = (struct session_link *)VIEW;
    unsigned control = slot_find();

    if (!control || aegis_claim(made->control.what, made->control.mac, control).error)
        return FAILED;
    uint64_t check = slot_claim(control)->check;
    unsigned slot = slot_find();
    if (!slot || aegis_claim(made->link.what, made->link.mac, slot).error)
        return FAILED;
    if (pager_map(VIEW, 1, AEGIS_R | AEGIS_W, REGION_PAGER) || pager_put(VIEW, slot, AEGIS_R | AEGIS_W))
        return FAILED;
    while (!told && !link->status && lives(made->control.what, check))
        if (!relay(link))
            wait_for_more(link, slot, made->control.what);
    while (aegis_env_destroy(control).error == AEGIS_E_AGAIN)
        ;
    parts_sweep(&parts);
    while (relay(link))
        ;
    uint64_t status = link->status;
    return told ? 128 + told : status & LINK_ENDED ? (int)(status & 0xff) : 128 + SIGKILL;
}

/* ---- */

static unsigned order_of(const char *number, unsigned most)
{
    unsigned long n = strtoul(number, NULL, 0);

    if (!n || n & (n - 1) || n > 1UL << most)
        fail("a quota is a power of two", 0);
    return (unsigned)__builtin_ctzl(n);
}

static void options(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "+p:s:e:c:n:")) != -1;)
        switch (c) {
        case 'p':
            parts.pages.order = order_of(optarg, AEGIS_ORDER_MAX);
            break;
        case 's':
            parts.slices.order = order_of(optarg, 5);
            break;
        case 'e':
            parts.environments.order = order_of(optarg, 9);
            break;
        case 'c':
            parts.hart = (unsigned)atoi(optarg);
            if (parts.hart < AEGIS_EXPOSED_STATE->harts)
                break;
            fail("there is no such hart", 0);
        case 'n':
            if (ports_read(optarg, &given))
                fail("ports are tcp:FIRST-LAST or udp:FIRST-LAST", 0);
            break;
        default:
            fail("usage: session [-p PAGES] [-s SLOTS] [-e ENVIRONMENTS] [-c HART] [-n tcp|udp:FIRST[-LAST]] PROGRAM [ARGUMENT...]", 0);
        }
    if (optind == argc)
        fail("which program?", 0);
}

int main(int argc, char **argv)
{
    struct made made = {0};
    int ends[2], lock = open(LOCK, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    options(argc, argv);
    if (lock < 0 || flock(lock, LOCK_EX) || pipe(ends))
        fail("no pipe", errno);
    const char *wanting = parts_find(&parts);
    if (wanting)
        fail(wanting, EAGAIN);
    int error = given.protocol ? ports_give(&given) : 0;
    if (error)
        fail("ports", -error);
    struct aegis_capability ring = capability(AEGIS_SLOT_SELF, AEGIS_ENV, AEGIS_RING);
    signal(SIGTERM, tell);
    signal(SIGINT, tell);
    signal(SIGHUP, tell);
    char **words = argv + optind - 1; /* init's own name first */
    words[0] = (char *)INIT;
    pid_t pid = fork();
    if (pid < 0)
        fail("fork", errno);
    if (pid == 0) {
        made.error = maker(words, &ring, &made);
        write(ends[1], &made, sizeof made);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &made, sizeof made) != sizeof made)
        fail("its maker died", 0);
    close(lock);
    waitpid(pid, NULL, 0);
    if (made.error)
        fail(argv[optind], made.error);
    return session_run(&made);
}
