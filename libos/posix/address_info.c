/* SPDX-License-Identifier: BSD-2-Clause */
/* getaddrinfo and getnameinfo over hosts and services. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../net/resolve.h"
#include "hosts.h"

#define NAMES 8 /* addresses of one kind */

struct wish {
    struct addrinfo hints;
    uint16_t port; /* in network order */
    const char *service;
};

struct found {
    struct addrinfo info;
    struct sockaddr_in6 address; /* or sockaddr_in, which is shorter */
};

static int service_find(struct wish *w)
{
    char *end;

    if (!w->service)
        return 0;
    unsigned long port = strtoul(w->service, &end, 10);
    if (*w->service && !*end && port < 65536) {
        w->port = htons((uint16_t)port);
        return 0;
    }
    if (w->hints.ai_flags & AI_NUMERICSERV)
        return EAI_NONAME;
    const char *protocol = w->hints.ai_socktype == SOCK_DGRAM    ? "udp"
                           : w->hints.ai_socktype == SOCK_STREAM ? "tcp"
                                                                 : NULL;
    struct servent *s = getservbyname(w->service, protocol);
    if (!s)
        return EAI_SERVICE;
    w->port = (uint16_t)s->s_port;
    return 0;
}

/* One entry for a socket type. */
static int entry_add(struct addrinfo ***tail, const struct wish *w, int type, int protocol,
                     const struct in6_addr *six, in_addr_t four)
{
    struct found *f = calloc(1, sizeof *f);

    if (!f)
        return EAI_MEMORY;
    if (six)
        f->address = (struct sockaddr_in6){AF_INET6, w->port, 0, *six, 0};
    else
        *(struct sockaddr_in *)&f->address = (struct sockaddr_in){AF_INET, w->port, {four}, {0}};
    f->info = (struct addrinfo){
        .ai_family = six ? AF_INET6 : AF_INET,
        .ai_socktype = type,
        .ai_protocol = protocol,
        .ai_addrlen = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
        .ai_addr = (struct sockaddr *)&f->address,
    };
    **tail = &f->info;
    *tail = &f->info.ai_next;
    return 0;
}

static int address_add(struct addrinfo ***tail, const struct wish *w, const struct in6_addr *six,
                       in_addr_t four)
{
    static const int types[][2] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}};
    int wanted = w->hints.ai_family, error = 0;

    if (wanted != AF_UNSPEC && wanted != (six ? AF_INET6 : AF_INET))
        return 0;
    for (unsigned i = 0; i < 2 && !error; i++)
        if (!w->hints.ai_socktype || w->hints.ai_socktype == types[i][0])
            error = entry_add(tail, w, types[i][0], types[i][1], six, four);
    if (w->hints.ai_socktype == SOCK_RAW)
        error = entry_add(tail, w, SOCK_RAW, w->hints.ai_protocol, six, four);
    return error;
}

/* IPv6's first, as far as they are wanted. */
static int name_resolve(struct addrinfo ***tail, const struct wish *w, const char *name)
{
    uint8_t found[NAMES][16];
    struct in6_addr six;
    struct in_addr four;
    int error = 0, count = w->hints.ai_family == AF_INET ? EAI_NONAME : network_resolve(name, RESOLVE_AAAA, found, NAMES);

    for (int i = 0; i < count && !error; i++) {
        memcpy(&six, found[i], sizeof six);
        error = address_add(tail, w, &six, 0);
    }
    int fours = w->hints.ai_family == AF_INET6 ? EAI_NONAME : network_resolve(name, RESOLVE_A, found, NAMES);
    for (int i = 0; i < fours && !error; i++) {
        memcpy(&four, found[i], sizeof four);
        error = address_add(tail, w, NULL, four.s_addr);
    }
    if (error || count > 0 || fours > 0)
        return error;
    return count == EAI_AGAIN || fours == EAI_AGAIN ? EAI_AGAIN : EAI_NONAME;
}

static int host_find(struct addrinfo ***tail, const struct wish *w, const char *name)
{
    struct in6_addr six;
    struct in_addr four;

    if (!name) {
        int passive = w->hints.ai_flags & AI_PASSIVE, error;
        error = address_add(tail, w, NULL, htonl(passive ? INADDR_ANY : INADDR_LOOPBACK));
        return error || w->hints.ai_family != AF_INET6
                   ? error
                   : address_add(tail, w, passive ? &in6addr_any : &in6addr_loopback, 0);
    }
    if (inet_aton(name, &four))
        return address_add(tail, w, NULL, four.s_addr);
    if (inet_pton(AF_INET6, name, &six) == 1)
        return address_add(tail, w, &six, 0);
    if (w->hints.ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    struct hostent *h = host_listed(name);
    if (!h)
        return name_resolve(tail, w, name);
    memcpy(&four, h->h_addr, sizeof four);
    return address_add(tail, w, NULL, four.s_addr);
}

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    struct addrinfo *first = NULL, **tail = &first;
    struct wish w = {.service = service};
    int error;

    if (hints)
        w.hints = *hints;
    int family = w.hints.ai_family, type = w.hints.ai_socktype;
    if (!name && !service)
        return EAI_NONAME;
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return EAI_FAMILY;
    if (type && type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_RAW)
        return EAI_SOCKTYPE;
    if (!(error = service_find(&w)))
        error = host_find(&tail, &w, name);
    if (!error && !first)
        error = EAI_NONAME;
    if (!error && w.hints.ai_flags & AI_CANONNAME && name &&
        !(first->ai_canonname = strdup(name)))
        error = EAI_MEMORY;
    if (error)
        freeaddrinfo(first);
    else
        *result = first;
    return error;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

static int text_put(char *to, socklen_t size, const char *text)
{
    return strlcpy(to, text, size) >= size ? EAI_OVERFLOW : 0;
}

static int host_put(const struct sockaddr *address, char *to, socklen_t size, int flags)
{
    int six = address->sa_family == AF_INET6;
    const void *where = six ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    struct hostent *h = NULL;
    char text[INET6_ADDRSTRLEN];

    if (!(flags & NI_NUMERICHOST) && !six)
        h = gethostbyaddr(where, sizeof(in_addr_t), AF_INET);
    if (h)
        return text_put(to, size, h->h_name);
    if (flags & NI_NAMEREQD)
        return EAI_NONAME;
    return text_put(to, size, inet_ntop(address->sa_family, where, text, sizeof text));
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
                socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    struct servent *s = NULL;
    char text[8];
    int error = 0;

    if ((address->sa_family != AF_INET || length < sizeof *in) &&
        (address->sa_family != AF_INET6 || length < sizeof(struct sockaddr_in6)))
        return EAI_FAMILY;
    if (host && host_size)
        error = host_put(address, host, host_size, flags);
    if (error || !service || !service_size)
        return error;
    if (!(flags & NI_NUMERICSERV))
        s = getservbyport(in->sin_port, flags & NI_DGRAM ? "udp" : "tcp");
    snprintf(text, sizeof text, "%u", ntohs(in->sin_port));
    return text_put(service, service_size, s ? s->s_name : text);
}

const char *gai_strerror(int error)
{
    static const char *const texts[] = {
        "no error",        "bad flags",           "unknown name",     "try again",
        "failed for good", "no address",          "unknown family",   "unknown socket type",
        "unknown service", "no address of these", "no memory",        "system error",
        "text too long",
    };
    return error <= 0 && error >= EAI_OVERFLOW ? texts[-error] : "unknown error";
}
