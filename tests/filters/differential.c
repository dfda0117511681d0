/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random expressions and frames: our compiler of pcap-filter's language, merged, compiled and run, against libpcap's
 * compiler and interpreter. They must agree, but for one thing: libpcap gives up at the first load beyond the frame's end,
 * where one of our alternatives may still match; so a frame that is shorter than its headers say is ours to take.
 *
 * usage: differential CASES [SEED [LIST]]
 */
#include <pcap/pcap.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpf/pcap.h"
#include "tests/host/dpf_run.h"

#define FRAMES 64 /* to each expression */

static unsigned long state, matches;

static unsigned draw(unsigned n)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(state >> 33) % n;
}

static const char *pick(const char *const *words, unsigned count)
{
    return words[draw(count)];
}
#define PICK(...) pick((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void say(char *text, const char *format, ...)
{
    va_list arguments;
    size_t n = strlen(text);

    va_start(arguments, format);
    vsnprintf(text + n, 1024 - n, format, arguments);
    va_end(arguments);
}

/* ---- expressions ---- */

static void accessor(char *text)
{
    static const unsigned sizes[] = {1, 2, 4};
    const char *protocol = PICK("ether", "ip", "ip6", "arp", "tcp", "udp", "icmp");
    unsigned size = sizes[draw(3)];

    say(text, "%s[%u:%u] ", protocol, draw(16), size);
    if (draw(2))
        say(text, "& %u ", 1 + draw(255));
    say(text, "%s %u", PICK("=", "!=", "<", ">", "<=", ">="), draw(4) ? draw(4) : draw(70));
}

