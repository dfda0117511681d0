/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions that need nothing but the library: each result is POSIX's (the host's library gives the
 * same). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <complex.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmtmsg.h>
#include <ftw.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <netdb.h>
#include <monetary.h>
#include <pwd.h>
#include <search.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

static int splits(const char *path, const char *directory, const char *name)
{
    char a[64], b[64];
    return !strcmp(dirname(strcpy(a, path)), directory) && !strcmp(basename(strcpy(b, path)), name);
}

static void paths(void)
{
    char real[PATH_MAX];
    tap(splits("/usr/lib", "/usr", "lib") && splits("/usr/", "/", "usr") &&
            splits("usr", ".", "usr") && splits("/", "/", "/") && splits("a//b//", "a", "b") &&
            splits("", ".", "."),
        "library_dirname_basename");
    mkdir("/tmp/real", 0755);
    mkdir("/tmp/real/deep", 0755);
    symlink("real/deep", "/tmp/link");
    symlink("../loop", "/tmp/real/self");
    symlink("real/self", "/tmp/loop");
    tap(realpath("/tmp/link/../deep/.", real) && !strcmp(real, "/tmp/real/deep"),
        "library_realpath");
    tap(chdir("/tmp") == 0 && realpath("link", real) && !strcmp(real, "/tmp/real/deep"),
        "library_realpath_relative");
    tap(!realpath("/tmp/none", real) && errno == ENOENT && !realpath("", real) && errno == ENOENT &&
            !realpath(NULL, real) && errno == EINVAL && !realpath("/tmp/loop", real) &&
            errno == ELOOP,
        "library_realpath_errors");
}

static int seen, depth_seen, links_seen;

static int visit(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    seen++;
    links_seen += kind == FTW_SL;
    if (!strcmp(path, "/tmp/real/deep") && kind == FTW_DP)
        depth_seen = where->level == 1 && !strcmp(path + where->base, "deep");
    return 0;
}

static int stop(const char *path, const struct stat *status, int kind)
{
    (void)path, (void)status, (void)kind;
    return 7;
}

static int is_named_deep(const struct dirent *entry)
{
    return !strcmp(entry->d_name, "deep");
}

static void trees(void)
{
    struct dirent **entries;
    tap(nftw("/tmp/real", visit, 4, FTW_PHYS | FTW_DEPTH) == 0 && seen == 3 && depth_seen &&
            links_seen == 1,
        "library_nftw");
    tap(ftw("/tmp/real", stop, 4) == 7 && ftw("/tmp/none", stop, 4) == -1, "library_ftw_stops");
    int count = scandir("/tmp/real", &entries, NULL, alphasort);
    tap(count == 4 && !strcmp(entries[0]->d_name, ".") && !strcmp(entries[3]->d_name, "self"),
        "library_scandir");
    tap(scandir("/tmp/real", &entries, is_named_deep, NULL) == 1 &&
            !strcmp(entries[0]->d_name, "deep"),
        "library_scandir_chosen");
}

static int same6(const char *text, const char *back)
{
    struct in6_addr a;
    char to[INET6_ADDRSTRLEN];
    return inet_pton(AF_INET6, text, &a) == 1 && inet_ntop(AF_INET6, &a, to, sizeof to) &&
           !strcmp(to, back);
}

static int wrong6(const char *text)
{
    struct in6_addr a;
    return inet_pton(AF_INET6, text, &a) == 0;
}

