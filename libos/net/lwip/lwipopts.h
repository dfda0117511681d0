/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP as this libOS has it: no threads of its own (the stack's lock is ours), the raw interface only. */
#pragma once

#define NO_SYS                  1
#define SYS_LIGHTWEIGHT_PROT    0
#define LWIP_NETCONN            0
#define LWIP_SOCKET             0
#define LWIP_STATS              0
#define LWIP_TIMERS             1
#define LWIP_SINGLE_NETIF       0

/* memory: pools only, sized in lwippools.h */
#define MEM_ALIGNMENT           8
#define MEM_USE_POOLS           1
#define MEMP_USE_CUSTOM_POOLS   1
#define MEM_USE_POOLS_TRY_BIGGER_POOL 1
#define MEMP_NUM_TCP_PCB        512
#define MEMP_NUM_TCP_PCB_LISTEN 64
#define MEMP_NUM_UDP_PCB        128
#define MEMP_NUM_RAW_PCB        16
#define MEMP_NUM_TCP_SEG        1024
#define MEMP_NUM_PBUF           256
#define MEMP_NUM_REASSDATA      16
#define MEMP_NUM_FRAG_PBUF      64
#define MEMP_NUM_ND6_QUEUE      32
#define MEMP_NUM_ARP_QUEUE      32
#define MEMP_NUM_IGMP_GROUP     16
#define MEMP_NUM_MLD6_GROUP     24
#define PBUF_POOL_SIZE          96
#define PBUF_POOL_BUFSIZE       1600
#define PBUF_LINK_HLEN          16 /* and two bytes before the frame */

/* protocols */
#define LWIP_ETHERNET           1
#define LWIP_ARP                1
#define ETHARP_SUPPORT_STATIC_ENTRIES 1 /* the gateway of who may not ask for it */
#define ARP_QUEUEING            1
#define ETH_PAD_SIZE            2
#define LWIP_IPV4               1
#define LWIP_IPV6               1
#define LWIP_ICMP               1
#define LWIP_RAW                1
#define LWIP_UDP                1
#define LWIP_TCP                1
#define LWIP_DHCP               1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DNS                1 /* for the servers that DHCP tells */
#define LWIP_IGMP               1
#define LWIP_IPV6_MLD           1
#define LWIP_IPV6_AUTOCONFIG    1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_REASS         1
#define LWIP_IPV6_FRAG          1
#define IPV6_FRAG_COPYHEADER    1 /* its notes are larger than a fragment header where pointers have 64 bits */
#define IP_REASSEMBLY           1
#define IP_FRAG                 1
#define IP_REASS_MAX_PBUFS      64
#define IP_SOF_BROADCAST        1
#define IP_SOF_BROADCAST_RECV   0
#define LWIP_MULTICAST_TX_OPTIONS 1
#define LWIP_HAVE_LOOPIF        1
#define LWIP_NETIF_LOOPBACK     1
#define LWIP_LOOPBACK_MAX_PBUFS 256
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 0
#define LWIP_NETIF_HWADDRHINT   0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHECKSUM_ON_COPY   1
#define LWIP_INLINE_IP_CHKSUM   1
#define LWIP_PBUF_REF_T         u16_t
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define SO_REUSE                1
#define SO_REUSE_RXTOALL        1

/* TCP */
#define TCP_MSS                 1456 /* a multiple of 8: segments of what is aligned are copied by words */
#define LWIP_WND_SCALE          1
#define TCP_RCV_SCALE           0
#define TCP_WND                 (44 * TCP_MSS) /* a chain of pbufs counts its bytes in 16 bits */
#define TCP_SND_BUF             (64 * TCP_MSS)
#define TCP_SND_QUEUELEN        192
#define TCP_SNDLOWAT            (2 * TCP_MSS)
#define TCP_QUEUE_OOSEQ         1
#define TCP_OOSEQ_MAX_PBUFS     64
#define TCP_LISTEN_BACKLOG      1
#define TCP_OVERSIZE            TCP_MSS
#define LWIP_TCP_KEEPALIVE      1
#define LWIP_TCP_TIMESTAMPS     0
#define LWIP_TCP_SACK_OUT       1
#define TCP_MSL                 1000
#define LWIP_EVENT_API          0
#define LWIP_CALLBACK_API       1
#define LWIP_HOOK_FILENAME      "hooks.h"
