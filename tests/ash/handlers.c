/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handlers FOLDER: each handler of apps/handlers, safe (NAME.ash) and without safety (NAME.elf), run on the same frames by the
 * interpreter: what the frame and the window hold must come out alike and be what it should; how many instructions each
 * took is told.
 */
#include <elf.h>

#include "ash_run.h"

#include "image.h"
#include "tests/unit/tap.h"

#define PLAIN_DATA 0x10000000UL /* where the code without safety has its variables */
#define FUEL       100000

static const char *folder;
static uint8_t *plain_code, *plain_data;
static uint64_t plain_entry, plain_words;
static unsigned woken, sent;
static uint64_t asked; /* for a later run: ticks */

static uint64_t answer(unsigned number, const uint64_t *arguments)
{
    woken += number == ASH_CALL_wake;
    if (number == ASH_CALL_send)
        sent = (unsigned)arguments[1];
    if (number == ASH_CALL_again)
        asked = arguments[0];
    return 0;
}

/* ---- the code without safety ---- */

static bool plain_touch(uint64_t at, unsigned bytes)
{
    return at - PLAIN_DATA <= ASH_WINDOW_MAX - bytes || run_where(at, bytes, run.frame, ASH_FRAME_SIZE, 0) > 0;
}

static bool plain_fetch(uint64_t at, unsigned bytes)
{
    return at - (uint64_t)plain_code <= 4 * plain_words - bytes;
}