static void primitive(char *text)
{
    const char *direction = PICK("", "src ", "dst ", "src or dst ", "src and dst ");

    switch (draw(12)) {
    case 0:
        say(text, "%s", PICK("ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "sctp"));
        break;
    case 1:
        say(text, "%s%shost 10.0.0.%u", PICK("", "ip ", "arp "), direction, draw(3));
        break;
    case 2:
        say(text, "%snet %s", direction, PICK("10.0.0.0/24", "10.0.0.0/30", "10", "10.1", "10.0.0.0 mask 255.255.0.0"));
        break;
    case 3:
        say(text, "%s%sport %u", PICK("", "tcp ", "udp "), direction, 80 + draw(3));
        break;
    case 4:
        say(text, "%s%sportrange %u-%u", PICK("", "tcp ", "udp "), direction, 78 + draw(3), 81 + draw(3));
        break;
    case 5:
        say(text, "ether %shost 02:00:00:00:00:0%u", direction, draw(3));
        break;
    case 6:
        say(text, "%s proto %u", PICK("ip", "ip6"), draw(2) ? 6 : 17);
        break;
    case 7:
        say(text, "ip6 %shost fe80::%u", direction, draw(3));
        break;
    case 8: /* what stands by itself is of the kind before it */
        say(text, "%shost 10.0.0.%u %s 10.0.0.%u", direction, draw(3), PICK("or", "and not"), draw(3));
        break;
    case 9:
        say(text, "%s%sport %u or %u", PICK("", "tcp ", "udp "), direction, 80 + draw(3), 80 + draw(3));
        break;
    case 10:
        say(text, "tcp[tcpflags] & (%s|%s) %s", PICK("tcp-syn", "tcp-ack"), PICK("tcp-fin", "tcp-rst", "tcp-push"), PICK("!= 0", "= 0", "= tcp-ack"));
        break;
    default:
        accessor(text);
    }
}

static void expression(char *text, unsigned depth)
{
    if (draw(8) == 0)
        say(text, "not ");
    if (depth && draw(3)) {
        say(text, "(");
        expression(text, depth - 1);
        say(text, " %s ", PICK("and", "or"));
        expression(text, depth - 1);
        say(text, ")");
    } else {
        primitive(text);
    }
}

/* ---- frames ---- */

static void put(unsigned at, unsigned width, unsigned long value)
{
    for (unsigned i = 0; i < width; i++)
        frame[at + i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

static void random_frame(void)
{
    static const unsigned types[] = {0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x1234}, protocols[] = {6, 17, 1, 132, 58, 44};

    memset(frames, 0, sizeof frames);
    frame_length = 14 + 32 + 15 + 4 + draw(40); /* the farthest load of an accessor: the longest IPv4 header, [15:4] behind it */
    for (unsigned i = 0; i < frame_length; i++)
        frame[i] = draw(3) ? 0 : (uint8_t)draw(90);
    put(0, 6, 0x020000000000 + draw(3));
    put(6, 6, 0x020000000000 + draw(3));
    unsigned type = types[draw(8)], header = draw(4) ? 5 : 5 + draw(4);
    put(12, 2, type);
    if (type == 0x0800) {
        put(14, 1, 0x40 + header);
        put(20, 2, draw(6) ? 0 : draw(3));
        put(23, 1, protocols[draw(6)]);
        put(26, 4, draw(4) ? 0x0a000000 + draw(4) : 0x0a010000 + draw(4));
        put(30, 4, draw(4) ? 0x0a000000 + draw(4) : 0x0a010000 + draw(4));
        put(14 + 4 * header, 2, 78 + draw(6));
        put(16 + 4 * header, 2, 78 + draw(6));
    } else if (type == 0x86dd) {
        put(20, 1, protocols[draw(6)]);
        memset(frame + 22, 0, 32);
        put(22, 2, 0xfe80);
        put(38, 2, 0xfe80);
        frame[37] = (uint8_t)draw(3);
        frame[53] = (uint8_t)draw(3);
        put(54, 2, draw(2) ? 78 + draw(6) : 0x0600);
        put(56, 2, 78 + draw(6));
    } else {
        put(28, 4, 0x0a000000 + draw(4));
        put(38, 4, 0x0a000000 + draw(4));
    }
}

/* The frame is made to match a filter, as far as it reaches; now and then all but one of its atoms. */
static void satisfy(const struct dpf_filter *f)
{
    unsigned base = 0, spared = draw(3) ? DPF_ATOMS : draw(f->count);

    frame[14] = frame[18] = 0x45; /* whichever may be IPv4's: its header is in the frame */
    for (unsigned i = 0; i < f->count; i++) {
        const struct dpf_atom *a = &f->atom[i];
        unsigned at = base + a->offset;
        uint64_t field = 0, value = a->low;
        if (at + a->width > frame_length)
            return;
        for (unsigned k = 0; k < a->width; k++)
            field = field << 8 | frame[at + k];
        if (a->kind == DPF_SHIFT) {
            base += (unsigned)((field & a->mask) << a->left) + a->add;
            continue;
        }
        if (a->kind == DPF_RANGE && a->high > a->low)
            value += draw(3) ? draw((unsigned)(a->high - a->low)) : a->high - a->low;
        if (i != spared)
            put(at, a->width, (field & ~a->mask) | (value & a->mask));
    }
}

/* ---- one expression ---- */

static bool install(const struct pcap_filters *f)
{
    setup();
    for (unsigned i = 0; i < f->count; i++) {
        int error = dpf_insert(&d, &f->filter[i], 0);
        dpf_commit(&d), dpf_reclaim(&d);
        if (error && error != DPF_DUPLICATE) {
            printf("# dpf_insert: %d\n", error);
            return false;
        }
    }
    return true;
}

/* An IPv4 header that says to be so long that what is loaded behind it may not be there. */
static bool is_short(void)
{
    for (unsigned at = 14; at <= 18; at += 4)
        if (frame[at - 2] == 8 && frame[at - 1] == 0 && at + 4 * (frame[at] & 15U) + 19 > frame_length)
            return true;
    return false;
}

static bool same(const char *text, const struct pcap_filters *f, struct bpf_program *program)
{
    struct pcap_pkthdr header = {.caplen = (unsigned)frame_length, .len = (unsigned)frame_length};
    bool theirs = pcap_offline_filter(program, &header, frame), ours = classify(NULL) != 0, plain = false;

    for (unsigned i = 0; i < f->count; i++)
        plain |= dpf_match(&f->filter[i], frame, frame_length);
    matches += ours;
    if ((theirs == ours || (ours && is_short())) && ours == plain)
        return true;
    printf("# \"%s\": libpcap %d, compiled %d, interpreted %d; frame", text, theirs, ours, plain);
    for (unsigned i = 0; i < frame_length; i++)
        printf(" %02x", frame[i]);
    printf("\n");
    return false;
}

static bool agree(const char *text, struct pcap_filters *f, struct bpf_program *program, unsigned frames)
{
    if (!install(f))
        return false;
    for (unsigned i = 0; i < frames; i++) {
        random_frame();
        if (f->count && draw(2))
            satisfy(&f->filter[draw(f->count)]);
        if (!same(text, f, program))
            return false;
    }
    return true;
}

/* 1: agreed, 0: did not, -1: not a case (we say that it is not taken, or libpcap does). */
static int try(pcap_t *pcap, struct pcap_filters *f, unsigned long *cases)
{
    char text[1024] = "";
    struct bpf_program program;

    expression(text, draw(4));
    /* Not optimised: "(ether src host X or arp) and (ether src and dst host X and rarp)" would take ARP (libpcap 1.10.3). */
    if (pcap_compile(pcap, &program, text, 0, PCAP_NETMASK_UNKNOWN))
        return -1;
    int good = pcap_compile_filters(text, f) ? -1 : agree(text, f, &program, FRAMES);
    *cases += good > 0 ? FRAMES : 0;
    pcap_freecode(&program);
    return good;
}

/* ---- a list of expressions ---- */

/* `taken` ones mean what libpcap means, and can match; `refused` ones are refused with a word why. */
static bool listed(pcap_t *pcap, struct pcap_filters *f, const char *line)
{
    const char *text = strchr(line, '\t');
    bool wanted = !strncmp(line, "taken", 5);
    struct bpf_program program;

    if (!text++)
        return false;
    matches = 0;
    int error = pcap_compile_filters(text, f);
    if (error || !wanted) {
        if (!error != wanted || strlen(f->message) < 8)
            printf("# \"%s\": %s\n", text, error ? f->message : "is taken");
        return !error == wanted && strlen(f->message) >= 8;
    }
    if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN)) {
        printf("# \"%s\": libpcap: %s\n", text, pcap_geterr(pcap));
        return false;
    }
    bool good = agree(text, f, &program, 4000);
    pcap_freecode(&program);
    if (good && !matches)
        printf("# \"%s\": no frame matched\n", text);
    return good && matches;
}

static int list(pcap_t *pcap, struct pcap_filters *f, const char *name)
{
    FILE *file = fopen(name, "r");
    char line[1024];
    int good = file != NULL, count = 0;

    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (*line == '#' || !*line)
            continue;
        count++;
        good &= listed(pcap, f, line);
    }
    printf("# %d expressions\n%s %s\n", count, good && count ? "ok" : "not ok",
           "what the manual page of libpcap shows is taken and means the same, or is refused");
    return good && count;
}

int main(int argc, char **argv)
{
    unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, cases = 0, left_out = 0, tried = 0;
    static struct pcap_filters f;
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
    int good = 1, shown = argc < 4 || list(pcap, &f, argv[3]);

    for (state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1; cases < wanted && good; tried++) {
        good = try(pcap, &f, &cases);
        left_out += good < 0;
    }
    printf("# %lu cases of %lu expressions; %lu more were not taken\n", cases, tried - left_out, left_out);
    printf("%s filters and libpcap agree\n", good ? "ok" : "not ok");
    pcap_close(pcap);
    return !good || !shown;
}
