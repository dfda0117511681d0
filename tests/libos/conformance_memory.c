/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: what the calls refuse, and what happens when there is no more. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "conformance.h"

#define PAGE 4096UL

#define MAPS_NOT(call, error)                                                                      \
    ({                                                                                             \
        errno = 0;                                                                                 \
        void *result_ = (call);                                                                    \
        (result_ == MAP_FAILED && errno == (error)) || complain((long)result_, #call, __LINE__);   \
    })

static char *anonymous(size_t size, int rights)
{
    return mmap(NULL, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void test_mmap(void)
{
    int fd = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0644), r, w, p[2];

    write(fd, "0123456789", 10);
    r = open("/tmp/mapped", O_RDONLY);
    w = open("/tmp/mapped", O_WRONLY);
    pipe(p);
    tap(MAPS_NOT(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL) &
            MAPS_NOT(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL) &
            MAPS_NOT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, -1, 0), EBADF) &
            MAPS_NOT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 99, 0), EBADF) &
            MAPS_NOT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100), EINVAL) &
            MAPS_NOT(mmap((void *)100, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL),
        "mmap_einval");
    tap(MAPS_NOT(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0), EACCES) &
            MAPS_NOT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, w, 0), EACCES) &
            MAPS_NOT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV),
        "mmap_eacces");
    tap(MAPS_NOT(mmap(NULL, SIZE_MAX / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM) &
            MAPS_NOT(mmap(NULL, SIZE_MAX - PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM),
        "mmap_enomem");
    char *both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *own;
    own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0);
    char byte = 0;
    both[1] = 'X';
    own[2] = 'Y';
    tap(pread(fd, &byte, 1, 1) == 1 && byte == 'X' && both[2] == '2' && own[3] == '3' && own[10] == 0,
        "mmap_shared_and_private");
    close(fd);
    close(r);
    close(w);
    unlink("/tmp/mapped");
    tap(both[1] == 'X' && own[2] == 'Y', "mmap_outlives_the_file");
    munmap(both, PAGE);
    munmap(own, PAGE);
    close(p[0]);
    close(p[1]);
}

static void test_unmap(void)
{
    char *m = anonymous(4 * PAGE, PROT_READ | PROT_WRITE);

    tap(FAILS(munmap(m + 1, PAGE), EINVAL) & FAILS(munmap(m, 0), EINVAL) &
            FAILS(munmap(m, SIZE_MAX / 2 + 1), EINVAL),
        "munmap_einval");
    m[0] = m[3 * PAGE] = 'k';
    tap(GIVES(munmap(m + PAGE, 2 * PAGE), 0) & (m[0] == 'k') & (m[3 * PAGE] == 'k') &
            GIVES(munmap(m + PAGE, PAGE), 0) & GIVES(munmap(m, 4 * PAGE), 0),
        "munmap_holes");
}

static void test_protect(void)
{
    char *m = anonymous(3 * PAGE, PROT_READ | PROT_WRITE);
    int fd = open("/tmp/readonly", O_RDONLY | O_CREAT, 0644);

    munmap(m + PAGE, PAGE);
    tap(FAILS(mprotect(m + 1, PAGE, PROT_READ), EINVAL) & FAILS(mprotect(m, PAGE, 0x7000), EINVAL) &
            FAILS(mprotect(m, 3 * PAGE, PROT_READ), ENOMEM) & FAILS(mprotect(m + PAGE, PAGE, PROT_READ), ENOMEM) &
            GIVES(mprotect(m + 2 * PAGE, PAGE, PROT_NONE), 0),
        "mprotect_errors");
    char *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    tap(FAILS(mprotect(file, PAGE, PROT_READ | PROT_WRITE), EACCES), "mprotect_eacces");
    munmap(file, PAGE);
    close(fd);
    unlink("/tmp/readonly");
    tap(FAILS(msync(m + 1, PAGE, MS_SYNC), EINVAL) & FAILS(msync(m, PAGE, MS_SYNC | MS_ASYNC), EINVAL) &
            FAILS(msync(m + PAGE, PAGE, MS_SYNC), ENOMEM),
        "msync_errors");
    tap(FAILS(madvise(m + 1, PAGE, MADV_NORMAL), EINVAL) & FAILS(madvise(m, PAGE, 7777), EINVAL) &
            GIVES(posix_madvise(m, PAGE, 7777), EINVAL) & GIVES(posix_madvise(m, PAGE, POSIX_MADV_WILLNEED), 0),
        "madvise_errors");
    tap(FAILS(mlock(m + PAGE, PAGE), ENOMEM) & FAILS(munlock(m + PAGE, PAGE), ENOMEM) &
            FAILS(mlockall(0), EINVAL) & FAILS(mlockall(0x7000), EINVAL),
        "mlock_errors");
    munmap(m, 3 * PAGE);
}

