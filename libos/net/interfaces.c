/* SPDX-License-Identifier: BSD-2-Clause */
/* <net/if.h> and <ifaddrs.h>: interfaces as the stack tells them. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <aegis/netstack.h>

#include "../signal/signals.h"

static int interface_at(unsigned i, struct aegis_interface *found)
{
    const struct netstack *stack = aegis_netstack;

    signals_defer();
    int error = stack && stack->interface ? stack->interface(i, found) : -ENXIO;
    signals_allow();
    return error;
}

unsigned if_nametoindex(const char *name)
{
    struct aegis_interface found;

    for (unsigned i = 0; !interface_at(i, &found); i++)
        if (!strncmp(found.name, name, IF_NAMESIZE))
            return found.index;
    errno = ENODEV;
    return 0;
}

char *if_indextoname(unsigned index, char *name)
{
    struct aegis_interface found;

    for (unsigned i = 0; !interface_at(i, &found); i++)
        if (found.index == index) {
            memcpy(name, found.name, IF_NAMESIZE);
            return name;
        }
    errno = ENXIO;
    return NULL;
}

/* One allocation: the array, and behind it the names. */
struct if_nameindex *if_nameindex(void)
{
    struct aegis_interface found;
    unsigned count = 0;

    while (!interface_at(count, &found))
        count++;
    struct if_nameindex *list = calloc(1, (count + 1) * sizeof *list + count * IF_NAMESIZE);
    if (!list) {
        errno = ENOBUFS;
        return NULL;
    }
    char *names = (char *)(list + count + 1);
    for (unsigned i = 0; i < count && !interface_at(i, &found); i++) {
        list[i].if_index = found.index;
        list[i].if_name = memcpy(names + i * IF_NAMESIZE, found.name, IF_NAMESIZE);
    }
    return list;
}

void if_freenameindex(struct if_nameindex *list)
{
    free(list);
}

/* ---- addresses ---- */

struct entry {
    struct ifaddrs head;
    char name[IF_NAMESIZE];
    struct sockaddr_in6 address, mask, broadcast; /* or sockaddr_in */
};

static struct entry *entry_add(struct ifaddrs ***tail, const struct aegis_interface *i)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    memcpy(e->name, i->name, sizeof e->name);
    e->head.ifa_name = e->name;
    e->head.ifa_flags = i->flags;
    e->head.ifa_addr = (struct sockaddr *)&e->address;
    e->head.ifa_netmask = (struct sockaddr *)&e->mask;
    **tail = &e->head;
    *tail = &e->head.ifa_next;
    return e;
}

static int entry4_add(struct ifaddrs ***tail, const struct aegis_interface *i)
{
    struct entry *e = entry_add(tail, i);

    if (!e)
        return -ENOMEM;
    *(struct sockaddr_in *)&e->address = (struct sockaddr_in){AF_INET, 0, {i->address4}, {0}};
    *(struct sockaddr_in *)&e->mask = (struct sockaddr_in){AF_INET, 0, {i->mask4}, {0}};
    *(struct sockaddr_in *)&e->broadcast =
        (struct sockaddr_in){AF_INET, 0, {i->address4 | ~i->mask4}, {0}};
    if (i->flags & IFF_BROADCAST)
        e->head.ifa_broadaddr = (struct sockaddr *)&e->broadcast;
    return 0;
}

static int entry6_add(struct ifaddrs ***tail, const struct aegis_interface *i, unsigned n)
{
    struct entry *e = entry_add(tail, i);

    if (!e)
        return -ENOMEM;
    e->address.sin6_family = e->mask.sin6_family = AF_INET6;
    memcpy(&e->address.sin6_addr, i->address6[n], 16);
    bool near = IN6_IS_ADDR_LINKLOCAL(&e->address.sin6_addr);
    e->address.sin6_scope_id = near ? i->index : 0;
    memset(&e->mask.sin6_addr, 0xff, i->flags & IFF_LOOPBACK ? 16 : 8);
    return 0;
}

int getifaddrs(struct ifaddrs **list)
{
    struct ifaddrs *first = NULL, **tail = &first;
    struct aegis_interface found;
    int error = 0;

    for (unsigned i = 0; !error && !interface_at(i, &found); i++) {
        if (found.address4)
            error = entry4_add(&tail, &found);
        for (unsigned n = 0; !error && n < found.count6; n++)
            error = entry6_add(&tail, &found, n);
    }
    if (error) {
        freeifaddrs(first);
        errno = -error;
        return -1;
    }
    *list = first;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    while (list) {
        struct ifaddrs *next = list->ifa_next;
        free(list);
        list = next;
    }
}
