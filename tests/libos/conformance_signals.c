/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: errors, masks, restarts, queues, faults, stops. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "conformance.h"

static volatile sig_atomic_t count, last, value, order[8];
static volatile siginfo_t seen;

static void note(int signal)
{
    last = signal;
    if (count < 8)
        order[count] = signal;
    count++;
}

static void note_information(int signal, siginfo_t *information, void *context)
{
    (void)context;
    note(signal);
    memcpy((void *)&seen, information, sizeof seen);
}

static void catch(int signal, int flags)
{
    struct sigaction action = {.sa_flags = flags};

    if (flags & SA_SIGINFO)
        action.sa_sigaction = note_information;
    else
        action.sa_handler = note;
    sigaction(signal, &action, NULL);
    count = last = 0;
}

static sigset_t set_of(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    if (signal)
        sigaddset(&set, signal);
    return set;
}

static void test_errors(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigset_t set = set_of(0);

    tap(FAILS(sigaction(SIGKILL, &action, NULL), EINVAL) &
            FAILS(sigaction(SIGSTOP, &action, NULL), EINVAL) &
            FAILS(sigaction(0, &action, NULL), EINVAL) & FAILS(sigaction(-1, &action, NULL), EINVAL) &
            FAILS(sigaction(1000, &action, NULL), EINVAL) & GIVES(sigaction(SIGKILL, NULL, &action), 0),
        "sigaction_errors");
    tap(FAILS(sigprocmask(77, &set, NULL), EINVAL) & GIVES(sigprocmask(77, NULL, &set), 0),
        "sigprocmask_errors");
    tap(FAILS(sigaddset(&set, 0), EINVAL) & FAILS(sigaddset(&set, 1000), EINVAL) &
            FAILS(sigdelset(&set, -1), EINVAL) & FAILS(sigismember(&set, 1000), EINVAL),
        "sigset_errors");
    tap(FAILS(raise(1000), EINVAL) & FAILS(raise(-1), EINVAL) & GIVES(raise(0), 0), "raise_errors");
    tap((errno = 0, signal(1000, SIG_IGN) == SIG_ERR && errno == EINVAL) &
            (errno = 0, signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL),
        "signal_errors");
    union sigval v = {.sival_int = 1};
    tap(FAILS(sigqueue(getpid(), 1000, v), EINVAL) & FAILS(sigqueue(0x7ffffff, SIGUSR1, v), ESRCH) &
            GIVES(sigqueue(getpid(), 0, v), 0),
        "sigqueue_errors");
    struct timespec wrong = {0, 1000000000}, none = {0, 0};
    set = set_of(SIGUSR1);
    tap(FAILS(sigtimedwait(&set, NULL, &none), EAGAIN) & FAILS(sigtimedwait(&set, NULL, &wrong), EINVAL),
        "sigtimedwait_errors");
}

static void test_masks(void)
{
    sigset_t set = set_of(SIGUSR1), old, pending;

    catch(SIGUSR1, 0);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    sigpending(&pending);
    tap(count == 0 && sigismember(&pending, SIGUSR1), "blocked_is_pending");
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, &old, NULL);
    tap(count == 1, "pending_comes_once");
    set = set_of(SIGKILL);
    sigaddset(&set, SIGSTOP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &set);
    tap(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP), "sigkill_is_not_blocked");
    set = set_of(SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    tap(!sigismember(&pending, SIGUSR1), "ignoring_drops_what_is_pending");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    catch(SIGUSR1, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigset_t open = set_of(0);
    tap(FAILS(sigsuspend(&open), EINTR) && count == 1, "sigsuspend");
    sigprocmask(SIG_BLOCK, NULL, &pending);
    tap(sigismember(&pending, SIGUSR1), "sigsuspend_brings_the_mask_back");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static volatile int depth, deepest, entered;

static void nested(int signal)
{
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (++entered < 3)
        raise(signal);
    depth--;
}

static void test_actions(void)
{
    struct sigaction action = {.sa_handler = nested}, old;

    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    tap(deepest == 1 && entered == 3, "handler_blocks_its_signal");
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR2, &action, NULL);
    deepest = entered = 0;
    raise(SIGUSR2);
    tap(deepest == 3 && entered == 3, "sa_nodefer");
    catch(SIGUSR2, SA_RESETHAND);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &old);
    tap(count == 1 && old.sa_handler == SIG_DFL, "sa_resethand");
    catch(SIGUSR2, SA_SIGINFO);
    raise(SIGUSR2);
    tap(seen.si_signo == SIGUSR2 && seen.si_pid == getpid() && seen.si_uid == getuid(), "sa_siginfo");
    kill(getpid(), SIGUSR2);
    tap(seen.si_code == SI_USER && count == 2, "si_user");
    action = (struct sigaction){.sa_handler = note};
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGUSR2, NULL, &old);
    tap(sigismember(&old.sa_mask, SIGUSR1) && old.sa_handler == note, "sigaction_tells");
}

/* ---- interruption ---- */

static int reading[2];

