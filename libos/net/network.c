/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's network, by whatever stack the program has: waiting for it, its interfaces. */
#include "network.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include <aegis/netstack.h>

#include "../posix/user.h"

#define STACK_PREDICATES 2

int network_wait(const struct channel_entry *entries, size_t count, uint64_t deadline)
{
    const struct netstack *stack = aegis_netstack;
    struct aegis_predicate p[STACK_PREDICATES];
    uint64_t until = deadline;

    if (stack && stack->join)
        stack->join(); /* without it we are woken by who has */
    if (!stack || !stack->await)
        return channel_wait_any(entries, count, deadline);
    unsigned n = stack->await(p, &until);
    int error = channel_wait_with(entries, count, p, n, until);
    if (stack->run)
        stack->run();
    return error == -ETIMEDOUT && until != deadline ? 0 : error;
}

static int interface_find(const char *name, struct aegis_interface *found)
{
    const struct netstack *stack = aegis_netstack;

    for (unsigned i = 0; stack && stack->interface && !stack->interface(i, found); i++)
        if (!strncmp(found->name, name, IFNAMSIZ))
            return 0;
    return -ENODEV;
}

static void address_put(struct ifreq *r, uint32_t address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = address};

    memcpy(&r->ifr_addr, &in, sizeof in);
}

static int request_fill(unsigned long request, struct ifreq *r, const struct aegis_interface *i)
{
    switch (request) {
    case SIOCGIFFLAGS:
        r->ifr_flags = (short)i->flags;
        return 0;
    case SIOCGIFADDR:
        address_put(r, i->address4);
        return 0;
    case SIOCGIFBRDADDR:
        address_put(r, i->address4 | ~i->mask4);
        return 0;
    case SIOCGIFNETMASK:
        address_put(r, i->mask4);
        return 0;
    case SIOCGIFMTU:
        r->ifr_mtu = (int)i->mtu;
        return 0;
    case SIOCGIFINDEX:
        r->ifr_ifindex = (int)i->index;
        return 0;
    case SIOCGIFHWADDR:
        r->ifr_hwaddr.sa_family = i->flags & IFF_LOOPBACK ? 772 : 1; /* as ARP numbers them */
        memcpy(r->ifr_hwaddr.sa_data, i->hardware, sizeof i->hardware);
        return 0;
    default:
        return -ENOTTY;
    }
}

/* SIOCGIFCONF: one request for each interface that has an address. */
static int interfaces_list(void *user)
{
    const struct netstack *stack = aegis_netstack;
    struct aegis_interface found;
    struct ifconf c;
    int used = 0;

    if (user_copy_in(&c, user, sizeof c))
        return -EFAULT;
    for (unsigned i = 0; stack && stack->interface && !stack->interface(i, &found); i++) {
        struct ifreq r = {0};
        memcpy(r.ifr_name, found.name, IFNAMSIZ);
        address_put(&r, found.address4);
        if (c.ifc_buf && c.ifc_len - used < (int)sizeof r)
            break;
        if (c.ifc_buf && user_copy_out(c.ifc_buf + used, &r, sizeof r))
            return -EFAULT;
        used += (int)sizeof r;
    }
    c.ifc_len = used;
    return user_copy_out(user, &c, sizeof c);
}

int network_ioctl(unsigned long request, void *user)
{
    struct aegis_interface found;
    struct ifreq r;

    if (request == SIOCGIFCONF)
        return interfaces_list(user);
    if (request < SIOCGIFNAME || request > SIOCGIFINDEX)
        return -ENOTTY;
    if (user_copy_in(&r, user, sizeof r))
        return -EFAULT;
    int error = interface_find(r.ifr_name, &found);
    if (!error)
        error = request_fill(request, &r, &found);
    return error ? error : user_copy_out(user, &r, sizeof r);
}
