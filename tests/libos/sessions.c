/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two sessions that do not trust each other, side by side in ours. One does what it can to read, stop, kill and starve the
 * other; it prints "forbidden" for whatever it should not have been able to do.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "tap.h"

#define E         AEGIS_EXPOSED_STATE
#define RECORDS   ((const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES)
#define SPINNERS  3 /* of 4 slots: the other is its init's */
#define WINDOW    100 /* slots of time */
#define HELD      1500 /* pages that the victim wants */

static long milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the victim: how far three processes come in a while, with the memory that they were promised ---- */

static int victim(void)
{
    volatile unsigned long *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned char *memory = malloc(HELD * 4096UL);
    unsigned good = 0;

    for (size_t i = 0; memory && i < HELD; i++)
        memory[i * 4096] = (unsigned char)i;
    done[8] = (unsigned long)milliseconds() + WINDOW * 1000 * E->slice_ticks / E->time_hz + 300;
    for (unsigned i = 0; i < SPINNERS - 1; i++)
        if (fork() == 0) {
            while (milliseconds() < (long)done[8])
                done[i]++;
            _exit(0);
        }
    while (milliseconds() < (long)done[8])
        done[SPINNERS - 1]++;
    while (wait(NULL) > 0)
        ;
    for (size_t i = 0; memory && i < HELD; i++)
        good += memory[i * 4096] == (unsigned char)i;
    printf("%lu %u\n", done[0] + done[1] + done[2], good);
    return 0;
}

/* ---- the hostile one ---- */

static void forbidden(const char *what, unsigned long n)
{
    printf("forbidden: %s %lu\n", what, n);
}

static bool covered(unsigned slot, unsigned long name)
{
    uint64_t what = slot_claim(slot)->what;
    return !((name ^ AEGIS_WHAT_RESOURCE(what)) >> AEGIS_WHAT_ORDER(what));
}

static void take_pages(unsigned slot)
{
    if (!aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot, AEGIS_NONE).error)
        forbidden("any page", 0);
    for (unsigned long n = 0; n < E->page_count; n += 7) {
        unsigned long page = E->page_first + n;
        if (covered(AEGIS_SLOT_PAGES, page))
            continue;
        if (aegis_page_alloc(AEGIS_SLOT_PAGES, page, 0, slot, AEGIS_NONE).error != AEGIS_E_NO_RIGHT)
            forbidden("page", page);
        /* forged, with what everybody sees of the block */
        uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX, RECORDS[n].order, page);
        if (RECORDS[n].state == AEGIS_PAGE_USED && aegis_claim(what, RECORDS[n].check, slot).error != AEGIS_E_BAD_CAPABILITY)
            forbidden("a page's capability", page);
    }
}

static void take_roots(unsigned slot)
{
    static const unsigned roots[] = {AEGIS_SLOT_PAGES, AEGIS_SLOT_SLICES, AEGIS_SLOT_ENVS};

    for (unsigned i = 0; i < 3; i++) {
        uint64_t what = slot_claim(roots[i])->what;
        struct aegis_result own = aegis_capability_make(roots[i], AEGIS_ALLOC, 0, AEGIS_WHAT_ORDER(what));
        unsigned type = AEGIS_WHAT_TYPE(what);
        for (unsigned order = AEGIS_WHAT_ORDER(what) + 1; order <= AEGIS_ROOT_ORDER; order++)
            if (!aegis_capability_make(roots[i], AEGIS_ALLOC, 0, order).error ||
                !aegis_claim(AEGIS_WHAT(type, AEGIS_ALLOC, order, AEGIS_WHAT_RESOURCE(what)), own.value, slot).error ||
                !aegis_claim(AEGIS_WHAT(type, AEGIS_ALLOC, order, 0), own.value, slot).error)
                forbidden("a larger root", order);
        if (!aegis_rekey(roots[i]).error || !aegis_revoke(roots[i], AEGIS_SLOT_SELF, 1, 0).error)
            forbidden("rekey or revoke", roots[i]);
    }
}

static void take_others(unsigned slot)
{
    for (unsigned i = 0; i < AEGIS_ENVS; i++) {
        if (!covered(AEGIS_SLOT_ENVS, i) && !aegis_alloc(AEGIS_SLOT_ENVS, i, slot).error)
            forbidden("environment", i);
        if (!aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL | AEGIS_RING, 0, i), E->env[i].check, slot).error)
            forbidden("an environment's capability", i);
    }
    for (unsigned i = 0; i < AEGIS_SLICES; i++)
        if (!covered(AEGIS_SLOT_SLICES, i) && !aegis_alloc(AEGIS_SLOT_SLICES, i, slot).error)
            forbidden("slot of time", i);
    if (!aegis_alloc(AEGIS_SLOT_SLICES, 0xff, slot).error)
        forbidden("any slot of time", 0);
    for (unsigned s = 0; s < 128; s++) {
        char text[] = "forbidden: console\n";
        if (!aegis_console_write(s, 1, (unsigned long)text, sizeof text - 1).error ||
            !aegis_console_read(s, (unsigned long)text, 1).error || !aegis_machine_end(s, 0).error)
            forbidden("console or machine", s);
    }
}

static void signal_others(void)
{
    for (pid_t pid = 1; pid < 400; pid++)
        if (pid != 1 && pid != getpid() && pid != getppid() && (kill(pid, SIGKILL) == 0 || errno != ESRCH))
            forbidden("pid", (unsigned long)pid);
    errno = 0;
}

