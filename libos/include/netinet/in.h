/* SPDX-License-Identifier: BSD-2-Clause */
/* Internet addresses. */
#pragma once

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/types.h>

typedef uint16_t in_port_t;
typedef uint32_t in_addr_t;

struct in_addr {
    in_addr_t s_addr;
};

struct in6_addr {
    union {
        uint8_t __bytes[16];
        uint16_t __halves[8];
        uint32_t __words[4];
    } __in6;
};
#define s6_addr   __in6.__bytes
#define s6_addr16 __in6.__halves
#define s6_addr32 __in6.__words

struct sockaddr_in {
    sa_family_t sin_family;
    in_port_t sin_port;
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

struct sockaddr_in6 {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};

struct ip_mreq {
    struct in_addr imr_multiaddr;
    struct in_addr imr_interface;
};

struct ipv6_mreq {
    struct in6_addr ipv6mr_multiaddr;
    unsigned ipv6mr_interface;
};

/* Ancillary data of a datagram: where it came in, and to which address (sending: from which). */
struct in_pktinfo {
    int ipi_ifindex;
    struct in_addr ipi_spec_dst, ipi_addr;
};
struct in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned ipi6_ifindex;
};

#define INADDR_ANY       ((in_addr_t)0)
#define INADDR_BROADCAST ((in_addr_t)0xffffffff)
#define INADDR_NONE      ((in_addr_t)0xffffffff)
#define INADDR_LOOPBACK  ((in_addr_t)0x7f000001)

#define INET_ADDRSTRLEN  16
#define INET6_ADDRSTRLEN 46

#define IN6ADDR_ANY_INIT      {{{0}}}
#define IN6ADDR_LOOPBACK_INIT {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}}

#define IPPROTO_IP     0
#define IPPROTO_ICMP   1
#define IPPROTO_TCP    6
#define IPPROTO_UDP    17
#define IPPROTO_IPV6   41
#define IPPROTO_ICMPV6 58
#define IPPROTO_RAW    255
#define IPPORT_RESERVED 1024

#define IP_TOS              1
#define IP_TTL              2
#define IP_PKTINFO          8
#define IP_RECVTTL          12
#define IP_RECVTOS          13
#define IP_MULTICAST_IF     32
#define IP_MULTICAST_TTL    33
#define IP_MULTICAST_LOOP   34
#define IP_ADD_MEMBERSHIP   35
#define IP_DROP_MEMBERSHIP  36
#define IPV6_UNICAST_HOPS   16
#define IPV6_MULTICAST_IF   17
#define IPV6_MULTICAST_HOPS 18
#define IPV6_MULTICAST_LOOP 19
#define IPV6_JOIN_GROUP     20
#define IPV6_LEAVE_GROUP    21
#define IPV6_V6ONLY         26
#define IPV6_CHECKSUM       7
#define IPV6_RECVPKTINFO    49
#define IPV6_PKTINFO        50
#define IPV6_RECVHOPLIMIT   51
#define IPV6_HOPLIMIT       52
#define IPV6_RECVTCLASS     66
#define IPV6_TCLASS         67
#define IPV6_ADD_MEMBERSHIP  IPV6_JOIN_GROUP
#define IPV6_DROP_MEMBERSHIP IPV6_LEAVE_GROUP

#define SOL_IP   IPPROTO_IP
#define SOL_TCP  IPPROTO_TCP
#define SOL_UDP  IPPROTO_UDP
#define SOL_IPV6 IPPROTO_IPV6
#define SOL_RAW  IPPROTO_RAW

#define IN_CLASSA(a)    (((in_addr_t)(a) & 0x80000000) == 0)
#define IN_CLASSB(a)    (((in_addr_t)(a) & 0xc0000000) == 0x80000000)
#define IN_CLASSC(a)    (((in_addr_t)(a) & 0xe0000000) == 0xc0000000)
#define IN_MULTICAST(a) (((in_addr_t)(a) & 0xf0000000) == 0xe0000000)

#define __W6(a, n) ((a)->s6_addr32[n])
#define IN6_IS_ADDR_UNSPECIFIED(a) (!(__W6(a, 0) | __W6(a, 1) | __W6(a, 2) | __W6(a, 3)))
#define IN6_IS_ADDR_LOOPBACK(a) \
    (!(__W6(a, 0) | __W6(a, 1) | __W6(a, 2)) && __W6(a, 3) == __builtin_bswap32(1))
#define IN6_IS_ADDR_MULTICAST(a) ((a)->s6_addr[0] == 0xff)
#define IN6_IS_ADDR_LINKLOCAL(a) ((a)->s6_addr[0] == 0xfe && ((a)->s6_addr[1] & 0xc0) == 0x80)
#define IN6_IS_ADDR_SITELOCAL(a) ((a)->s6_addr[0] == 0xfe && ((a)->s6_addr[1] & 0xc0) == 0xc0)
#define IN6_IS_ADDR_V4MAPPED(a) \
    (!(__W6(a, 0) | __W6(a, 1)) && __W6(a, 2) == __builtin_bswap32(0xffff))
#define IN6_IS_ADDR_V4COMPAT(a) \
    (!(__W6(a, 0) | __W6(a, 1) | __W6(a, 2)) && __builtin_bswap32(__W6(a, 3)) > 1)
#define IN6_ARE_ADDR_EQUAL(a, b) \
    (__W6(a, 0) == __W6(b, 0) && __W6(a, 1) == __W6(b, 1) && __W6(a, 2) == __W6(b, 2) && \
     __W6(a, 3) == __W6(b, 3))

#ifdef __cplusplus
extern "C" {
#endif
extern const struct in6_addr in6addr_any, in6addr_loopback;
uint32_t htonl(uint32_t);
uint16_t htons(uint16_t);
uint32_t ntohl(uint32_t);
uint16_t ntohs(uint16_t);
#ifdef __cplusplus
}
#endif
