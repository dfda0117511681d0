/* SPDX-License-Identifier: BSD-2-Clause */
/* Network interfaces. */
#pragma once

#include <sys/socket.h>

#define IF_NAMESIZE 16
#define IFNAMSIZ    IF_NAMESIZE

struct if_nameindex {
    unsigned if_index;
    char *if_name;
};

#define IFF_UP          0x1
#define IFF_BROADCAST   0x2
#define IFF_LOOPBACK    0x8
#define IFF_POINTOPOINT 0x10
#define IFF_RUNNING     0x40
#define IFF_PROMISC     0x100
#define IFF_MULTICAST   0x1000

struct ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr __address;
        struct sockaddr __mask;
        short __flags;
        int __number;
        char __slave[IFNAMSIZ];
        char *__data;
    } __ifr;
};
#define ifr_addr      __ifr.__address
#define ifr_hwaddr    __ifr.__address
#define ifr_broadaddr __ifr.__address
#define ifr_dstaddr   __ifr.__address
#define ifr_netmask   __ifr.__mask
#define ifr_flags     __ifr.__flags
#define ifr_ifindex   __ifr.__number
#define ifr_mtu       __ifr.__number
#define ifr_metric    __ifr.__number
#define ifr_data      __ifr.__data

struct ifconf {
    int ifc_len;
    union {
        char *__buffer;
        struct ifreq *__requests;
    } __ifc;
};
#define ifc_buf __ifc.__buffer
#define ifc_req __ifc.__requests

#ifdef __cplusplus
extern "C" {
#endif
unsigned if_nametoindex(const char *);
char *if_indextoname(unsigned, char *);
struct if_nameindex *if_nameindex(void);
void if_freenameindex(struct if_nameindex *);
#ifdef __cplusplus
}
#endif
