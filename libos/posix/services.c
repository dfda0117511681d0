/* SPDX-License-Identifier: BSD-2-Clause */
/* Services and protocols, of /etc/services and /etc/protocols; without them, those that everybody knows. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"

#define SERVICES                                                                                   \
    "echo 7/tcp\necho 7/udp\ndiscard 9/tcp\nftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\n"  \
    "domain 53/tcp\ndomain 53/udp\ntftp 69/udp\nhttp 80/tcp www\nntp 123/udp\nhttps 443/tcp\n"
#define PROTOCOLS "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6 41 IPv6\nipv6-icmp 58 IPv6-ICMP\n"

struct table {
    const char *path, *builtin;
    const char *rest;
    FILE *file;
    int begun;
    char line[256];
    char *word[TABLE_WORDS + 1];
};

static struct table services = {.path = "/etc/services", .builtin = SERVICES};
static struct table protocols = {.path = "/etc/protocols", .builtin = PROTOCOLS};

static void table_end(struct table *t)
{
    if (t->file)
        fclose(t->file);
    t->file = NULL;
    t->begun = 0;
}

static unsigned table_line(struct table *t)
{
    if (!t->begun) {
        t->begun = 1;
        t->rest = t->builtin;
        t->file = fopen(t->path, "re");
    }
    unsigned count = table_next(t->file, &t->rest, t->line, sizeof t->line, t->word);
    t->word[count] = NULL;
    return count;
}

static int is_one_of(const char *name, const char *first, char **others)
{
    if (!strcmp(name, first))
        return 1;
    while (*others)
        if (!strcmp(name, *others++))
            return 1;
    return 0;
}

void setservent(int stay)
{
    (void)stay;
    table_end(&services);
}

void endservent(void)
{
    table_end(&services);
}

struct servent *getservent(void)
{
    static struct servent entry;
    char *slash;

    while (table_line(&services) > 1)
        if ((slash = strchr(services.word[1], '/'))) {
            *slash = 0;
            int port = htons((uint16_t)atoi(services.word[1]));
            entry = (struct servent){services.word[0], services.word + 2, port, slash + 1};
            return &entry;
        }
    return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    struct servent *s;

    endservent();
    while ((s = getservent()))
        if (is_one_of(name, s->s_name, s->s_aliases) && (!protocol || !strcmp(protocol, s->s_proto)))
            break;
    endservent();
    return s;
}

struct servent *getservbyport(int port, const char *protocol)
{
    struct servent *s;

    endservent();
    while ((s = getservent()))
        if (s->s_port == port && (!protocol || !strcmp(protocol, s->s_proto)))
            break;
    endservent();
    return s;
}

void setprotoent(int stay)
{
    (void)stay;
    table_end(&protocols);
}

void endprotoent(void)
{
    table_end(&protocols);
}

struct protoent *getprotoent(void)
{
    static struct protoent entry;

    if (table_line(&protocols) < 2)
        return NULL;
    entry = (struct protoent){protocols.word[0], protocols.word + 2, atoi(protocols.word[1])};
    return &entry;
}

struct protoent *getprotobyname(const char *name)
{
    struct protoent *p;

    endprotoent();
    while ((p = getprotoent()) && !is_one_of(name, p->p_name, p->p_aliases))
        ;
    endprotoent();
    return p;
}

struct protoent *getprotobynumber(int number)
{
    struct protoent *p;

    endprotoent();
    while ((p = getprotoent()) && p->p_proto != number)
        ;
    endprotoent();
    return p;
}

/* Networks have no names here. */
void setnetent(int stay)
{
    (void)stay;
}

void endnetent(void)
{
}

struct netent *getnetent(void)
{
    return NULL;
}

struct netent *getnetbyname(const char *name)
{
    (void)name;
    return NULL;
}

struct netent *getnetbyaddr(uint32_t net, int family)
{
    (void)net, (void)family;
    return NULL;
}
