/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shows the frames of the session's network stack: a line for each, or all as a capture for Wireshark. What the filter's
 * expression takes and what it does not is dpf/pcap.h's; it is looked at here, frame by frame.
 */
#include <aegis/exposed.h>
#include <aegis/tap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dpf/pcap.h"
#include "print.h"

#define FRAME_MAX 1518

static struct {
    unsigned long count, snap; /* 0: no end */
    FILE *file;                /* null: lines */
    bool bytes;
    bool all; /* no expression */
    struct pcap_filters filters;
} want = {.snap = FRAME_MAX, .all = true};

static volatile sig_atomic_t stopped;

/* A capture as libpcap's and Wireshark's; numbers are ours, which the magic number tells. */
struct capture {
    uint32_t magic;
    uint16_t major, minor;
    int32_t zone;
    uint32_t accuracy, snap, link;
};
struct capture_frame {
    uint32_t seconds, microseconds, captured, length;
};

static int usage(FILE *to, int status)
{
    fputs("usage: aegis-tap [-c COUNT] [-s BYTES] [-w FILE] [-x] [EXPRESSION]\n"
          "Shows frames of the network stack that this session's programs share, those that EXPRESSION (pcap-filter's language)\n"
          "matches. Frames of other sessions, and of programs with a ring of their own, are not to be seen: the kernel leads each\n"
          "frame to one endpoint only.\n"
          "  -c COUNT  end after so many\n"
          "  -s BYTES  keep so many of each\n"
          "  -w FILE   write them in pcap form, for Wireshark (-: standard output)\n"
          "  -x        print their bytes too\n"
          "On the host: scripts/run --net -- aegis-tap -w - | wireshark -k -i -\n", to);
    return status;
}

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static bool matches(const uint8_t *frame, unsigned size)
{
    for (uint32_t i = 0; i < want.filters.count; i++)
        if (dpf_match(&want.filters.filter[i], frame, size))
            return true;
    return want.all;
}

static bool number_take(const char *text, unsigned long most, unsigned long *to)
{
    char *end;

    *to = strtoul(text, &end, 10);
    return *text && !*end && *to && *to <= most;
}

/* When the machine's clock stood at 0, in microseconds. */
static uint64_t epoch;

static uint64_t microseconds(uint64_t ticks)
{
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz;
    return ticks / hz * 1000000 + ticks % hz * 1000000 / hz;
}

static void epoch_find(void)
{
    struct timespec now;
    uint64_t ticks;

    clock_gettime(CLOCK_REALTIME, &now);
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    epoch = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - microseconds(ticks);
}

static bool file_open(const char *name)
{
    const struct capture head = {0xa1b2c3d4, 2, 4, 0, 0, (uint32_t)want.snap, 1};

    want.file = strcmp(name, "-") ? fopen(name, "w") : stdout;
    return want.file && fwrite(&head, sizeof head, 1, want.file) == 1 && !fflush(want.file);
}

static bool frame_show(const struct tap_frame *f, const uint8_t *bytes, unsigned size)
{
    uint64_t at = epoch + microseconds(f->time);
    unsigned kept = size < want.snap ? size : (unsigned)want.snap;
    const struct capture_frame head = {(uint32_t)(at / 1000000), (uint32_t)(at % 1000000), kept, f->length};

    if (want.file)
        return fwrite(&head, sizeof head, 1, want.file) == 1 && fwrite(bytes, kept, 1, want.file) == 1;
    printf("%lu.%06lu %c ", (unsigned long)(at / 1000000 % 100000), (unsigned long)(at % 1000000), f->sent ? '>' : '<');
    frame_print(bytes, size);
    putchar('\n');
    if (want.bytes)
        frame_dump(bytes, kept);
    return !ferror(stdout);
}

static int watch(void)
{
    static uint8_t bytes[FRAME_MAX];
    unsigned long shown = 0, looked = 0;
    struct tap_frame f;

    while (!stopped && (!want.count || shown < want.count)) {
        ssize_t n = tap_next(&f, bytes, sizeof bytes);
        if (n < 0) {
            fflush(want.file ? want.file : stdout);
            tap_wait(0);
            continue;
        }
        looked++;
        if (!matches(bytes, (unsigned)n))
            continue;
        shown++;
        if (!frame_show(&f, bytes, (unsigned)n))
            return perror("aegis-tap"), 1;
    }
    bool failed = fflush(want.file ? want.file : stdout) || (want.file && fclose(want.file));
    fprintf(stderr, "%lu frames shown of %lu; %lu lost\n", shown, looked, (unsigned long)tap_lost());
    return failed;
}

static bool expression_take(int count, char **words)
{
    char text[2048] = "";

    for (int i = 0; i < count; i++) {
        if (strlen(text) + strlen(words[i]) + 2 > sizeof text)
            return fputs("aegis-tap: the expression is too long\n", stderr), false;
        strcat(strcat(text, i ? " " : ""), words[i]);
    }
    want.all = !count;
    if (count && pcap_compile_filters(text, &want.filters))
        return fprintf(stderr, "aegis-tap: %s: %s\n", text, want.filters.message), false;
    return true;
}

int main(int argc, char **argv)
{
    const char *file = NULL;

    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    for (int c; (c = getopt(argc, argv, "c:s:w:x")) != -1;)
        if (c == 'w')
            file = optarg;
        else if (c == 'x')
            want.bytes = true;
        else if (c == '?' || !number_take(optarg, c == 's' ? FRAME_MAX : ~0UL, c == 's' ? &want.snap : &want.count))
            return usage(stderr, 2);
    if (!expression_take(argc - optind, argv + optind))
        return 2;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int error = tap_begin();
    if (error)
        return fprintf(stderr, "aegis-tap: %s: scripts/run --net gives the machine a network\n", strerror(-error)), 1;
    epoch_find();
    if (file && !file_open(file))
        return perror(file), 1;
    fputs("aegis-tap: looking\n", stderr);
    return watch();
}