static void addresses(void)
{
    struct in_addr a;
    tap(inet_aton("10.1.2.3", &a) && ntohl(a.s_addr) == 0x0a010203 && inet_aton("0x7f.1", &a) &&
            ntohl(a.s_addr) == 0x7f000001 && inet_aton("1.2.258", &a) &&
            ntohl(a.s_addr) == 0x01020102 && !inet_aton("1.2.3.256", &a) &&
            !inet_aton("1.2.3.4.5", &a) && !inet_aton("", &a),
        "library_inet_aton");
    tap(inet_pton(AF_INET, "1.2.3.4", &a) == 1 && !strcmp(inet_ntoa(a), "1.2.3.4") &&
            inet_pton(AF_INET, "1.2.3", &a) == 0 && inet_pton(AF_INET, "1.2.3.4x", &a) == 0 &&
            inet_pton(99, "x", &a) == -1 && errno == EAFNOSUPPORT,
        "library_inet_pton");
    tap(same6("::", "::") && same6("::1", "::1") && same6("1::", "1::") &&
            same6("fe80::1:0:0:2", "fe80::1:0:0:2") &&
            same6("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8") &&
            same6("::ffff:1.2.3.4", "::ffff:1.2.3.4") &&
            same6("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1") &&
            same6("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        "library_inet6");
    tap(wrong6("1:2:3") && wrong6(":::") && wrong6("1::2::3") && wrong6("12345::") &&
            wrong6("1:2:3:4:5:6:7:8:9") && wrong6("::1.2.3") && wrong6(":1::") && wrong6("1:"),
        "library_inet6_wrong");
}

static void names(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    char host[NI_MAXHOST], service[NI_MAXSERV];
    mkdir("/etc", 0755);
    FILE *f = fopen("/etc/hosts", "w");
    fputs("# of the test\n10.0.0.7 seven.example seven\n127.0.0.1\tlocalhost\n", f);
    fclose(f);
    struct hostent *h = gethostbyname("SEVEN");
    tap(h && !strcmp(h->h_name, "seven.example") && !memcmp(h->h_addr, "\x0a\0\0\x07", 4) &&
            !gethostbyname("eight") && h_errno == HOST_NOT_FOUND,
        "library_gethostbyname");
    struct servent *s = getservbyname("http", "tcp");
    tap(s && ntohs((uint16_t)s->s_port) == 80 && !getservbyname("http", "none") &&
            (s = getservbyport(htons(22), NULL)) && !strcmp(s->s_name, "ssh") &&
            getprotobyname("udp")->p_proto == 17,
        "library_getservbyname");
    int error = getaddrinfo("seven", "http", &hints, &found);
    struct sockaddr_in *in = error ? NULL : (struct sockaddr_in *)found->ai_addr;
    tap(in && !found->ai_next && in->sin_port == htons(80) &&
            ntohl(in->sin_addr.s_addr) == 0x0a000007,
        "library_getaddrinfo");
    tap(in &&
            !getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, service,
                         sizeof service, 0) &&
            !strcmp(host, "seven.example") && !strcmp(service, "http"),
        "library_getnameinfo");
    if (in)
        freeaddrinfo(found);
    hints = (struct addrinfo){.ai_flags = AI_NUMERICHOST};
    tap(getaddrinfo("seven", NULL, &hints, &found) == EAI_NONAME &&
            getaddrinfo(NULL, NULL, NULL, &found) == EAI_NONAME &&
            !getaddrinfo("::1", "7", NULL, &found) && found->ai_family == AF_INET6 &&
            found->ai_next,
        "library_getaddrinfo_numeric");
}

struct element {
    struct element *next, *previous;
};

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void tables(void)
{
    int list[4] = {5, 6}, six = 6, seven = 7;
    size_t count = 2;
    tap(lfind(&six, list, &count, sizeof *list, compare) == list + 1 &&
            !lfind(&seven, list, &count, sizeof *list, compare) &&
            lsearch(&seven, list, &count, sizeof *list, compare) == list + 2 && count == 3 &&
            list[2] == 7,
        "library_lsearch");
    struct element a, b, c;
    insque(&a, NULL);
    insque(&c, &a);
    insque(&b, &a);
    remque(&c);
    tap(a.next == &b && b.previous == &a && !b.next && !a.previous, "library_insque");
    char state[128], other[32];
    initstate(1, state, sizeof state);
    long first = random(), second = random();
    initstate(9, other, sizeof other);
    random();
    char *before = setstate(state);
    long third = random();
    srandom(1);
    tap(before == other && random() == first && random() == second && random() == third &&
            first != second,
        "library_random_state");
}

static void accounts(void)
{
    struct passwd user, *found;
    struct group *group;
    char text[512], tiny[4];
    rename("/etc/passwd", "/etc/passwd.away"); /* root alone is there then, and errno says nothing of the missing file */
    errno = 0;
    tap(!getpwnam("ann") && !errno && getpwnam("root") && getpwent() && !getpwent() && !errno, "library_getpwnam_without_a_file");
    mkdir("/etc", 0755);
    FILE *f = fopen("/etc/passwd", "w");
    fputs("root:x:0:0:root:/:/bin/sh\nbroken\nann:x:1000:100:Ann:/home/ann:/bin/sh\n", f);
    fclose(f);
    f = fopen("/etc/group", "w");
    fputs("root:x:0:\nusers:x:100:ann,bob\nempty:x:7:\nboth:x:8:ann\n", f);
    fclose(f);
    found = getpwnam("ann");
    tap(found && found->pw_uid == 1000 && found->pw_gid == 100 &&
            !strcmp(found->pw_dir, "/home/ann") && !getpwnam("nobody"),
        "library_getpwnam");
    tap(getpwuid_r(1000, &user, text, sizeof text, &found) == 0 && found == &user &&
            !strcmp(user.pw_name, "ann") && getpwuid_r(4, &user, text, sizeof text, &found) == 0 &&
            !found && getpwuid_r(0, &user, tiny, sizeof tiny, &found) == ERANGE,
        "library_getpwuid_r");
    setpwent();
    tap(getpwent() && (found = getpwent()) && found->pw_uid == 1000 && !getpwent(),
        "library_getpwent");
    endpwent();
    group = getgrnam("users");
    tap(group && group->gr_gid == 100 && !strcmp(group->gr_mem[1], "bob") && !group->gr_mem[2] &&
            (group = getgrgid(7)) && !group->gr_mem[0],
        "library_getgrnam");
    gid_t groups[4];
    int count = 4;
    tap(getgrouplist("ann", 100, groups, &count) == 2 && count == 2 && groups[1] == 8,
        "library_getgrouplist");
    count = 1;
    tap(getgrouplist("ann", 100, groups, &count) == -1 && count == 2, "library_getgrouplist_room");
    f = fopen("/tmp/mounts", "w");
    fputs("# none\nproc /proc proc rw,nosuid 0 0\nx /a\\040b ext4 ro 1 2\n", f);
    fclose(f);
    f = setmntent("/tmp/mounts", "r");
    struct mntent *mount = getmntent(f);
    int good = mount && !strcmp(mount->mnt_type, "proc") && hasmntopt(mount, "nosuid") &&
               !hasmntopt(mount, "no");
    mount = getmntent(f);
    tap(good && mount && !strcmp(mount->mnt_dir, "/a b") && mount->mnt_passno == 2 && !getmntent(f),
        "library_getmntent");
    endmntent(f);
}

static void texts(void)
{
    char text[64], *line = NULL;
    size_t size = 0;
    FILE *f = fopen("/tmp/lines", "w+");
    fputs("first\nsecond one that is longer\nlast", f);
    rewind(f);
    int good = getline(&line, &size, f) == 6 && !strcmp(line, "first\n") &&
               getdelim(&line, &size, 'd', f) == 6;
    flockfile(f);
    good = good && getline(&line, &size, f) == 20;
    funlockfile(f);
    tap(good && getline(&line, &size, f) == 4 && getline(&line, &size, f) == -1, "library_getline");
    fclose(f);
    tap(strfmon(text, sizeof text, "%!.2n|%!(#5.1n|%%", 1234.567, -12.34) > 0 &&
            !strcmp(text, "1234.57|(   12.3)|%"),
        "library_strfmon");
    tap(strfmon(text, 4, "%!n", 12345.0) == -1 && errno == E2BIG, "library_strfmon_room");
    tap(fmtmsg(MM_PRINT, "wrong label here", MM_ERROR, "t", "a", "g") == MM_NOTOK,
        "library_fmtmsg_label");
    long double complex z = csqrtl(-4), w = cexpl(clogl(3 + 4 * I));
    tap(creall(z) == 0 && cimagl(z) == 2 && cabsl(w - (3 + 4 * I)) < 1e-15L &&
            cabsl(ctanl(1 + I) - csinl(1 + I) / ccosl(1 + I)) < 1e-15L &&
            cabsl(ctanl(catanl(0.5L + 0.25L * I)) - (0.5L + 0.25L * I)) < 1e-15L,
        "library_complex_long");
}

static void times(void)
{
    struct tm when = {.tm_year = 70}, leap = {.tm_year = 100, .tm_mon = 1, .tm_mday = 30};
    when.tm_mday = 1;
    tap(timegm(&when) == 0 && when.tm_wday == 4 && timegm(&leap) == 951868800 && leap.tm_mon == 2 &&
            leap.tm_mday == 1,
        "library_timegm");
    when = (struct tm){.tm_year = 69, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23};
    tap(timegm(&when) == -3600, "library_timegm_before_1970");
    FILE *f = fopen("/tmp/templates", "w");
    fputs("%Y-%m-%d %H:%M:%S\n%d.%m.%Y\n", f);
    fclose(f);
    unsetenv("DATEMSK");
    int unset = !getdate("x") && getdate_err == 1;
    setenv("DATEMSK", "/tmp/templates", 1);
    struct tm *date = getdate("24.12.2026");
    int good = date && date->tm_mday == 24 && date->tm_mon == 11 && date->tm_year == 126 &&
               date->tm_wday == 4;
    tap(unset && good && !getdate("nonsense") && getdate_err == 7, "library_getdate");
}

static void limits(void)
{
    struct utsname name;
    struct rlimit limit;
    char path[64];
    void *block = NULL;
    tap(uname(&name) == 0 && !strcmp(name.machine, "riscv64"), "library_uname");
    tap(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_OPEN_MAX) >= 20 &&
            sysconf(_SC_VERSION) == 200809 &&
            sysconf(_SC_ASYNCHRONOUS_IO) == 200809 &&
            (errno = 0, sysconf(_SC_MESSAGE_PASSING) == -1 && !errno) && sysconf(-5) == -1 &&
            errno == EINVAL,
        "library_sysconf");
    tap(confstr(_CS_PATH, path, sizeof path) == strlen(path) + 1 &&
            confstr(_CS_PATH, path, 3) > 3 && strlen(path) == 2 &&
            (errno = 0, confstr(999, path, 3) == 0 && errno == EINVAL),
        "library_confstr");
    tap(getrlimit(RLIMIT_NOFILE, &limit) == 0 && getrlimit(99, &limit) == -1 && errno == EINVAL &&
            getrlimit(RLIMIT_CPU, (void *)8) == -1 && errno == EFAULT,
        "library_getrlimit");
    tap(posix_memalign(&block, 4096, 100) == 0 && !((unsigned long)block % 4096) &&
            posix_memalign(&block, 3, 1) == EINVAL,
        "library_posix_memalign");
    posix_spawnattr_t a;
    posix_spawn_file_actions_t actions;
    short flags;
    posix_spawnattr_init(&a);
    tap(posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGMASK) == 0 &&
            posix_spawnattr_getflags(&a, &flags) == 0 && flags == POSIX_SPAWN_SETSIGMASK &&
            posix_spawnattr_setflags(&a, 0x4000) == EINVAL &&
            posix_spawn_file_actions_init(&actions) == 0 &&
            posix_spawn_file_actions_addclose(&actions, -1) == EBADF &&
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
            posix_spawn_file_actions_destroy(&actions) == 0,
        "library_spawn_objects");
}