static void test_shm(void)
{
    struct stat s;

    tap(FAILS(shm_open("/none", O_RDWR, 0), ENOENT) & FAILS(shm_unlink("/none"), ENOENT), "shm_open_errors");
    int fd = shm_open("/conformance", O_RDWR | O_CREAT | O_EXCL, 0600);
    tap(fd >= 0 && FAILS(shm_open("/conformance", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST) &&
            GIVES(ftruncate(fd, 2 * PAGE), 0) && GIVES(fstat(fd, &s), 0) && s.st_size == 2 * PAGE,
        "shm_open");
    char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        strcpy(m + PAGE, "from the child");
        _exit(0);
    }
    waitpid(child, NULL, 0);
    tap(!strcmp(m + PAGE, "from the child"), "shm_shared_by_fork");
    munmap(m, 2 * PAGE);
    close(fd);
    tap(GIVES(shm_unlink("/conformance"), 0), "shm_unlink");
}

/* ---- copy on write ---- */

static void test_fork(void)
{
    enum { PAGES = 200 };
    char *m = anonymous(PAGES * PAGE, PROT_READ | PROT_WRITE);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0, good = 1;

    for (int i = 0; i < PAGES; i++)
        m[i * PAGE] = (char)i;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < PAGES; i++) {
            good &= m[i * PAGE] == (char)i;
            m[i * PAGE] = 'c';
        }
        shared[0] = 's';
        _exit(!good);
    }
    for (int i = 0; i < PAGES; i += 2)
        m[i * PAGE] = 'p';
    waitpid(child, &status, 0);
    for (int i = 0; i < PAGES; i++)
        good &= m[i * PAGE] == (i % 2 ? (char)i : 'p');
    tap(good && status == 0 && shared[0] == 's', "fork_copies_on_write");
    munmap(m, PAGES * PAGE);
    munmap(shared, PAGE);
}

/* ---- running out ---- */

static void test_malloc(void)
{
    tap((errno = 0, !malloc(SIZE_MAX / 2)) && errno == ENOMEM, "malloc_enomem");
    tap((errno = 0, !calloc(SIZE_MAX / 2, 4)) && errno == ENOMEM, "calloc_overflow");
    void *m = NULL;
    tap(GIVES(posix_memalign(&m, 3, 100), EINVAL) & GIVES(posix_memalign(&m, 2, 100), EINVAL) &
            GIVES(posix_memalign(&m, 4096, 100), 0) & !((uintptr_t)m & 4095),
        "posix_memalign_errors");
    free(m);
    char *kept = malloc(100);
    strcpy(kept, "kept");
    tap((errno = 0, !realloc(kept, SIZE_MAX / 2)) && errno == ENOMEM && !strcmp(kept, "kept"), "realloc_enomem");
    free(kept);
}

/* Takes and touches memory until there is none, all in a child; its verdict. */
static int takes_all(void)
{
    enum { BLOCK = 1 << 20, MOST = 4096 };
    static char *blocks[MOST];
    int count = 0;

    while (count < MOST && (blocks[count] = malloc(BLOCK))) {
        for (size_t i = 0; i < BLOCK; i += PAGE)
            blocks[count][i] = 1;
        count++;
    }
    if (count == MOST || count < 8 || errno != ENOMEM)
        return 1;
    /* the little that is left must do for this, and what is given back must be there again */
    for (int i = 0; i < count; i += 2)
        free(blocks[i]);
    char *again = malloc(2 * BLOCK / 4);
    if (!again)
        return 2;
    memset(again, 2, 2 * BLOCK / 4);
    return 0;
}

static int takes_all_twice(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(takes_all());
    int own = takes_all(), status = -1;
    waitpid(child, &status, 0);
    /* two at once: one may find too little, none may die of it */
    return own > 2 || !WIFEXITED(status);
}

static void test_out_of_memory(void)
{
    int status = status_of(takes_all);
    tap(WIFEXITED(status) && WEXITSTATUS(status) == 0, "out_of_memory");
    printf("# status %x\n", status);
    status = status_of(takes_all_twice);
    tap(WIFEXITED(status) && WEXITSTATUS(status) == 0, "out_of_memory_two_at_once");
    printf("# status %x\n", status);
    char *m = malloc(4 << 20);
    tap(m && memset(m, 1, 4 << 20) == m, "out_of_memory_goes_on");
    free(m);
}

static int limited(void)
{
    struct rlimit limit = {16 << 20, 16 << 20};

    setrlimit(RLIMIT_AS, &limit);
    return !MAPS_NOT(mmap(NULL, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
}

static int recurses(int n)
{
    volatile char frame[4000];
    frame[0] = (char)n;
    return n > 100000000 ? 0 : recurses(n + 1) + frame[0];
}

static int overflows(void)
{
    return recurses(0);
}

int main(int argc, char **argv)
{
    (void)argv;
    test_mmap();
    test_unmap();
    test_protect();
    test_shm();
    test_fork();
    test_malloc();
    tap(child_well(limited), "rlimit_as");
    int status = status_of(overflows);
    tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "stack_overflow_is_sigsegv");
    if (argc == 1)
        test_out_of_memory();
    return tap_failed;
}