static int pokes_the_parent(void)
{
    doze(30);
    kill(getppid(), SIGUSR1);
    doze(60);
    write(reading[1], "x", 1);
    return 0;
}

static pid_t poker(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(pokes_the_parent());
    return child;
}

static void test_restart(void)
{
    char byte;

    pipe(reading);
    catch(SIGUSR1, 0);
    pid_t child = poker();
    tap(FAILS(read(reading[0], &byte, 1), EINTR) && count == 1, "read_eintr");
    waitpid(child, NULL, 0);
    read(reading[0], &byte, 1);
    catch(SIGUSR1, SA_RESTART);
    child = poker();
    tap(GIVES(read(reading[0], &byte, 1), 1) && count == 1, "read_sa_restart");
    waitpid(child, NULL, 0);
    catch(SIGUSR1, SA_RESTART);
    child = poker();
    struct timespec left, long_time = {5, 0};
    tap(FAILS(nanosleep(&long_time, &left), EINTR) && left.tv_sec == 4, "nanosleep_eintr_even_so");
    waitpid(child, NULL, 0);
    catch(SIGUSR1, 0);
    child = poker();
    int status;
    pid_t got = waitpid(child, &status, 0);
    tap(got == -1 && errno == EINTR, "waitpid_eintr");
    waitpid(child, NULL, 0);
    catch(SIGUSR1, 0);
    child = poker();
    tap(FAILS(pause(), EINTR), "pause_eintr");
    waitpid(child, NULL, 0);
    signal(SIGUSR1, SIG_IGN);
    read(reading[0], &byte, 1);
    read(reading[0], &byte, 1);
    read(reading[0], &byte, 1);
    child = poker();
    tap(GIVES(read(reading[0], &byte, 1), 1), "ignored_signal_interrupts_nothing");
    waitpid(child, NULL, 0);
    close(reading[0]);
    close(reading[1]);
}

/* ---- queues ---- */

static void test_queue(void)
{
    sigset_t set = set_of(SIGRTMIN);
    union sigval v;
    siginfo_t information;
    int queued = 0, good = 1;

    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (v.sival_int = 1; v.sival_int <= 3; v.sival_int++)
        sigqueue(getpid(), SIGRTMIN + 1, v);
    v.sival_int = 9;
    sigqueue(getpid(), SIGRTMIN, v);
    tap(sigwaitinfo(&set, &information) == SIGRTMIN && information.si_value.sival_int == 9,
        "lowest_signal_first");
    for (int i = 1; i <= 3; i++)
        good &= sigwaitinfo(&set, &information) == SIGRTMIN + 1 &&
                information.si_value.sival_int == i && information.si_code == SI_QUEUE;
    tap(good, "queued_in_order");
    while (queued < 100000 && sigqueue(getpid(), SIGRTMIN, v) == 0)
        queued++;
    tap(queued >= 32 && (queued == 100000 || errno == EAGAIN), "sigqueue_eagain");
    struct timespec none = {0, 0};
    int got = 0;
    while (sigtimedwait(&set, NULL, &none) == SIGRTMIN)
        got++;
    tap(got == queued && GIVES(sigqueue(getpid(), SIGRTMIN, v), 0) && sigwaitinfo(&set, NULL) == SIGRTMIN,
        "sigqueue_goes_on");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- faults ---- */

static sigjmp_buf back;

static void leap(int signal, siginfo_t *information, void *context)
{
    note_information(signal, information, context);
    siglongjmp(back, 1);
}

static void test_faults(void)
{
    struct sigaction action = {.sa_sigaction = leap, .sa_flags = SA_SIGINFO};
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    if (!sigsetjmp(back, 1))
        *(volatile char *)NULL_PAGE = 1;
    tap(seen.si_signo == SIGSEGV && seen.si_addr == NULL_PAGE && seen.si_code == SEGV_MAPERR,
        "sigsegv_maperr");
    if (!sigsetjmp(back, 1))
        page[5] = 1;
    tap(seen.si_signo == SIGSEGV && seen.si_addr == page + 5 && seen.si_code == SEGV_ACCERR,
        "sigsegv_accerr");
    if (!sigsetjmp(back, 1))
        (void)*(volatile char *)FAR;
    tap(seen.si_addr == FAR, "sigsegv_far");
    int fd = open("/tmp/short", O_RDWR | O_CREAT | O_TRUNC, 0644);
    ftruncate(fd, 100);
    volatile char *file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!sigsetjmp(back, 1))
        (void)file[5000];
    tap(seen.si_signo == SIGBUS && seen.si_addr == file + 5000, "sigbus_behind_the_file");
    close(fd);
    unlink("/tmp/short");
    munmap((void *)file, 8192);
    munmap((void *)page, 4096);
    if (!sigsetjmp(back, 1))
#ifdef __riscv
        __asm__ volatile(".word 0");
#else
        raise(SIGILL);
#endif
    tap(seen.si_signo == SIGILL, "sigill");
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    signal(SIGILL, SIG_DFL);
}

/* ---- another stack ---- */

static char stack[65536];
static volatile int on_stack;