/* ---- contexts ---- */

static ucontext_t outer, inner;
static int steps, sum;

static void generator(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j)
{
    volatile double kept = 0.5;

    sum = a + 10 * b + c + d + e + f + g + h + 100 * i + 1000 * j;
    for (steps = 1; steps < 4; steps++) {
        kept *= 2;
        swapcontext(&inner, &outer);
    }
    steps = kept == 4 ? 100 : 0;
}

static void contexts(void)
{
    static char stack[16384];
    volatile int rounds = 0;
    sigset_t mask;
    double outside = 3;

    int given = getcontext(&inner);
    if (++rounds < 3)
        setcontext(&inner);
    tap(rounds == 3 && given == 0, "library_setcontext");
    getcontext(&inner);
    sigaddset(&inner.uc_sigmask, SIGUSR1);
    inner.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
    inner.uc_link = &outer;
    makecontext(&inner, (void (*)(void))generator, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    for (int i = 1; i < 4; i++) {
        swapcontext(&outer, &inner);
        outside *= 2;
        tap(steps == i, "library_swapcontext");
    }
    swapcontext(&outer, &inner);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    tap(steps == 100 && sum == 1 + 20 + 33 + 900 + 10000 && outside == 24 && !sigismember(&mask, SIGUSR1), "library_makecontext_to_its_end");
}

/* ---- random numbers ---- */

static unsigned ones(const unsigned char *p, size_t size)
{
    unsigned n = 0;
    for (size_t i = 0; i < size; i++)
        n += (unsigned)__builtin_popcount(p[i]);
    return n;
}

static void randoms(void)
{
    unsigned char a[4096], b[256], c[256];
    int ends[2], fd = open("/dev/urandom", O_RDONLY);

    tap(read(fd, a, sizeof a) == sizeof a && ones(a, sizeof a) > 16384 - 500 && ones(a, sizeof a) < 16384 + 500, "library_random_half_are_ones");
    tap(getentropy(a, 256) == 0 && getentropy(b, 256) == 0 && memcmp(a, b, 256) && memcmp(a, a + 64, 64), "library_random_never_again");
    tap(getentropy(a, 257) == -1 && errno == EIO, "library_getentropy_eio");
    pipe(ends);
    if (fork() == 0) {
        getentropy(b, 256);
        write(ends[1], b, 256);
        _exit(0);
    }
    tap(getentropy(b, 256) == 0 && read(ends[0], c, 256) == 256 && memcmp(b, c, 256), "library_random_differs_in_a_child");
    wait(NULL);
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    setenv("TZ", "UTC0", 1);
    paths();
    trees();
    addresses();
    names();
    tables();
    accounts();
    texts();
    times();
    limits();
    contexts();
    randoms();
    return tap_failed;
}
