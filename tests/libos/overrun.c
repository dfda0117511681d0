/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Without grace (slice=200 grace=0 on the kernel's command line) whatever runs when a slot ends is saved by force, where it stands.
 * Each way into the libOS and out of it is cut at every instruction in turn, and goes on as if nothing had been.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "tap.h"

#define PAGE 4096UL

static _Thread_local unsigned long mine = 0x1234;
static volatile unsigned long handled;
static char *pages;
static int ends[2];

static uint64_t now(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

/* `n` instructions and some. */
static void wait_instructions(unsigned n)
{
    if (n & 1)
        __asm__ volatile("nop");
    for (n /= 2; n; n--)
        __asm__ volatile("");
}

/* The action is done again and again over the end of one slot, which comes an instruction later each time. */
static int cut(int (*action)(void), unsigned places)
{
    uint64_t slice = AEGIS_EXPOSED_STATE->slice_ticks;

    for (unsigned i = 0; i < places; i++) {
        usleep(3000); /* many overruns in a row would be our end */
        uint64_t end = now() + slice + slice / 16;
        wait_instructions(i);
        while (now() < end)
            if (action() || mine != 0x1234)
                return 0;
    }
    return 1;
}

/* ---- a fault becomes a signal; all registers are as before ---- */

static void skip(int signal, siginfo_t *information, void *uc)
{
    (void)signal;
    handled += information->si_addr == (void *)8;
    ((ucontext_t *)uc)->uc_mcontext.__gregs[0] += 4;
}

#define REGISTERS(X)                                                                               \
    X(1) X(5) X(6) X(7) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20)     \
    X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30)
#define NAME(n) "x" #n,
#define SET(n)  "li x" #n ", " #n "\n"
#define GET(n)  "addi x" #n ", x" #n ", -" #n "\nor x31, x31, x" #n "\n"

static int trap(void)
{
    unsigned long before = handled, wrong;
    __asm__ volatile(REGISTERS(SET) "li x31, 31\n.option push\n.option norvc\nsd x31, 8(zero)\n.option pop\n"
                                    "addi x31, x31, -31\n" REGISTERS(GET) "mv %0, x31"
                     : "=r"(wrong)
                     :
                     : REGISTERS(NAME) "x31", "memory");
    return wrong || handled != before + 1;
}

/* ---- a page fault; a call of the pager's; a thread's own way in; a signal that is sent ---- */

static int fault(void)
{
    static unsigned at;
    char *page = pages + at++ % 16 * PAGE;

    if (*page)
        return 1;
    *page = 1;
    return at % 16 == 0 && (munmap(pages, 16 * PAGE) || mmap(pages, 16 * PAGE, PROT_READ | PROT_WRITE,
                                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != pages);
}

static int protect(void)
{
    return mprotect(pages, PAGE, PROT_READ) || mprotect(pages, PAGE, PROT_READ | PROT_WRITE);
}

static int yields(void)
{
    return sched_yield();
}

static void count(int signal)
{
    handled += (unsigned)signal;
}

static int sends(void)
{
    unsigned long before = handled;
    return raise(SIGUSR1) || handled != before + SIGUSR1;
}

static int pipes(void)
{
    char byte = 'a';
    return write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1 || byte != 'a';
}

/* ---- two threads, each with values of its own in the floating-point unit ---- */

static volatile int stop, turned;

static void *other(void *unused)
{
    (void)unused;
    mine = 0x1234;
    for (double x = 1; !stop; x = x * 1.5 - 0.5) {
        __asm__ volatile("" : "+f"(x));
        turned += x != 1 || mine != 0x1234 ? 1000000000 : 1;
        sched_yield();
    }
    return NULL;
}

static int turns(void)
{
    static double x = 3;
    int before = turned;
    double was = x;

    sched_yield();
    x = x * 2 - 3;
    return x != was || turned < before || turned >= 1000000000;
}

/* Has the unit whenever we have lost the slot. */
static pid_t neighbour(void)
{
    pid_t pid = fork();

    for (double x = 1; pid == 0; x = x * 1.5 - 0.5) {
        __asm__ volatile("" : "+f"(x)); /* no constant */
        if (x != 1)
            _exit(1);
        sched_yield();
    }
    return pid;
}

static int threads(void)
{
    pthread_t t;
    pid_t pid = neighbour();
    int status;

    if (pid < 0 || pthread_create(&t, NULL, other, NULL))
        return 0;
    int good = cut(turns, 150);
    stop = 1;
    good &= waitpid(pid, &status, WNOHANG) == 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid;
    return pthread_join(t, NULL) == 0 && good && turned < 1000000000;
}

int main(void)
{
    struct sigaction a = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO}, b = {.sa_handler = count};

    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGUSR1, &b, NULL);
    pages = mmap(0, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tap(pipe(ends) == 0 && pages != MAP_FAILED, "overrun_prepared");
    tap(cut(trap, 520), "overrun_in_a_trap");
    tap(cut(fault, 700), "overrun_in_a_page_fault");
    tap(cut(protect, 260), "overrun_in_the_pager");
    tap(cut(yields, 300), "overrun_in_a_yield");
    tap(cut(sends, 500), "overrun_in_a_signal_sent");
    tap(cut(pipes, 600), "overrun_in_the_monitor");
    tap(threads(), "overrun_between_threads");
    return tap_failed;
}
