/* SPDX-License-Identifier: BSD-2-Clause */
/* Internet addresses as numbers and as text. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT, in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

uint32_t htonl(uint32_t host)
{
    return __builtin_bswap32(host);
}

uint16_t htons(uint16_t host)
{
    return __builtin_bswap16(host);
}

uint32_t ntohl(uint32_t net)
{
    return __builtin_bswap32(net);
}

uint16_t ntohs(uint16_t net)
{
    return __builtin_bswap16(net);
}

/* One to four numbers; the last fills what is left. */
int inet_aton(const char *text, struct in_addr *address)
{
    uint32_t part[4];
    unsigned count = 0;

    for (;; text++) {
        char *end;
        if (count == 4 || !isdigit((unsigned char)*text))
            return 0;
        unsigned long value = strtoul(text, &end, 0);
        if (value > 0xffffffff)
            return 0;
        part[count++] = (uint32_t)value;
        text = end;
        if (*text != '.')
            break;
    }
    if (*text && !isspace((unsigned char)*text))
        return 0;
    uint32_t result = part[count - 1];
    if (count > 1 && result >> (40 - 8 * count))
        return 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        if (part[i] > 255)
            return 0;
        result |= part[i] << (24 - 8 * i);
    }
    address->s_addr = htonl(result);
    return 1;
}

in_addr_t inet_addr(const char *text)
{
    struct in_addr address;
    return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

static const char *four_print(const uint8_t *byte, char *to, size_t size)
{
    char text[INET_ADDRSTRLEN];

    snprintf(text, sizeof text, "%u.%u.%u.%u", byte[0], byte[1], byte[2], byte[3]);
    if (strlen(text) >= size) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(to, text);
}

char *inet_ntoa(struct in_addr address)
{
    static char text[INET_ADDRSTRLEN];
    return (char *)four_print((uint8_t *)&address, text, sizeof text);
}

/* The longest run of at least two zero groups. */
static unsigned zeros_find(const uint16_t *group, unsigned *length)
{
    unsigned best = 8;

    *length = 1;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;
        while (i + n < 8 && !group[i + n])
            n++;
        if (n > *length) {
            *length = n;
            best = i;
        }
        i += n;
    }
    return best;
}

static const char *six_print(const uint8_t *byte, char *to, size_t size)
{
    char text[INET6_ADDRSTRLEN], *at = text;
    uint16_t group[8];
    unsigned length;

    for (unsigned i = 0; i < 8; i++)
        group[i] = (uint16_t)(byte[2 * i] << 8 | byte[2 * i + 1]);
    unsigned zeros = zeros_find(group, &length);
    for (unsigned i = 0; i < 8; i++) {
        if (i == zeros) {
            at = stpcpy(at, i ? ":" : "::");
            i += length - 1;
        } else if (i == 6 && zeros == 0 && (length == 6 || (length == 5 && group[5] == 0xffff))) {
            four_print(byte + 12, at, INET_ADDRSTRLEN);
            at += strlen(at);
            break;
        } else {
            at += sprintf(at, i < 7 ? "%x:" : "%x", group[i]);
        }
    }
    if (strlen(text) >= size) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(to, text);
}

const char *inet_ntop(int family, const void *restrict address, char *restrict to, socklen_t size)
{
    if (family == AF_INET)
        return four_print(address, to, size);
    if (family == AF_INET6)
        return six_print(address, to, size);
    errno = EAFNOSUPPORT;
    return NULL;
}

/* Four decimal numbers of at most three digits, and nothing else. */
static int four_parse(const char *text, uint8_t byte[4])
{
    for (unsigned i = 0; i < 4; i++, text++) {
        unsigned value = 0, digits = 0;
        for (; isdigit((unsigned char)*text) && digits < 4; digits++)
            value = value * 10 + (unsigned)(*text++ - '0');
        if (!digits || digits > 3 || value > 255 || *text != (i < 3 ? '.' : 0))
            return 0;
        byte[i] = (uint8_t)value;
    }
    return 1;
}

/* The groups up to the end or to "::"; their number, or -1. `*text` is left behind them. */
static int groups_parse(const char **text, uint8_t *byte, int room)
{
    int count = 0;
    const char *t = *text;

    while (isxdigit((unsigned char)*t)) {
        char *end;
        unsigned long value = strtoul(t, &end, 16);
        if (*end == '.') {
            if (room - count < 2 || !four_parse(t, byte + 2 * count))
                return -1;
            *text = t + strlen(t);
            return count + 2;
        }
        if (count == room || end - t > 4)
            return -1;
        byte[2 * count] = (uint8_t)(value >> 8);
        byte[2 * count++ + 1] = (uint8_t)value;
        t = end;
        if (*t != ':' || t[1] == ':')
            break;
        if (!isxdigit((unsigned char)*++t))
            return -1;
    }
    *text = t;
    return count;
}

static int six_parse(const char *text, uint8_t byte[16])
{
    uint8_t tail[16];
    int head = groups_parse(&text, byte, 8), last = 0;

    if (head < 0)
        return 0;
    if (!*text)
        return head == 8;
    if (text[0] != ':' || text[1] != ':')
        return 0;
    text += 2;
    last = groups_parse(&text, tail, 7 - head);
    if (last < 0 || *text)
        return 0;
    memset(byte + 2 * head, 0, (size_t)(16 - 2 * head));
    memcpy(byte + 16 - 2 * last, tail, (size_t)(2 * last));
    return 1;
}

int inet_pton(int family, const char *restrict text, void *restrict to)
{
    uint8_t byte[16];
    int good;

    if (family == AF_INET)
        good = four_parse(text, byte);
    else if (family == AF_INET6)
        good = six_parse(text, byte);
    else {
        errno = EAFNOSUPPORT;
        return -1;
    }
    if (good)
        memcpy(to, byte, family == AF_INET ? 4 : 16);
    return good;
}
