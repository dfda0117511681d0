/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcap_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Offsets from the end of the addresses and tags: the type field. */
#define TYPE   12
#define HEADER 14
#define ANY_FRAGMENT 44

enum where { ON_LINK, IN_IP, IN_IP6, IN_ARP };

struct protocol {
    const char *name;
    enum where where;
    uint16_t type;   /* Ethernet's */
    uint8_t number;  /* IP's */
    bool over_ip, over_ip6;
};

static const struct protocol protocols[] = {
    {"ether", ON_LINK, 0, 0, false, false},   {"ip", IN_IP, 0x0800, 0, false, false},
    {"ip6", IN_IP6, 0x86dd, 0, false, false}, {"arp", IN_ARP, 0x0806, 0, false, false},
    {"rarp", IN_ARP, 0x8035, 0, false, false}, {"tcp", ON_LINK, 0, 6, true, true},
    {"udp", ON_LINK, 0, 17, true, true},      {"sctp", ON_LINK, 0, 132, true, true},
    {"icmp", ON_LINK, 0, 1, true, false},     {"icmp6", ON_LINK, 0, 58, false, true},
};

static const struct protocol *protocol_find(const char *name)
{
    for (unsigned i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (!strcmp(protocols[i].name, name))
            return &protocols[i];
    return NULL;
}

bool words_protocol(const char *word)
{
    return protocol_find(word);
}

bool words_type(const char *word)
{
    static const char *const types[] = {"host", "net", "port", "portrange", "proto"};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(types[i], word))
            return true;
    return false;
}

