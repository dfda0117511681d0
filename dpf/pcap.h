/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap-filter's language (its manual page, on Ethernet) turned into filters. User level: the kernel sees only what comes
 * out. An expression becomes a disjunction of conjunctions; each conjunction is one filter.
 *
 * Taken: [src|dst|src or dst|src and dst] host, net, port, portrange; ether src|dst|host, ether proto; ip, ip6, arp, rarp,
 * tcp, udp, icmp, icmp6, sctp, and these with `proto`; vlan [N]; less, greater are not; PROTO[OFFSET:SIZE] [& MASK] with
 * = == != < > <= >= and a number; and, or, not, parentheses, && || !.
 * Not taken, and said so: names that need a resolver, arithmetic between loads, gateway, broadcast, multicast, inbound, protochain, len,
 * mpls, pppoe, and what would need more than PCAP_FILTERS conjunctions.
 */
#pragma once

#include "filter.h"

#define PCAP_FILTERS 128
#define PCAP_MESSAGE 160

struct pcap_filters {
    uint32_t count; /* 0: matches nothing */
    struct dpf_filter filter[PCAP_FILTERS];
    char message[PCAP_MESSAGE]; /* what is wrong, and where */
};

/* 0, or -1 with a message. An empty expression matches every frame and cannot be said: -1. */
int pcap_compile_filters(const char *text, struct pcap_filters *out);
