/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX's calls about memory that is nobody's file: places, splitting, rights, and every errno. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "tap.h"

#define PAGE 4096UL
#define ANY  (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static sigjmp_buf back;
static void *volatile fault_address;
static volatile int fault_code, fault_signal;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    fault_signal = signal;
    fault_address = info->si_addr;
    fault_code = info->si_code;
    siglongjmp(back, 1);
}

static int read_faults(volatile char *p)
{
    fault_signal = 0;
    if (sigsetjmp(back, 1) == 0)
        (void)*p;
    return fault_signal;
}

static int write_faults(volatile char *p)
{
    fault_signal = 0;
    if (sigsetjmp(back, 1) == 0)
        *p = 1;
    return fault_signal;
}

static int refused(const void *result, int error)
{
    int good = result == MAP_FAILED && errno == error;
    errno = 0;
    return good;
}

static void errors(void)
{
    char *p = mmap(0, 4 * PAGE, RW, ANY, -1, 0);

    tap(refused(mmap(0, 0, RW, ANY, -1, 0), EINVAL), "mmap_length_0");
    tap(refused(mmap(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL) &&
            refused(mmap(0, PAGE, RW, MAP_ANONYMOUS | MAP_PRIVATE | MAP_SHARED, -1, 0), EINVAL),
        "mmap_neither_shared_nor_private");
    tap(refused(mmap(0, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF) ||
            refused(mmap(0, PAGE, RW, MAP_PRIVATE, -1, 0), ENODEV),
        "mmap_bad_descriptor");
    tap(refused(mmap(p + 1, PAGE, RW, ANY | MAP_FIXED, -1, 0), EINVAL), "mmap_fixed_not_aligned");
    tap(refused(mmap(0, 1UL << 50, RW, ANY, -1, 0), ENOMEM), "mmap_more_than_there_are_addresses");
    tap(refused(mmap((void *)0x3fe00000, PAGE, RW, ANY | MAP_FIXED, -1, 0), ENOMEM) &&
            refused(mmap((void *)0x3fc0000000, PAGE, RW, ANY | MAP_FIXED, -1, 0), ENOMEM),
        "mmap_fixed_where_nobody_may");
    tap(munmap(p + 1, PAGE) == -1 && errno == EINVAL && munmap(p, 0) == -1 && errno == EINVAL,
        "munmap_errors");
    tap(mprotect(p + 1, PAGE, RW) == -1 && errno == EINVAL &&
            mprotect(p, 1UL << 50, RW) == -1 && errno == ENOMEM,
        "mprotect_errors");
    munmap(p + PAGE, PAGE);
    tap(mprotect(p, 4 * PAGE, PROT_READ) == -1 && errno == ENOMEM, "mprotect_hole");
    tap(msync(p, 4 * PAGE, MS_SYNC) == -1 && errno == ENOMEM && msync(p, PAGE, MS_SYNC) == 0 &&
            msync(p, PAGE, MS_SYNC | MS_ASYNC) == -1 && errno == EINVAL,
        "msync_errors");
    tap(mlock(p, 4 * PAGE) == -1 && errno == ENOMEM && mlock(p, PAGE) == 0 &&
            msync(p, PAGE, MS_INVALIDATE) == -1 && errno == EBUSY && munlock(p, PAGE) == 0 &&
            msync(p, PAGE, MS_INVALIDATE) == 0,
        "mlock_and_msync");
    tap(madvise(p, PAGE, 77) == -1 && errno == EINVAL &&
            posix_madvise(p, 4 * PAGE, POSIX_MADV_NORMAL) == ENOMEM,
        "madvise_errors");
    munmap(p, 4 * PAGE);
}

static void places(void)
{
    char *p = mmap(0, 8 * PAGE, RW, ANY, -1, 0), *q;

    memset(p, 7, 8 * PAGE);
    tap(munmap(p + 2 * PAGE, 2 * PAGE) == 0 && p[0] == 7 && p[8 * PAGE - 1] == 7 &&
            read_faults(p + 2 * PAGE) == SIGSEGV && fault_code == SEGV_MAPERR &&
            fault_address == p + 2 * PAGE,
        "munmap_splits");
    q = mmap(p + 2 * PAGE, PAGE, RW, ANY, -1, 0);
    tap(q == p + 2 * PAGE && *q == 0, "mmap_hint");
    tap(refused(mmap(p, PAGE, RW, ANY | MAP_FIXED_NOREPLACE, -1, 0), EEXIST), "mmap_noreplace");
    q = mmap(p, 8 * PAGE, PROT_READ, ANY | MAP_FIXED, -1, 0);
    tap(q == p && p[0] == 0 && p[7 * PAGE] == 0 && write_faults(p) == SIGSEGV &&
            fault_code == SEGV_ACCERR,
        "mmap_fixed_replaces");
    munmap(p, 8 * PAGE);
    /* more regions than any fixed number */
    int good = 1;
    char *many = mmap(0, 4000 * PAGE, PROT_NONE, ANY, -1, 0);
    for (int i = 0; i < 4000 && good; i += 2)
        good = mmap(many + i * PAGE, PAGE, RW, ANY | MAP_FIXED, -1, 0) == many + i * PAGE;
    for (int i = 0; i < 4000 && good; i += 100)
        many[i * PAGE] = (char)(i / 100);
    for (int i = 0; i < 4000 && good; i += 100)
        good = many[i * PAGE] == (char)(i / 100) && read_faults(many + (i + 1) * PAGE) == SIGSEGV;
    tap(good && munmap(many, 4000 * PAGE) == 0, "mmap_4000_regions");
}

static void rights(void)
{
    char *p = mmap(0, 600 * PAGE, RW, ANY, -1, 0);

    p[0] = p[PAGE] = p[2 * PAGE] = 1;
    tap(mprotect(p + PAGE, PAGE, PROT_READ) == 0 && p[PAGE] == 1 && write_faults(p) == 0 &&
            write_faults(p + PAGE) == SIGSEGV && fault_address == p + PAGE &&
            fault_code == SEGV_ACCERR && write_faults(p + 2 * PAGE) == 0,
        "mprotect_one_page");
    tap(mprotect(p + 5 * PAGE, PAGE, PROT_NONE) == 0 && read_faults(p + 5 * PAGE) == SIGSEGV &&
            read_faults(p + 4 * PAGE) == 0 && read_faults(p + 6 * PAGE) == 0,
        "mprotect_before_the_first_touch");
    tap(mprotect(p, 600 * PAGE, RW) == 0 && write_faults(p + 5 * PAGE) == 0 &&
            write_faults(p + PAGE) == 0 && p[PAGE] == 1,
        "mprotect_all_again");
    tap(mprotect(p + 10 * PAGE, 580 * PAGE, PROT_READ) == 0 && write_faults(p + 300 * PAGE) == SIGSEGV &&
            write_faults(p + 9 * PAGE) == 0 && write_faults(p + 590 * PAGE) == 0,
        "mprotect_many");
    munmap(p, 600 * PAGE);
    unsigned *code = mmap(0, PAGE, RW | PROT_EXEC, ANY, -1, 0);
    code[0] = 0x02a00513; /* li a0, 42 */
    code[1] = 0x00008067; /* ret */
    __asm__ volatile("fence.i");
    tap(((int (*)(void))code)() == 42, "mmap_code_runs");
    munmap(code, PAGE);
}

static void advice(void)
{
    unsigned char there[4];
    char *p = mmap(0, 4 * PAGE, RW, ANY, -1, 0);

    p[PAGE] = 5;
    tap(mincore(p, 4 * PAGE, there) == 0 && !there[0] && there[1] && !there[2], "mincore");
    tap(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0 && p[PAGE] == 0, "madvise_dontneed");
    p[PAGE] = 5;
    tap(posix_madvise(p, 4 * PAGE, POSIX_MADV_DONTNEED) == 0 && p[PAGE] == 5,
        "posix_madvise_keeps_contents");
    tap(madvise(p, 4 * PAGE, MADV_WILLNEED) == 0 && mincore(p, 4 * PAGE, there) == 0 && there[0] &&
            there[3],
        "madvise_willneed");
    tap(mincore(p, 4 * PAGE, (void *)8) == -1 && errno == EFAULT, "mincore_bad_pointer");
    munmap(p, 4 * PAGE);
    p = mmap(0, 4 * PAGE, RW, ANY | MAP_POPULATE, -1, 0);
    tap(mincore(p, 4 * PAGE, there) == 0 && there[0] && there[3], "mmap_populate");
    munmap(p, 4 * PAGE);
}

static void moving(void)
{
    char *p = mmap(0, 4 * PAGE, RW, ANY, -1, 0), *q;

    p[0] = 1;
    p[3 * PAGE] = 4;
    q = mremap(p, 4 * PAGE, 2 * PAGE, 0);
    tap(q == p && p[0] == 1 && read_faults(p + 3 * PAGE) == SIGSEGV, "mremap_shrinks");
    char *wall = mmap(p + 3 * PAGE, PAGE, RW, ANY | MAP_FIXED, -1, 0);
    tap(refused(mremap(p, 2 * PAGE, 8 * PAGE, 0), ENOMEM) && p[0] == 1, "mremap_no_room");
    q = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    tap(q != MAP_FAILED && q != p && q[0] == 1 && q[7 * PAGE] == 0, "mremap_moves");
    munmap(wall, PAGE);
    munmap(q, 8 * PAGE);
}

static void limits(void)
{
    struct rlimit old, small = {1 << 20, RLIM_INFINITY};
    uint64_t before = AEGIS_EXPOSED_STATE->free_pages;

    if (getrlimit(RLIMIT_AS, &old) == 0 && setrlimit(RLIMIT_AS, &small) == 0) {
        tap(refused(mmap(0, 4 << 20, RW, ANY, -1, 0), ENOMEM) && !malloc(4 << 20),
            "rlimit_as");
        setrlimit(RLIMIT_AS, &old);
    }
    tap(refused(mmap(0, (before + 1000) * PAGE, RW, ANY, -1, 0), ENOMEM), "mmap_more_than_there_is");
    for (int i = 0; i < 1000; i++) {
        char *p = mmap(0, 3 * PAGE, RW, ANY, -1, 0);
        p[0] = p[2 * PAGE] = 1;
        if (i % 3)
            mprotect(p + PAGE, PAGE, PROT_READ);
        munmap(p, 3 * PAGE);
    }
    tap(before - AEGIS_EXPOSED_STATE->free_pages < 8, "mmap_nothing_leaks");
    char *end = sbrk(0);
    tap(sbrk(10 * PAGE) == end && memset(end, 9, 10 * PAGE) && brk(end) == 0 && sbrk(0) == end &&
            sbrk(10 * PAGE) == end && end[0] == 0 && end[9 * PAGE] == 0 && brk(end) == 0,
        "brk_back_and_forth");
}

static int carried;

static int count(uintptr_t va, struct page_entry *e, void *argument)
{
    (void)va, (void)e, (void)argument;
    carried++;
    return 0;
}

static void replacing(void)
{
    char *p = mmap(0, 100 * PAGE, RW, ANY, -1, 0);
    int pages, good = 1;

    for (int i = 0; i < 100; i++)
        p[i * PAGE] = (char)i;
    pager_each(count, 0);
    pages = carried;
    tap(pager_set(&pager_inverted) == 0 && pager_now() == &pager_inverted, "pager_set");
    carried = 0;
    pager_each(count, 0);
    tap(carried >= pages && carried < pages + 4, "pager_set_carries_all_over");
    for (int i = 0; i < 100; i++)
        good &= p[i * PAGE] == (char)i && (p[i * PAGE + 1] = 3);
    tap(good && munmap(p + 50 * PAGE, 50 * PAGE) == 0 && read_faults(p + 70 * PAGE) == SIGSEGV &&
            mprotect(p, PAGE, PROT_NONE) == 0 && read_faults(p) == SIGSEGV,
        "pager_inverted_works");
    tap(pager_set(&pager_radix) == 0 && p[PAGE] == 1 && read_faults(p) == SIGSEGV &&
            munmap(p, 50 * PAGE) == 0,
        "pager_set_back");
    uint64_t before = AEGIS_EXPOSED_STATE->free_pages;
    for (int i = 0; i < 20; i++)
        good &= !pager_set(&pager_inverted) && !pager_set(&pager_radix);
    tap(good && before - AEGIS_EXPOSED_STATE->free_pages < 8, "pager_set_again_and_again");
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    errors();
    places();
    rights();
    advice();
    moving();
    limits();
    replacing();
    return tap_failed;
}
