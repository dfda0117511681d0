/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include "print.h"

struct packet {
    const uint8_t *at;
    unsigned size; /* from `at` on */
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
};

static unsigned get16(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

static unsigned get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static void tcp_print(const struct packet *p)
{
    static const char letters[] = "FSRP.U";
    unsigned length = p->size < 20 ? 0 : (p->at[12] >> 4) * 4U;

    if (length < 20 || length > p->size) {
        printf("%s > %s: TCP, cut off", p->from, p->to);
        return;
    }
    printf("%s.%u > %s.%u: TCP ", p->from, get16(p->at), p->to, get16(p->at + 2));
    for (unsigned i = 0; letters[i]; i++)
        if (p->at[13] >> i & 1)
            putchar(letters[i]);
    printf(" seq %u", get32(p->at + 4));
    if (p->at[13] & 16)
        printf(" ack %u", get32(p->at + 8));
    printf(" win %u length %u", get16(p->at + 14), p->size - length);
}

static void transport_print(const struct packet *p, unsigned protocol)
{
    if (protocol == 6)
        tcp_print(p);
    else if (protocol == 17 && p->size >= 8)
        printf("%s.%u > %s.%u: UDP length %u", p->from, get16(p->at), p->to, get16(p->at + 2), get16(p->at + 4) - 8);
    else if ((protocol == 1 || protocol == 58) && p->size >= 4)
        printf("%s > %s: %s type %u code %u", p->from, p->to, protocol == 1 ? "ICMP" : "ICMPv6", p->at[0], p->at[1]);
    else
        printf("%s > %s: protocol %u, %u bytes", p->from, p->to, protocol, p->size);
}

static void ip_print(const uint8_t *at, unsigned size)
{
    unsigned header = size < 20 ? 0 : (at[0] & 15U) * 4, whole = size < 20 ? 0 : get16(at + 2);
    struct packet p = {at + header, 0, "", ""};

    if (header < 20 || header > size || whole < header || whole > size || at[0] >> 4 != 4) {
        printf("IPv4, not whole");
        return;
    }
    p.size = whole - header;
    inet_ntop(AF_INET, at + 12, p.from, sizeof p.from);
    inet_ntop(AF_INET, at + 16, p.to, sizeof p.to);
    if (get16(at + 6) & 0x1fff)
        printf("%s > %s: fragment at %u, %u bytes", p.from, p.to, (get16(at + 6) & 0x1fff) * 8, p.size);
    else
        transport_print(&p, at[9]);
}

static void ip6_print(const uint8_t *at, unsigned size)
{
    struct packet p = {at + 40, 0, "", ""};

    if (size < 40 || get16(at + 4) > size - 40 || at[0] >> 4 != 6) {
        printf("IPv6, not whole");
        return;
    }
    p.size = get16(at + 4);
    inet_ntop(AF_INET6, at + 8, p.from, sizeof p.from);
    inet_ntop(AF_INET6, at + 24, p.to, sizeof p.to);
    transport_print(&p, at[6]);
}

static void arp_print(const uint8_t *at, unsigned size)
{
    char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];

    if (size < 28) {
        printf("ARP, cut off");
        return;
    }
    inet_ntop(AF_INET, at + 14, a, sizeof a);
    inet_ntop(AF_INET, at + 24, b, sizeof b);
    if (get16(at + 6) == 1)
        printf("ARP who has %s, asks %s", b, a);
    else
        printf("ARP %s is at %02x:%02x:%02x:%02x:%02x:%02x", a, at[8], at[9], at[10], at[11], at[12], at[13]);
}

void frame_print(const uint8_t *frame, unsigned size)
{
    unsigned type = size < 14 ? 0 : get16(frame + 12);

    if (size < 14)
        printf("frame of %u bytes", size);
    else if (type == 0x0800)
        ip_print(frame + 14, size - 14);
    else if (type == 0x86dd)
        ip6_print(frame + 14, size - 14);
    else if (type == 0x0806)
        arp_print(frame + 14, size - 14);
    else
        printf("type 0x%04x, %u bytes", type, size - 14);
}

void frame_dump(const uint8_t *frame, unsigned size)
{
    for (unsigned at = 0; at < size; at += 16) {
        printf("  %04x ", at);
        for (unsigned i = at; i < at + 16; i++)
            i < size ? printf(" %02x", frame[i]) : printf("   ");
        printf("  ");
        for (unsigned i = at; i < at + 16 && i < size; i++)
            putchar(isprint(frame[i]) ? frame[i] : '.');
        putchar('\n');
    }
}