static void look_at_stack(int signal)
{
    char here;
    (void)signal;
    on_stack = &here >= stack && &here < stack + sizeof stack;
}

static void test_stack(void)
{
    stack_t s = {.ss_sp = stack, .ss_size = sizeof stack}, old, small = {.ss_sp = stack, .ss_size = 16},
            wrong = {.ss_sp = stack, .ss_size = sizeof stack, .ss_flags = 0x7000};
    struct sigaction action = {.sa_handler = look_at_stack, .sa_flags = SA_ONSTACK};

    tap(FAILS(sigaltstack(&small, NULL), ENOMEM) & FAILS(sigaltstack(&wrong, NULL), EINVAL),
        "sigaltstack_errors");
    sigaltstack(&s, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    tap(on_stack, "sa_onstack");
    s.ss_flags = SS_DISABLE;
    tap(GIVES(sigaltstack(&s, &old), 0) && old.ss_sp == stack, "sigaltstack_tells");
    on_stack = 0;
    raise(SIGUSR1);
    tap(!on_stack, "sigaltstack_disabled");
}

/* ---- stops, children, fork ---- */

static void test_stops(void)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    tap(GIVES(waitpid(child, &status, WUNTRACED), child) && WIFSTOPPED(status) &&
            WSTOPSIG(status) == SIGSTOP,
        "stopped");
    kill(child, SIGTERM);
    doze(30);
    tap(GIVES(waitpid(child, &status, WNOHANG), 0), "stopped_hears_nothing");
    kill(child, SIGCONT);
    tap(GIVES(waitpid(child, &status, 0), child) && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
        "continued_hears_it");
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    kill(child, SIGKILL);
    tap(GIVES(waitpid(child, &status, 0), child) && WTERMSIG(status) == SIGKILL, "sigkill_ends_a_stopped");
}

static void test_sigchld(void)
{
    catch(SIGCHLD, SA_SIGINFO);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(5);
    while (!count)
        doze(5);
    tap(seen.si_signo == SIGCHLD && seen.si_pid == child && seen.si_code == CLD_EXITED &&
            seen.si_status == 5,
        "sigchld_information");
    waitpid(child, NULL, 0);
    catch(SIGCHLD, SA_NOCLDSTOP);
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    tap(count == 0, "sa_nocldstop");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    signal(SIGCHLD, SIG_DFL);
}

static int pending_is_not_inherited(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGUSR1);
}

static void test_fork(void)
{
    sigset_t set = set_of(SIGUSR1);

    catch(SIGUSR1, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    alarm(100);
    tap(child_well(pending_is_not_inherited), "fork_clears_pending");
    tap(alarm(0) >= 99, "alarm_tells_what_was_left");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_timers(void)
{
    struct itimerval t = {.it_value = {0, 20000}}, old, wrong = {.it_value = {0, 1000000}};

    tap(FAILS(setitimer(77, &t, NULL), EINVAL) & FAILS(setitimer(ITIMER_REAL, &wrong, NULL), EINVAL) &
            FAILS(getitimer(77, &old), EINVAL) & FAILS(getitimer(ITIMER_REAL, NULL_PAGE), EFAULT),
        "setitimer_errors");
    catch(SIGALRM, 0);
    setitimer(ITIMER_REAL, &t, NULL);
    while (!count)
        pause();
    tap(last == SIGALRM, "setitimer");
    t.it_interval = t.it_value;
    setitimer(ITIMER_REAL, &t, NULL);
    count = 0;
    while (count < 3)
        doze(10);
    t = (struct itimerval){0};
    tap(GIVES(setitimer(ITIMER_REAL, &t, &old), 0) && old.it_interval.tv_usec == 20000,
        "setitimer_interval");
}

static void test_bad_pointers(void)
{
    struct timespec none = {0, 0};
    timer_t timer;
    sigset_t set;

    sigemptyset(&set);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"null_page_efault", "far_efault", "kernel_efault"};
        void *bad = (void *[]){NULL_PAGE, FAR, KERNEL}[i];
        tap(FAILS(sigpending(bad), EFAULT) & FAILS(sigsuspend(bad), EFAULT) & FAILS(sigtimedwait(bad, NULL, &none), EFAULT) &
                FAILS(sigtimedwait(&set, NULL, bad), EFAULT) & FAILS(sigwaitinfo(bad, NULL), EFAULT) &
                GIVES(sigwait(bad, &i), EFAULT) & FAILS(sigaltstack(bad, NULL), EFAULT) & FAILS(sigaltstack(NULL, bad), EFAULT) &
                FAILS(timer_create(CLOCK_MONOTONIC, NULL, bad), EFAULT) & FAILS(timer_create(CLOCK_MONOTONIC, bad, &timer), EFAULT),
            names[i]);
    }
}

int main(void)
{
    test_errors();
    test_masks();
    test_actions();
    test_restart();
    test_queue();
    test_faults();
    test_stack();
    test_stops();
    test_sigchld();
    test_fork();
    test_timers();
    test_bad_pointers();
    return tap_failed;
}
