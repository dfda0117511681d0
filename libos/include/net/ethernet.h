/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet's frames. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define ETH_ALEN      6
#define ETH_HLEN      14
#define ETH_DATA_LEN  1500
#define ETHER_ADDR_LEN ETH_ALEN

#define ETHERTYPE_IP   0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETH_P_IP       ETHERTYPE_IP
#define ETH_P_ARP      ETHERTYPE_ARP
#define ETH_P_IPV6     ETHERTYPE_IPV6
#define ETH_P_ALL      3

struct ether_addr {
    uint8_t ether_addr_octet[ETH_ALEN];
};

struct ether_header {
    uint8_t ether_dhost[ETH_ALEN], ether_shost[ETH_ALEN];
    uint16_t ether_type;
};
