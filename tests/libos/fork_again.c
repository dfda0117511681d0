/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parent whose memory changes between forks, and children that change theirs, differently each
 * time: each child finds exactly what its parent had, and the parent what it had before. Children
 * end in all ways: by exit, by exec, by a signal, with threads and children of their own.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#include "../../libos/proc/space.h"

#include "tap.h"

#define PLACES 24
#define PAGES  6 /* of a place at most */
#define PAGE   4096UL
#define ROUNDS 120

static uint64_t seed = 42;

static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(seed >> 33) % sides;
}

/* What there is: mappings, with the first word of each page; and words in data, heap and on the
 * stack. */
static struct place {
    char *at;
    unsigned pages;
    bool readable, shared, writable;
    uint64_t word[PAGES];
} place[PLACES];
static uint64_t data[8 * PAGE / 8];
static uint64_t data_word[8];
static uint64_t *heap[PLACES];
static uint64_t heap_word[PLACES];
static double number, number_had;

static volatile uint64_t *word_of(const struct place *p, unsigned page)
{
    return (volatile uint64_t *)(p->at + page * PAGE + 8 * (page + 5));
}

static void map(struct place *p)
{
    p->pages = 1 + dice(PAGES);
    p->shared = false;
    p->readable = p->writable = true;
    p->at = mmap(NULL, p->pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p->word, 0, sizeof p->word);
    if (p->at == MAP_FAILED)
        p->at = NULL;
}

static void rights(struct place *p)
{
    int how = (int)dice(3);
    p->readable = how;
    p->writable = how == 2;
    mprotect(p->at, p->pages * PAGE,
             how == 0   ? PROT_NONE
             : how == 1 ? PROT_READ
                        : PROT_READ | PROT_WRITE);
}

static void change(void)
{
    struct place *p = &place[dice(PLACES)];
    unsigned page = dice(PAGES), i = dice(PLACES);

    switch (dice(8)) {
    case 0:
        if (p->at)
            munmap(p->at, p->pages * PAGE);
        map(p);
        break;
    case 1:
        if (p->at)
            munmap(p->at, p->pages * PAGE);
        p->at = NULL;
        break;
    case 2:
        if (p->at)
            rights(p);
        break;
    case 3:
        free(heap[i]);
        heap[i] = malloc(16 + dice(20000));
        heap[i][1] = heap_word[i] = seed;
        break;
    case 4:
        if (p->at && p->readable && madvise(p->at, p->pages * PAGE, MADV_DONTNEED) == 0)
            memset(p->word, 0, sizeof p->word);
        break;
    default:
        if (p->at && page < p->pages && p->writable)
            *word_of(p, page) = p->word[page] = seed;
        if (heap[i])
            heap[i][1] = heap_word[i] = seed + 1;
    }
    unsigned d = dice(8);
    data[d * PAGE / 8 + 3] = data_word[d] = seed;
    number = number_had = (double)(seed >> 40);
}

static bool is_right(void)
{
    for (struct place *p = place; p < place + PLACES; p++)
        for (unsigned i = 0; p->at && p->readable && i < p->pages; i++)
            if (*word_of(p, i) != p->word[i])
                return false;
    for (unsigned i = 0; i < PLACES; i++)
        if (heap[i] && heap[i][1] != heap_word[i])
            return false;
    for (unsigned i = 0; i < 8; i++)
        if (data[i * PAGE / 8 + 3] != data_word[i])
            return false;
    return number == number_had;
}

static void *thread(void *argument)
{
    return argument;
}

static void child(unsigned round, unsigned depth);

/* One child; whether it found all, and left all. */
static bool born(unsigned round, unsigned depth)
{
    uint64_t on_stack[600];
    int status = -1;

    memset(on_stack, (int)round, sizeof on_stack);
    pid_t pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < 600; i++)
            if ((on_stack[i] & 0xff) != (round & 0xff))
                _exit(2);
        child(round, depth);
    }
    bool same = waitpid(pid, &status, 0) == pid;
    for (unsigned i = 0; i < 600; i++)
        same &= (on_stack[i] & 0xff) == (round & 0xff);
    return same && is_right() &&
           (WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
}

static void child(unsigned round, unsigned depth)
{
    pthread_t t;

    if (!is_right())
        _exit(1);
    for (unsigned i = dice(12); i; i--)
        change();
    if (!is_right())
        _exit(3);
    switch (dice(8)) {
    case 0:
        execl("/bin/fork_again", "nothing", (char *)NULL);
        _exit(4);
    case 1:
        if (depth < 2 && (!born(round + 1, depth + 1) || !born(round + 2, depth + 1)))
            _exit(5);
        break;
    case 2:
        if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL))
            _exit(6);
        break;
    case 3:
        raise(SIGKILL);
    }
    _exit(is_right() ? 0 : 7);
}