/* All that there is; some of it goes back, for the bomb. */
static unsigned hog(void)
{
    static void *had[4096 / 16];
    unsigned n = 0;

    for (void *p; n < 4096 / 16 && (p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED;)
        for (unsigned i = 0; i < 16; i++)
            ((volatile char *)(had[i ? n - 1 : n++] = p))[4096 * i] = 1;
    for (unsigned i = 0; i < n / 4; i++)
        munmap(had[i], 16 * 4096);
    return n * 16;
}

static _Noreturn int hostile(void)
{
    unsigned slot = slot_find(), children = 0;

    take_pages(slot);
    take_roots(slot);
    take_others(slot);
    signal_others();
    unsigned pages = hog();
    if (errno != ENOMEM || pages > 4096)
        forbidden("pages", pages);
    pid_t pid;
    while ((pid = fork()) > 0)
        children++;
    if (pid < 0 && (children != SPINNERS - 1 || (errno != EAGAIN && errno != ENOMEM)))
        forbidden("children", children * 1000 + (unsigned)errno);
    if (pid < 0) {
        printf("ready %u %u\n", pages, children);
        fflush(stdout);
    }
    for (;;)
        ;
}

/* Output, and then lies about how much there is and whether it has ended: what it still had under way is lost, and that is all. */
static int noise(void)
{
    for (unsigned i = 0; i < 3000; i++)
        printf("noise %u\n", i);
    fflush(stdout);
    volatile unsigned long *link = (unsigned long *)(0x0800000000UL + (4UL << 30) - 4096);
    for (unsigned i = 0; i < 400; i++)
        link[i % 9 + 3] += 1UL << (i % 60);
    raise(SIGKILL);
    return 0;
}

/* ---- ours ---- */

#define SESSION "session -p 4096 -s 4 -e 16 /bin/sessions "

static unsigned long victims_work(unsigned *held)
{
    unsigned long work = 0;
    FILE *f = popen(SESSION "victim", "r");

    *held = 0;
    if (!f || fscanf(f, "%lu %u", &work, held) != 2)
        work = 0;
    tap(f && pclose(f) == 0, "sessions_victim_ends_well");
    return work;
}

static unsigned living(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < AEGIS_ENVS; i++)
        n += E->env[i].state == AEGIS_ENV_LIVE && E->env[i].positions; /* one without is kept for a child to come */
    return n;
}

/* What the first such session leaves for the next one to use, in caches of all kinds, is there the second time. */
static void side_by_side(bool again)
{
    char line[100] = "";
    unsigned held, pages = 0, children = 0, before = living();
    unsigned long alone = victims_work(&held), free = E->free_pages;
    tap(alone && held == HELD, "sessions_alone");

    pid_t pid;
    int ends[2];
    pipe(ends);
    if ((pid = fork()) == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execlp("session", "session", "-p", "4096", "-s", "4", "-e", "16", "/bin/sessions", "hostile", NULL);
        _exit(1);
    }
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    bool quiet = true;
    while (fgets(line, sizeof line, said) && sscanf(line, "ready %u %u", &pages, &children) != 2) {
        printf("# %s", line);
        quiet = false;
    }
    tap(quiet, "sessions_nothing_forbidden");
    tap(pages > 1000 && children == SPINNERS - 1, "sessions_hostile_has_what_it_may");
    unsigned long beside = victims_work(&held);
    printf("# alone %lu, beside %lu: %lu.%lu %% of the time\n", alone, beside, beside * 100 / alone, beside * 1000 / alone % 10);
    tap(held == HELD, "sessions_memory_is_had_beside_a_hog");
    if (E->harts == 1 && E->slice_ticks * 1000 >= E->time_hz) /* very short slots are partly what their changes cost */
        tap(beside * 1000 / alone >= 490 && beside * 1000 / alone <= 510, "sessions_half_of_the_time_within_2_percent");
    kill(pid, SIGTERM);
    int status = 0;
    waitpid(pid, &status, 0);
    fclose(said);
    tap(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "sessions_hostile_is_ended");
    for (unsigned i = 0; i < 100 && (living() != before || E->free_pages + 64 < free); i++)
        usleep(10000);
    if (again)
        tap(living() == before && E->free_pages + 64 >= free, "sessions_nothing_is_left_of_it");
}

static void noisy(void)
{
    char line[100];
    unsigned n = 0, next;
    FILE *f = popen(SESSION "noise 2>/dev/null", "r");

    while (fgets(line, sizeof line, f) && sscanf(line, "noise %u", &next) == 1 && next == n)
        n++;
    while (fgets(line, sizeof line, f))
        ;
    int status = pclose(f);
    tap(n > 2800 && WIFEXITED(status), "sessions_output_and_lies"); /* with what status is its own to say */
}

/* Who started it is gone, and so is it. */
static void cut(void)
{
    unsigned before = living();
    pid_t pid = fork();

    if (pid == 0) {
        execlp("session", "session", "-p", "4096", "-s", "4", "-e", "16", "sleep", "1000", NULL);
        _exit(1);
    }
    for (unsigned i = 0; i < 500 && living() != before + 3; i++)
        usleep(10000);
    tap(living() == before + 3, "sessions_starts");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (unsigned i = 0; i < 500 && living() != before; i++)
        usleep(10000);
    tap(living() == before, "sessions_end_with_who_started_them");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return !strcmp(argv[1], "victim") ? victim() : !strcmp(argv[1], "noise") ? noise() : hostile();
    side_by_side(false);
    side_by_side(true);
    noisy();
    cut();
    return tap_failed;
}