bool words_constant(const char *word, uint32_t *value)
{
    static const struct {
        const char *name;
        uint8_t value;
    } constants[] = {
        {"tcpflags", 13},         {"tcp-fin", 1},           {"tcp-syn", 2},         {"tcp-rst", 4},         {"tcp-push", 8},
        {"tcp-ack", 16},          {"tcp-urg", 32},          {"tcp-ece", 64},        {"tcp-cwr", 128},       {"icmptype", 0},
        {"icmpcode", 1},          {"icmp-echoreply", 0},    {"icmp-unreach", 3},    {"icmp-sourcequench", 4}, {"icmp-redirect", 5},
        {"icmp-echo", 8},         {"icmp-routeradvert", 9}, {"icmp-routersolicit", 10}, {"icmp-timxceed", 11}, {"icmp-paramprob", 12},
        {"icmp-tstamp", 13},      {"icmp-tstampreply", 14}, {"icmp-ireq", 15},      {"icmp-ireqreply", 16}, {"icmp-maskreq", 17},
        {"icmp-maskreply", 18},
    };
    for (unsigned i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (!strcmp(constants[i].name, word)) {
            *value = constants[i].value;
            return true;
        }
    return false;
}

/* ---- trees ---- */

struct node *tree_node(struct tree *t, enum node_kind kind, struct node *left, struct node *right)
{
    if (t->count == TREE_NODES) {
        t->error = "the expression is too long";
        return &t->node[0];
    }
    struct node *n = &t->node[t->count++];
    *n = (struct node){.kind = (uint8_t)kind, .left = left, .right = right};
    return n;
}

struct node *tree_field(struct tree *t, unsigned base, unsigned header, unsigned offset, unsigned width, uint32_t mask,
                        uint32_t low, uint32_t high)
{
    struct node *n = tree_node(t, NODE_FIELD, NULL, NULL);

    n->field = (struct field){(uint8_t)width, (uint8_t)base, (uint16_t)offset, (uint16_t)header, mask, low, high};
    return n;
}

static struct node *fail(struct words *w, const char *why)
{
    w->error = why;
    return NULL;
}

struct node *words_and(struct words *w, struct node *a, struct node *b)
{
    return a && b ? tree_node(w->tree, NODE_AND, a, b) : NULL;
}

static struct node *or_(struct words *w, struct node *a, struct node *b)
{
    return a && b ? tree_node(w->tree, NODE_OR, a, b) : a ? a : b;
}

/* A field of the frame's, its place counted without tags. */
static struct node *is(struct words *w, unsigned offset, unsigned width, uint32_t mask, uint32_t value)
{
    return tree_field(w->tree, 0, 0, offset + w->link, width, mask, value, value);
}

static struct node *of_type(struct words *w, unsigned type)
{
    return is(w, TYPE, 2, 0xffff, type);
}

struct node *words_field(struct words *w, struct place p, uint32_t mask, uint32_t low, uint32_t high)
{
    return tree_field(w->tree, p.base, p.header, p.offset, p.width, mask, low, high);
}

/* ---- protocols ---- */

static struct node *over_ip(struct words *w, unsigned number)
{
    return words_and(w, of_type(w, 0x0800), is(w, HEADER + 9, 1, 0xff, number));
}

static struct node *over_ip6(struct words *w, unsigned number, bool fragments)
{
    struct node *n = is(w, HEADER + 6, 1, 0xff, number);

    if (fragments)
        n = or_(w, n, words_and(w, is(w, HEADER + 6, 1, 0xff, ANY_FRAGMENT), is(w, HEADER + 40, 1, 0xff, number)));
    return words_and(w, of_type(w, 0x86dd), n);
}

struct node *words_alone(struct words *w, const char *name)
{
    const struct protocol *p = protocol_find(name);

    if (p->type)
        return of_type(w, p->type);
    if (!p->number)
        return fail(w, "ether stands before host, proto or [");
    return or_(w, p->over_ip ? over_ip(w, p->number) : NULL, p->over_ip6 ? over_ip6(w, p->number, true) : NULL);
}

struct node *words_vlan(struct words *w, bool numbered, uint32_t id)
{
    struct node *n = or_(w, or_(w, of_type(w, 0x8100), of_type(w, 0x88a8)), of_type(w, 0x9100));

    if (numbered && id > 0xfff)
        return fail(w, "a VLAN's number is at most 4,095");
    if (numbered)
        n = words_and(w, n, is(w, HEADER, 2, 0xfff, id));
    if (w->link >= 16)
        return fail(w, "more than four tags");
    w->link += 4;
    return n;
}

static struct node *unfragmented(struct words *w)
{
    return is(w, HEADER + 6, 2, 0x1fff, 0);
}

bool words_place(struct words *w, const char *name, uint32_t offset, uint32_t size, struct place *place)
{
    const struct protocol *p = protocol_find(name);

    if (!p || offset > 900 || !strcmp(name, "icmp6"))
        return false;
    *place = (struct place){.width = (uint8_t)size, .full = size == 4 ? 0xffffffff : (1U << 8 * size) - 1};
    if (p->number) {
        place->base = 1;
        place->header = (uint16_t)(HEADER + w->link);
        place->offset = (uint16_t)(HEADER + w->link + offset);
        place->exists = words_and(w, over_ip(w, p->number), unfragmented(w));
    } else if (p->type) {
        place->offset = (uint16_t)(HEADER + w->link + offset);
        place->exists = of_type(w, p->type);
    } else {
        place->offset = (uint16_t)offset;
        place->exists = tree_node(w->tree, NODE_TRUE, NULL, NULL);
    }
    return true;
}

/* ---- source, destination ---- */

static struct node *directed(struct words *w, unsigned direction, struct node *source, struct node *destination)
{
    switch (direction) {
    case DIRECTION_SRC:
        return source;
    case DIRECTION_DST:
        return destination;
    case DIRECTION_BOTH:
        return words_and(w, source, destination);
    default:
        return or_(w, source, destination);
    }
}

/* ---- addresses ---- */

static bool ip_read(const char *text, uint32_t *address, unsigned *parts)
{
    const char *at = text;
    char *end;

    *address = 0;
    for (*parts = 0; *parts < 4;) {
        unsigned long n = strtoul(at, &end, 10);
        if (end == at || n > 255)
            return false;
        *address |= (uint32_t)n << (24 - 8 * *parts);
        ++*parts;
        at = end;
        if (*at != '.')
            break;
        at++;
    }
    return !*at;
}

static bool ip6_read(const char *text, uint32_t address[4])
{
    uint16_t group[8] = {0}, behind[8];
    unsigned count = 0, tail = 0;
    bool gap = false;

    for (const char *at = text; *at;) {
        if (at[0] == ':' && at[1] == ':') {
            if (gap)
                return false;
            gap = true;
            at += 2;
            continue;
        }
        char *end;
        unsigned long n = strtoul(at, &end, 16);
        if (end == at || end - at > 4 || n > 0xffff || count + tail == 8)
            return false;
        *(gap ? &behind[tail++] : &group[count++]) = (uint16_t)n;
        at = end;
        if (*at == ':' && at[1] != ':' && !*++at)
            return false;
        if (*at && *at != ':' && at == end)
            return false;
    }
    if (gap ? count + tail > 7 : count != 8)
        return false;
    for (unsigned i = 0; i < tail; i++)
        group[8 - tail + i] = behind[i];
    for (unsigned i = 0; i < 4; i++)
        address[i] = (uint32_t)group[2 * i] << 16 | group[2 * i + 1];
    return true;
}

static struct node *ether_host(struct words *w, unsigned direction, const char *id)
{
    unsigned b[6];
    char rest;

    if (sscanf(id, "%2x:%2x:%2x:%2x:%2x:%2x%c", b, b + 1, b + 2, b + 3, b + 4, b + 5, &rest) != 6)
        return fail(w, "an Ethernet address is six bytes, as 02:00:00:00:00:01");
    uint32_t high = b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3], low = b[4] << 8 | b[5];
    struct tree *t = w->tree;
    struct node *source = words_and(w, tree_field(t, 0, 0, 6, 4, 0xffffffff, high, high), tree_field(t, 0, 0, 10, 2, 0xffff, low, low));
    struct node *destination = words_and(w, tree_field(t, 0, 0, 0, 4, 0xffffffff, high, high), tree_field(t, 0, 0, 4, 2, 0xffff, low, low));
    return directed(w, direction, source, destination);
}

