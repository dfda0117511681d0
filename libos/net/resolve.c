/* SPDX-License-Identifier: BSD-2-Clause */
/* Names by DNS (RFC 1035): one question, asked of the server that the interface was told of. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <aegis/netstack.h>

#include "resolve.h"

#define TRIES   3
#define SECONDS 2 /* for each */
#define HEAD    12
#define LARGEST 512

struct question {
    uint8_t bytes[HEAD + 255 + 5];
    size_t size;
    uint16_t type;
};

static unsigned word_at(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

static in_addr_t server_find(void)
{
    const struct netstack *stack = aegis_netstack;
    struct aegis_interface found;

    for (unsigned i = 0; stack && stack->interface && !stack->interface(i, &found); i++)
        if (found.server4)
            return found.server4;
    return 0;
}

/* The name in labels. -1: it is none. */
static int question_make(struct question *q, const char *name, uint16_t type)
{
    size_t n = HEAD;

    memset(q, 0, sizeof *q);
    q->bytes[2] = 1; /* recursion is wanted */
    q->bytes[5] = 1; /* one question */
    while (*name) {
        size_t length = strcspn(name, ".");
        if (!length || length > 63 || n + length + 1 > HEAD + 253)
            return -1;
        q->bytes[n] = (uint8_t)length;
        memcpy(q->bytes + n + 1, name, length);
        n += length + 1;
        name += length;
        name += *name == '.';
    }
    if (n == HEAD)
        return -1;
    n++; /* the root */
    q->bytes[n + 1] = (uint8_t)type;
    q->bytes[n + 3] = 1; /* the Internet */
    q->size = n + 4;
    q->type = type;
    return 0;
}

/* Behind the name at `at`; 0: the answer ends in it. */
static size_t name_skip(const uint8_t *p, size_t size, size_t at)
{
    while (at < size && p[at]) {
        if (p[at] >= 0xc0)
            return at + 2 <= size ? at + 2 : 0;
        if (p[at] > 63)
            return 0;
        at += p[at] + 1U;
    }
    return at < size ? at + 1 : 0;
}

/* Is it the answer to this very question? */
static int is_answer(const struct question *q, const uint8_t *p, size_t size)
{
    return size >= q->size && !memcmp(p, q->bytes, 2) && (p[2] & 0xf8) == 0x80 &&
           word_at(p + 4) == 1 && !memcmp(p + HEAD, q->bytes + HEAD, q->size - HEAD);
}

/* The addresses in it, past names that are others' second ones. How many, or EAI_*. */
static int answer_read(const struct question *q, const uint8_t *p, size_t size, uint8_t (*out)[16],
                       int most)
{
    size_t at = q->size, bytes = q->type == RESOLVE_A ? 4 : 16;
    int count = 0;

    if ((p[3] & 15) == 3)
        return EAI_NONAME;
    if (p[3] & 15)
        return EAI_AGAIN;
    for (unsigned left = word_at(p + 6); left && count < most; left--) {
        at = name_skip(p, size, at);
        if (!at || size - at < 10)
            break;
        size_t length = word_at(p + at + 8);
        if (length > size - at - 10)
            break;
        if (word_at(p + at) == q->type && word_at(p + at + 2) == 1 && length == bytes)
            memcpy(out[count++], p + at + 10, bytes);
        at += 10 + length;
    }
    return count ? count : EAI_NONAME;
}

static int ask(int s, struct question *q, uint8_t (*out)[16], int most)
{
    uint8_t answer[LARGEST];

    for (unsigned i = 0; i < TRIES; i++) {
        if (getrandom(q->bytes, 2, 0) != 2 || send(s, q->bytes, q->size, 0) < 0)
            return EAI_AGAIN;
        for (unsigned others = 0; others < 64;
             others++) { /* what answers something else is passed over */
            ssize_t n = recv(s, answer, sizeof answer, 0);
            if (n < 0)
                break;
            if (is_answer(q, answer, (size_t)n))
                return answer_read(q, answer, (size_t)n, out, most);
        }
    }
    return EAI_AGAIN;
}

int network_resolve(const char *name, uint16_t type, uint8_t (*out)[16], int most)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = server_find()};
    struct timeval wait = {SECONDS, 0};
    struct question q;
    int s, result = EAI_AGAIN;

    if (!to.sin_addr.s_addr || question_make(&q, name, type))
        return EAI_NONAME;
    if ((s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
        return EAI_AGAIN;
    if (!setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) &&
        !connect(s, (struct sockaddr *)&to, sizeof to))
        result = ask(s, &q, out, most);
    close(s);
    return result;
}