static void plain_load(const char *name)
{
    char path[256];
    size_t size;

    snprintf(path, sizeof path, "%s/%s.elf", folder, name);
    uint8_t *file = image_read(path, &size);
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(file + head->e_shoff);
    if (!plain_data)
        plain_data = mmap((void *)PLAIN_DATA, ASH_WINDOW_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (plain_data != (uint8_t *)PLAIN_DATA)
        exit(3);
    memset(plain_data, 0, ASH_WINDOW_MAX);
    for (unsigned i = 0; i < head->e_shnum; i++)
        if (s[i].sh_type == SHT_PROGBITS && s[i].sh_addr == PLAIN_DATA) {
            memcpy(plain_data, file + s[i].sh_offset, s[i].sh_size);
        } else if (s[i].sh_type == SHT_PROGBITS && s[i].sh_flags & SHF_EXECINSTR) {
            plain_code = file + s[i].sh_offset;
            plain_words = s[i].sh_size / 4;
            plain_entry = head->e_entry - s[i].sh_addr;
        }
}

static uint64_t plain_run(struct rv64 *c, uint32_t length)
{
    run_registers(c, length, 0);
    c->pc = (uint64_t)plain_code + plain_entry;
    c->x[1] = RUN_TABLE;
    c->x[2] = PLAIN_DATA + ASH_WINDOW_MAX;
    c->readable = c->writable = plain_touch;
    c->executable = plain_fetch;
    for (;;) {
        if (c->pc - RUN_TABLE < 16 * ASH_CALL_END) {
            if (!run_entry(c))
                return c->x[10];
        } else if (!rv64_step(c)) {
            return ~0UL;
        }
    }
}

/* ---- frames ---- */

static uint8_t *at0(void)
{
    return run.frame + ASH_FRAME_START;
}

static void put(unsigned at, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        at0()[at + i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

static uint64_t get(unsigned at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | at0()[at + i];
    return value;
}

/* The one's complement sum of a part of the frame: 0xffff when a checksum in it is right. */
static uint32_t sum_of(unsigned at, unsigned end)
{
    uint32_t sum = 0;
    for (; at < end; at += 2)
        sum += (uint32_t)get(at, 2);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void ip_frame(unsigned protocol, unsigned length)
{
    memset(run.frame, 0, ASH_FRAME_SIZE);
    put(0, 6, 0x020000000001);
    put(6, 6, 0x020000000002);
    put(12, 2, 0x0800);
    put(14, 4, 0x45000000 | (length - 14));
    put(22, 2, 0x4000 | protocol);
    put(26, 4, 0x0a000002);
    put(30, 4, 0x0a000001);
    put(34, 4, 0x12345678);
    put(24, 2, (uint16_t)~sum_of(14, 34));
    if (protocol == 17) {
        put(38, 2, length - 34);
        for (unsigned i = 42; i < length; i++)
            at0()[i] = (uint8_t)(i * 7);
    }
}

static bool turned(bool ports)
{
    return get(0, 6) == 0x020000000002 && get(6, 6) == 0x020000000001 && get(26, 4) == 0x0a000001 && get(30, 4) == 0x0a000002 &&
           (!ports || get(34, 4) == 0x56781234) && sum_of(14, 34) == 0xffff;
}

/* ---- both ---- */

static struct ash_code code;
static uint64_t verdict, safe_count, plain_count;
static uint64_t safe_all, plain_all;

static bool begin(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s.ash", folder, name);
    plain_load(name);
    run.call = answer;
    safe_count = plain_count = 0;
    return image_load(path, &code);
}

/* What the owner wrote, for both. */
static void shared(unsigned at, const void *data, unsigned size)
{
    memcpy(run.window + at, data, size);
    memcpy(plain_data + at, data, size);
}

/* The frame that stands there through both. False: they differ, or one did not end. */
static bool both(uint32_t length, unsigned data)
{
    static uint8_t before[ASH_FRAME_SIZE], after[ASH_FRAME_SIZE];
    struct rv64 safe, plain;
    uint64_t plain_verdict;

    memcpy(before, run.frame, sizeof before);
    plain_verdict = plain_run(&plain, length);
    memcpy(after, run.frame, sizeof after);
    memcpy(run.frame, before, sizeof before);
    if (run_handler(&safe, length, FUEL) != RUN_ENDED)
        return false;
    verdict = safe.x[10];
    safe_count += safe.count;
    plain_count += plain.count;
    return verdict == plain_verdict && !memcmp(run.frame, after, sizeof after) && !memcmp(run.window, plain_data, data);
}

static void tell(const char *name, bool good)
{
    printf("# %-10s %5lu instructions, %5lu without safety: %.3f\n", name, safe_count, plain_count, (double)safe_count / (double)plain_count);
    safe_all += safe_count;
    plain_all += plain_count;
    tap(good, name);
}

static void udp_echo(void)
{
    bool good = begin("udp_echo");
    ip_frame(17, 64);
    tell("udp_echo answers", good && both(64, 8) && verdict == ASH_SEND && turned(true) && get(42, 1) == (uint8_t)(42 * 7));
    ip_frame(6, 64);
    bool passed = both(64, 8) && verdict == ASH_PASS && both(20, 8) && verdict == ASH_PASS && both(0, 8) && verdict == ASH_PASS;
    ip_frame(17, 64);
    put(20, 2, 0x2000); /* a fragment */
    tap(passed && both(64, 8) && verdict == ASH_PASS, "and passes what is no datagram, or not one whole");
}

static void icmp_echo(void)
{
    bool good = begin("icmp_echo");
    ip_frame(1, 98);
    put(34, 8, 0x0800000012340001);
    put(36, 2, (uint16_t)~sum_of(34, 98));
    tell("icmp_echo answers", good && both(98, 8) && verdict == ASH_SEND && turned(false) && get(34, 2) == 0 && sum_of(34, 98) == 0xffff);
    tap(both(98, 8) && verdict == ASH_PASS, "and passes an answer");
}

static bool message(uint64_t what, uint64_t number, uint64_t value, uint64_t before)
{
    ip_frame(17, 60);
    put(42, 4, what);
    put(46, 4, number);
    put(50, 4, value);
    return both(60, 256) && verdict == ASH_SEND && turned(true) && get(50, 4) == before;
}

static void increment(void)
{
    bool good = begin("increment");
    good &= message(1, 5, 3, 0) && message(1, 5, 4, 3) && message(4, 5, 0, 7) && message(2, 63, 77, 0) && message(2, 63, 78, 77) &&
            message(3, 63, 78, 77) && message(3, 63, 77, 77) && message(4, 63, 0, 0);
    tell("increment adds, locks and unlocks", good);
    tap(!message(1, 64, 1, 0) && verdict == ASH_DROP && !message(1, 0xffffffff, 1, 0) && verdict == ASH_DROP, "and drops what names no counter");
}

static void kv_get(void)
{
    static struct { uint64_t key[2], value[8], used, spare[5]; } entry;
    bool good = begin("kv_get");
    uint64_t bucket;

    ip_frame(17, 64);
    put(42, 4, 0x67657420);
    memcpy(entry.key, at0() + 46, 16);
    bucket = (entry.key[0] ^ entry.key[1]) * 0x9e3779b97f4a7c15 >> 56;
    for (unsigned i = 0; i < 64; i++)
        ((uint8_t *)entry.value)[i] = (uint8_t)(200 + i);
    entry.used = 1;
    shared((unsigned)(64 + (bucket + 1) % 256 * 128), &entry, sizeof entry);
    sent = 0;
    good &= both(64, 32768) && verdict == ASH_DROP && sent == 110 && turned(true) && !memcmp(at0() + 46, entry.value, 64) && get(38, 2) == 76;
    tell("kv_get answers", good);
    ip_frame(17, 64);
    put(42, 4, 0x67657420);
    put(46, 1, 1);
    tap(both(64, 32768) && verdict == ASH_PASS, "and passes what it has not");
}

static void balance(void)
{
    struct { uint64_t count; struct { uint32_t address; uint16_t mac[3], spare; uint32_t frames; } server[16]; } servers = {.count = 4};
    bool good = begin("balance");
    unsigned used = 0;

    for (unsigned i = 0; i < 16; i++) {
        servers.server[i].address = 0x0500000a + (i << 24);
        for (unsigned n = 0; n < 3; n++)
            servers.server[i].mac[n] = (uint16_t)(i + n);
    }
    shared(0, &servers, sizeof servers);
    for (unsigned i = 0; i < 64; i++) {
        ip_frame(17, 64);
        put(34, 2, 1000 + i * 77);
        put(40, 2, (uint16_t)~(sum_of(26, 40) + 17 + 30 + sum_of(42, 64)));
        uint32_t sum = sum_of(26, 64);
        good &= both(64, sizeof servers) && verdict == ASH_SEND && sum_of(14, 34) == 0xffff && get(30, 4) - 0x0a000005 < 4 &&
                get(6, 6) == 0x020000000001 && sum_of(26, 64) == sum;
        used |= 1U << (get(30, 4) & 15);
    }
    tell("balance rewrites and forwards", good && used == 0x1e0);
}

/* Three heartbeats of 20 milliseconds: runs with no frame build what the question's header asks for. */
static void beat(void)
{
    uint64_t shared_words[2] = {10000, 0};
    bool good = begin("beat");

    shared(0, shared_words, sizeof shared_words);
    ip_frame(17, 50);
    put(42, 4, 3);
    put(46, 4, 20);
    sent = 0;
    good &= both(50, 8) && verdict == ASH_DROP && asked == 200000 && sent == 0;
    for (unsigned left = 3; left--;) {
        memset(run.frame, 0xaa, ASH_FRAME_SIZE);
        sent = woken = 0;
        good &= both(0, 16) && sent == 50 && turned(true) && get(42, 4) == left && get(40, 2) == 0 && asked == (left ? 200000 : ~0UL) && (woken > 0) == !left;
    }
    ip_frame(17, 60);
    tell("beat asks for its next run, and not behind the last", good && *(uint64_t *)(run.window + 8) == 3 && both(60, 16) && verdict == ASH_PASS);
}

static void sample(void)
{
    bool good = begin("sample");
    woken = 0;
    for (unsigned i = 0; i < 1024; i++) {
        ip_frame(i & 1 ? 17 : 6, 64 + i % 1000);
        good &= both(64 + i % 1000, 1232) && verdict == ASH_PASS;
    }
    tell("sample counts", good && woken == 2 && *(uint64_t *)run.window == 1024 && ((uint32_t *)(run.window + 16 + 192))[17] == 512);
}

static void gather(void)
{
    bool good = begin("gather");
    const uint8_t *to = run.window + 24 + 8 * 100;

    for (unsigned length = 46; length < 1518; length += 97) {
        ip_frame(17, length);
        put(42, 4, 100);
        good &= both(length, 18456) && verdict == ASH_DROP;
        for (unsigned i = 0; i + 4 <= length - 46; i += 4)
            good &= *(uint32_t *)(to + i) == get(46 + i, 4);
        good &= (uint32_t)(*(uint64_t *)(run.window + 16) & 0xff) == (sum_of(46, 46 + (length - 46 + 1) / 2 * 2) >> 8);
    }
    ip_frame(17, 1518);
    put(42, 4, 2047);
    good &= both(1518, 18456) && verdict == ASH_DROP;
    put(42, 4, 2048);
    tell("gather puts, sums and turns", good && both(1518, 18456) && verdict == ASH_PASS);
}

static bool segment(uint32_t sequence, uint32_t acknowledged, unsigned flags, unsigned data)
{
    ip_frame(6, 54 + data);
    put(38, 4, sequence);
    put(42, 4, acknowledged);
    put(46, 2, 0x5000 | flags);
    sent = 0;
    return both(54 + data, 1048) && verdict == ASH_DROP;
}

/* What went out is a TCP segment as it should be. */
static bool answered(uint32_t acknowledged, unsigned flags, unsigned data)
{
    uint32_t sum = sum_of(26, 54 + data) + 6 + 20 + data;

    return sent == 54 + data && turned(true) && get(42, 4) == acknowledged && get(46, 2) == (0x5000 | flags) && get(16, 2) == 40 + data &&
           (sum & 0xffff) + (sum >> 16) == 0xffff;
}

static void tcp(void)
{
    static struct { uint64_t count[2]; uint32_t secret, length; char text[1024]; } server = {.secret = 77, .length = 36, .text = "HTTP/1.0 200 OK\r\n\r\nhello from a h\n"};
    bool good = begin("tcp");
    uint32_t ours;

    shared(0, &server, sizeof server);
    good &= segment(1000, 0, 2, 0) && answered(1001, 0x12, 0);
    ours = (uint32_t)get(38, 4) + 1;
    good &= segment(1001, ours, 0x10, 0) && sent == 0;
    good &= segment(1001, ours, 0x18, 16) && answered(1017, 0x19, 36) && get(38, 4) == ours && !memcmp(at0() + 54, server.text, 36);
    good &= segment(1017, ours + 37, 0x11, 0) && answered(1018, 0x10, 0) && get(38, 4) == ours + 37;
    good &= segment(5, 5, 4, 0) && sent == 0;
    tell("tcp serves a connection", good && *(uint64_t *)run.window == 1 && ((uint64_t *)run.window)[1] == 1);
    ip_frame(6, 60);
    put(46, 1, 0x40);
    tap(both(60, 1048) && verdict == ASH_DROP && (put(46, 1, 0xf0), both(60, 1048)) && verdict == ASH_DROP, "and drops headers that cannot be");
}

static void list(void)
{
    uint64_t sum = 0;
    uint8_t seen[64] = {0};
    bool good = begin("list");

    ip_frame(17, 200);
    for (unsigned i = 0; i < 16; i++)
        sum += i * i;
    for (unsigned i = 0; i < 200; i++)
        seen[at0()[i] % 64]++;
    for (unsigned i = 0; i < 8; i++)
        sum += (uint64_t)seen[at0()[i] % 64] << i;
    good &= run_handler(&(struct rv64){0}, 200, FUEL) == RUN_ENDED && *(uint64_t *)run.window == sum && *(uint64_t *)(at0() + 14) == sum;
    tap(good && ((uint64_t *)run.window)[1] == 16, "pointers out of memory are followed, a table on the stack is indexed");
    ((uint64_t *)run.window)[2] = 0x8000000000000000 | 24; /* the owner put nonsense there */
    tap(run_handler(&(struct rv64){0}, 200, FUEL) == RUN_ENDED, "pointers that point anywhere lead into the window");
    ((uint64_t *)run.window)[3] = (uint64_t)run.window + 24;
    ((uint64_t *)run.window)[2] = (uint64_t)run.window + 24;
    struct rv64 c;
    tap(run_handler(&c, 200, FUEL) == RUN_ENDED && c.x[10] == ASH_SPENT && c.count <= FUEL + 2048, "a list that is a ring ends when fuel does");
}

/* One pass over 1,500 bytes against three. */
static void passes(void)
{
    uint64_t count[2], left[2][193];
    bool good = true;

    for (unsigned i = 0; i < 2; i++) {
        struct rv64 c;
        char path[256];
        snprintf(path, sizeof path, "%s/%s.ash", folder, i ? "three" : "one");
        good &= image_load(path, &code);
        for (unsigned n = 0; n < 1536; n++)
            run.window[8 + n] = (uint8_t)(n * n + 3);
        good &= run_handler(&c, 0, FUEL) == RUN_ENDED;
        count[i] = c.count;
        left[i][0] = *(uint64_t *)run.window;
        memcpy(&left[i][1], run.window + 8 + 1536, 1504);
    }
    uint32_t sum = 0;
    for (unsigned n = 0; n < 1500; n += 2)
        sum += (uint16_t)((uint8_t)(n * n + 3) | (uint8_t)((n + 1) * (n + 1) + 3) << 8);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    good &= left[0][0] == sum && !memcmp(left[0], left[1], 189 * 8) && ((uint8_t *)&left[0][1])[0] == (uint8_t)(1 + 3);
    tap(good, "one pass and three copy, sum and turn alike");
    printf("# ash_dilp %.3f of 0.6 (%lu instructions, %lu in three passes)\n", (double)count[0] / (double)count[1], count[0], count[1]);
    tap(count[0] * 10 <= count[1] * 6, "ash_dilp: one pass takes at most 0.6 times the instructions of three");
}

int main(int count, char **argument)
{
    if (count != 2)
        return 2;
    folder = argument[1];
    udp_echo();
    icmp_echo();
    increment();
    kv_get();
    balance();
    beat();
    sample();
    gather();
    tcp();
    list();
    passes();
    printf("# ash_overhead %.3f of 1.25\n", (double)safe_all / (double)plain_all);
    tap(safe_all * 100 <= plain_all * 125, "ash_overhead: at most 1.25 times the instructions of the same C without safety");
    return tap_failed;
}