static struct node *ip_in(struct words *w, unsigned direction, unsigned type, unsigned source, unsigned destination,
                          uint32_t address, uint32_t mask)
{
    return words_and(w, of_type(w, type), directed(w, direction, is(w, source, 4, mask, address), is(w, destination, 4, mask, address)));
}

static struct node *ip_address(struct words *w, const struct qualifiers *q, uint32_t address, uint32_t mask)
{
    struct node *n = NULL;

    if (!mask)
        return !strcmp(q->protocol, "arp") || !strcmp(q->protocol, "rarp") || *q->protocol
                   ? words_alone(w, q->protocol)
                   : or_(w, or_(w, of_type(w, 0x0800), of_type(w, 0x0806)), of_type(w, 0x8035));
    if (!*q->protocol || !strcmp(q->protocol, "ip"))
        n = ip_in(w, q->direction, 0x0800, HEADER + 12, HEADER + 16, address, mask);
    if (!*q->protocol || !strcmp(q->protocol, "arp"))
        n = or_(w, n, ip_in(w, q->direction, 0x0806, HEADER + 14, HEADER + 24, address, mask));
    if (!*q->protocol || !strcmp(q->protocol, "rarp"))
        n = or_(w, n, ip_in(w, q->direction, 0x8035, HEADER + 14, HEADER + 24, address, mask));
    return n ? n : fail(w, "this protocol has no such addresses");
}

static struct node *ip6_at(struct words *w, unsigned offset, const uint32_t address[4], unsigned bits)
{
    struct node *n = NULL;

    for (unsigned i = 0; i < 4 && 32 * i < bits; i++) {
        uint32_t mask = bits - 32 * i >= 32 ? 0xffffffff : ~(0xffffffff >> (bits - 32 * i));
        struct node *part = is(w, offset + 4 * i, 4, mask, address[i] & mask);
        n = n ? words_and(w, n, part) : part;
    }
    return n;
}

static struct node *ip6_address(struct words *w, const struct qualifiers *q, const uint32_t address[4], unsigned bits)
{
    if (*q->protocol && strcmp(q->protocol, "ip6"))
        return fail(w, "this protocol has no such addresses");
    struct node *n = of_type(w, 0x86dd);
    return bits ? words_and(w, n, directed(w, q->direction, ip6_at(w, HEADER + 8, address, bits), ip6_at(w, HEADER + 24, address, bits))) : n;
}

/* An address, with /LENGTH or a mask for a network; of a network fewer parts may be given. */
static struct node *host_or_net(struct words *w, const struct qualifiers *q, const char *id, const char *mask_text, bool net)
{
    char text[64];
    uint32_t address, mask = 0xffffffff, six[4];
    unsigned parts, bits = 128;