static bool two_at_once(void)
{
    pid_t first = fork();
    if (first == 0) {
        for (unsigned i = 0; i < 30; i++)
            change();
        _exit(!is_right());
    }
    bool good = born(200, 0);
    int status;
    return waitpid(first, &status, 0) == first && status == 0 && good;
}

/* Children of a process whose other threads are in malloc and in a stream when it forks. */
static volatile int enough;

static void *busy_thread(void *stream)
{
    for (size_t n = 1; !enough; n = n * 7 % 4093 + 1) {
        void *block = malloc(n);
        fprintf(stream, "%p\n", block);
        free(block);
    }
    return NULL;
}

static bool forks_amid_threads(void)
{
    pthread_t thread[4];
    FILE *stream = fopen("/dev/null", "w");
    bool good = stream != NULL;

    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, busy_thread, stream);
    for (int i = 0; i < 60 && good; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (size_t n = 1; n < 4000; n = n * 3 + i % 3)
                good &= fprintf(stream, "%p\n", realloc(malloc(n), n / 2)) > 0;
            _exit(!good);
        }
        int status;
        good = waitpid(child, &status, 0) == child && status == 0;
    }
    enough = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    return fclose(stream) == 0 && good;
}

/* The pages that are lent to children come back as those left them, with anything: then it may be
 * this. */
static unsigned scribble_on_what_will_be_lent(void)
{
    char *at = (char *)0x3500000000;
    unsigned done = 0;

    for (unsigned slot = SLOT_LENDING; slot < SLOT_LENDING_END; slot++) {
        uint64_t what = slot_claim(slot)->what;
        if (!what || page_map(slot, (uintptr_t)at, AEGIS_R | AEGIS_W))
            continue;
        memset(at, 0xa5, PAGE << AEGIS_WHAT_ORDER(what));
        while (aegis_unmap(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
            ;
        done += AEGIS_WHAT_ORDER(what) == 1;
    }
    return done;
}

/* Ends after slices of its own have ended, however long they are. */
static void long_life(void)
{
    struct timespec begin, now;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < 50000000);
}

/* Two, for one may be born in an environment that was kept. */
static bool two_long_lives(void)
{
    int status[2] = {-1, -1};

    for (unsigned i = 0; i < 2; i++)
        if (fork() == 0) {
            long_life();
            _exit(0);
        }
    return wait(&status[0]) > 0 && wait(&status[1]) > 0 && status[0] == 0 && status[1] == 0;
}

static unsigned claims(void)
{
    const struct aegis_claim *c = (const struct aegis_claim *)AEGIS_LEDGER_VA;
    unsigned slots = AEGIS_EXPOSED_STATE->env[AEGIS_WHAT_RESOURCE(c[AEGIS_SLOT_SELF].what)].pages * AEGIS_CLAIMS_PER_PAGE, found = 0;

    for (unsigned i = 0; i < slots; i++)
        found += c[i].what != 0;
    return found;
}

static void in_a_child(void (*what)(void))
{
    pid_t child = fork();

    if (child == 0) {
        what();
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static char block[1 << 16];

static void write_much(void)
{
    int fd = open("/tmp/much", O_CREAT | O_WRONLY, 0600);

    for (unsigned i = 0; i < 16; i++)
        write(fd, block, sizeof block);
    close(fd);
}

static void nothing(void)
{
}

/* Else each would claim them anew. */
static bool children_s_chunks_are_ours(void)
{
    in_a_child(nothing);
    unsigned before = claims();
    in_a_child(write_much);
    in_a_child(nothing);
    unsigned after = claims();
    unlink("/tmp/much");
    printf("# %u claims, then %u\n", before, after);
    return after >= before + 4; /* a MiB in chunks of 64 KiB and more */
}

int main(int argc, char **argv)
{
    bool good = true;

    if (argc && !strcmp(argv[0], "nothing"))
        return 0;
    tap(children_s_chunks_are_ours(), "what_children_claim_of_the_session_is_claimed_once");
    for (unsigned round = 0; round < ROUNDS && good; round++) {
        good = born(round, 0);
        for (unsigned i = dice(6); i; i--)
            change();
    }
    tap(good, "each_child_has_what_its_parent_had");
    good = true;
    for (unsigned round = 0; round < 10 && good; round++)
        good = two_at_once();
    tap(good, "two_children_at_once");
    tap(scribble_on_what_will_be_lent() && two_long_lives(),
        "what_stood_in_lent_pages_is_nothing_to_a_child");
    tap(forks_amid_threads(), "children_of_a_process_with_busy_threads");
    return tap_failed;
}
