/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, faults as signals, upcall handlers of the application's own, sleeping. */
#include <aegis/exposed.h>
#include <aegis/scheduler.h>
#include <aegis/upcall.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

static volatile sig_atomic_t count, last;
static jmp_buf back;
static void *volatile address;

static void note(int signal)
{
    count++;
    last = signal;
}

static void jump(int signal)
{
    last = signal;
    longjmp(back, 1);
}

static void test_raise(void)
{
    sigset_t set, pending;
    signal(SIGUSR1, note);
    tap(raise(SIGUSR1) == 0 && count == 1 && last == SIGUSR1 && kill(getpid(), SIGUSR1) == 0 &&
            count == 2,
        "signals_raise");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigpending(&pending);
    int held = count == 2 && sigismember(&pending, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    tap(held && count == 3, "signals_blocked");
    signal(SIGUSR1, SIG_IGN);
    tap(raise(SIGUSR1) == 0 && count == 3, "signals_ignored");
    tap(signal(SIGKILL, note) == SIG_ERR && errno == EINVAL && raise(-1) == -1 &&
            kill(9999, 0) == -1,
        "signals_errors");
}

static void skip(int signal, siginfo_t *information, void *context)
{
    last = signal;
    address = information->si_addr;
    ((ucontext_t *)context)->uc_mcontext.__gregs[REG_PC] += 4;
}

/* A handler returns behind the access; registers, floating point too, are as they were. */
static void test_fault(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    volatile double product = 1.5;
    action.sa_sigaction = skip;
    sigaction(SIGSEGV, &action, NULL);
    register long kept __asm__("s5") = 12345;
    __asm__ volatile(".option push\n.option norvc\nsd %0, 0(%1)\n.option pop"
                     : "+r"(kept)
                     : "r"(0x12345678UL)
                     : "memory");
    product *= 2;
    tap(last == SIGSEGV && (unsigned long)address == 0x12345678 && kept == 12345 && product == 3.0,
        "signals_fault_skipped");
    signal(SIGSEGV, jump);
    last = 0;
    if (setjmp(back) == 0)
        *(volatile int *)1 = 0;
    tap(last == SIGSEGV, "signals_fault_longjmp");
    signal(SIGILL, jump);
    if (setjmp(back) == 0)
        __asm__ volatile(".word 0");
    tap(last == SIGILL, "signals_illegal");
    signal(SIGTRAP, jump);
    if (setjmp(back) == 0)
        __asm__ volatile("ebreak");
    tap(last == SIGTRAP, "signals_breakpoint");
    last = 0;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setjmp(back) == 0)
        ((void (*)(void))0x40000000)();
    tap(last == SIGSEGV, "signals_wild_jump");
    /* what main and what the image forbid */
    sigprocmask(SIG_SETMASK, &none, NULL);
    last = 0;
    if (setjmp(back) == 0)
        *(volatile int *)(void *)test_fault = 1;
    tap(last == SIGSEGV, "signals_text_is_read_only");
}

__attribute__((naked, section(".pinned.text"))) static void count_breakpoint(void)
{
    __asm__ volatile(".option push\n.option norelax\n"
                     "ld sp, %0(gp)\n"
                     "addi sp, sp, 4\n"
                     "j aegis_upcall_return\n"
                     ".option pop"
                     :
                     : "i"(U_EXC_PC));
}

static void test_upcall(void)
{
    long kept = 77;
    tap(aegis_upcall_set(CAUSE_BREAKPOINT, count_breakpoint) == 0 &&
            aegis_upcall_set(16, NULL) == -1,
        "upcall_set");
    for (int i = 0; i < 1000; i++)
        __asm__ volatile(".option push\n.option norvc\nebreak\n.option pop" : "+r"(kept));
    aegis_upcall_set(CAUSE_BREAKPOINT, NULL);
    tap(kept == 77, "upcall_handler_skips");
}

static void test_time(void)
{
    struct timespec before, after, wanted = {0, 20000000}, wrong = {0, -1};
    clock_gettime(CLOCK_MONOTONIC, &before);
    int slept = nanosleep(&wanted, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    tap(slept == 0 && ms >= 20 && ms < 2000, "time_nanosleep");
    tap(nanosleep(&wrong, NULL) == -1 && errno == EINVAL && clock_gettime(99, &before) == -1,
        "time_errors");
    struct aegis_predicate holds = {AEGIS_NONE, AEGIS_EQ, 8, AEGIS_EXPOSED_OFFSET(magic),
                                    AEGIS_MAGIC};
    struct aegis_predicate never = {AEGIS_NONE, AEGIS_EQ, 8, AEGIS_EXPOSED_OFFSET(magic), 0};
    struct aegis_predicate both[2] = {never, holds};
    struct aegis_predicate wrong_one = {AEGIS_NONE, AEGIS_EQ, 3, 0, 0};
    unsigned long now;
    __asm__ volatile("rdtime %0" : "=r"(now));
    tap(thread_wait(both, 2, 0) == 1, "wait_holds_already");
    tap(thread_wait(&never, 1, now + 1000) == AEGIS_WAKE_TIMEOUT &&
            thread_wait(&never, 1, 1) == AEGIS_WAKE_TIMEOUT,
        "wait_timeout");
    tap(thread_wait(&wrong_one, 1, 0) < -2, "wait_bad_predicate");
}

int main(void)
{
    test_raise();
    test_fault();
    test_upcall();
    test_time();
    return tap_failed;
}