    snprintf(text, sizeof text, "%s", id);
    char *slash = strchr(text, '/');
    if (slash)
        *slash++ = 0;
    if ((slash || *mask_text) && !net)
        return fail(w, "a host has no mask: say net");
    if (slash && (sscanf(slash, "%u", &bits) != 1 || bits > 128))
        return fail(w, "a network's length is a number of bits");
    if (strchr(text, ':'))
        return ip6_read(text, six) ? ip6_address(w, q, six, bits) : fail(w, "not an IPv6 address");
    if (!ip_read(text, &address, &parts) || (!net && parts != 4))
        return fail(w, "an address is wanted as numbers: names are for a resolver");
    if (net)
        mask = slash ? (bits ? ~0U << (32 - (bits > 32 ? 32 : bits)) : 0) : ~0U << (32 - 8 * parts);
    if (slash && bits > 32)
        return fail(w, "a network's length is at most 32 here");
    if (*mask_text && (!ip_read(mask_text, &mask, &parts) || parts != 4))
        return fail(w, "a mask is four numbers");
    if (address & ~mask)
        return fail(w, "the network has bits that its mask takes away");
    return ip_address(w, q, address, mask);
}

/* ---- ports ---- */

static struct node *port_at(struct words *w, unsigned direction, bool six, unsigned low, unsigned high)
{
    struct tree *t = w->tree;
    unsigned header = HEADER + w->link, at = header + (six ? 40 : 0), base = !six;

    return directed(w, direction, tree_field(t, base, base ? header : 0, at, 2, 0xffff, low, high),
                    tree_field(t, base, base ? header : 0, at + 2, 2, 0xffff, low, high));
}

static struct node *ports_of(struct words *w, unsigned direction, unsigned number, unsigned low, unsigned high)
{
    struct node *four = words_and(w, words_and(w, over_ip(w, number), unfragmented(w)), port_at(w, direction, false, low, high));
    struct node *six = words_and(w, over_ip6(w, number, false), port_at(w, direction, true, low, high));

    return or_(w, four, six);
}

static struct node *ports(struct words *w, const struct qualifiers *q, const char *id, bool range)
{
    unsigned low, high;
    char rest;
    int n = range ? sscanf(id, "%u-%u%c", &low, &high, &rest) : sscanf(id, "%u%c", &low, &rest);

    if (n != (range ? 2 : 1))
        return fail(w, range ? "a range of ports is two numbers, as 8000-8099" : "a port is a number");
    if (!range)
        high = low;
    if (low > high || high > 65535)
        return fail(w, "ports are 0 to 65535, the lower one first");
    if (!*q->protocol)
        return or_(w, or_(w, ports_of(w, q->direction, 6, low, high), ports_of(w, q->direction, 17, low, high)),
                   ports_of(w, q->direction, 132, low, high));
    const struct protocol *p = protocol_find(q->protocol);
    return p->number && p->over_ip && p->over_ip6 ? ports_of(w, q->direction, p->number, low, high)
                                                  : fail(w, "this protocol has no ports");
}

static struct node *proto_number(struct words *w, const struct qualifiers *q, const char *id)
{
    const struct protocol *named = protocol_find(id[0] == '\\' ? id + 1 : id);
    char *end;
    unsigned long n = named ? (named->number ? named->number : named->type) : strtoul(id, &end, 0);

    if (!named && (end == id || *end))
        return fail(w, "a protocol is a number here, or a name that is known");
    if (!strcmp(q->protocol, "ether"))
        return n <= 0xffff ? of_type(w, (unsigned)n) : fail(w, "an Ethernet type is at most 0xffff");
    if (n > 255)
        return fail(w, "an IP protocol is at most 255");
    if (!strcmp(q->protocol, "ip"))
        return over_ip(w, (unsigned)n);
    if (!strcmp(q->protocol, "ip6"))
        return over_ip6(w, (unsigned)n, true);
    return *q->protocol ? fail(w, "proto stands behind ether, ip or ip6") : or_(w, over_ip(w, (unsigned)n), over_ip6(w, (unsigned)n, true));
}

struct node *words_named(struct words *w, const struct qualifiers *q, const char *id, const char *mask)
{
    if (!strcmp(q->type, "port") || !strcmp(q->type, "portrange"))
        return ports(w, q, id, q->type[4]);
    if (!strcmp(q->type, "proto"))
        return proto_number(w, q, id);
    if (!strcmp(q->protocol, "ether"))
        return strcmp(q->type, "net") ? ether_host(w, q->direction, id) : fail(w, "Ethernet has no networks");
    const struct protocol *p = protocol_find(*q->protocol ? q->protocol : "ip");
    if (p->number)
        return fail(w, "this protocol has no addresses: say e.g. `tcp and host`");
    return host_or_net(w, q, id, mask, !strcmp(q->type, "net"));
}
