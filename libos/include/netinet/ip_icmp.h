/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP (RFC 792). */
#pragma once

#include <netinet/in.h>
#include <netinet/ip.h>

#define ICMP_ECHOREPLY      0
#define ICMP_UNREACH        3
#define ICMP_DEST_UNREACH   3
#define ICMP_SOURCEQUENCH   4
#define ICMP_SOURCE_QUENCH  4
#define ICMP_REDIRECT       5
#define ICMP_ECHO           8
#define ICMP_TIMXCEED       11
#define ICMP_TIME_EXCEEDED  11
#define ICMP_PARAMPROB      12
#define ICMP_PARAMETERPROB  12
#define ICMP_TSTAMP         13
#define ICMP_TIMESTAMP      13
#define ICMP_TSTAMPREPLY    14
#define ICMP_TIMESTAMPREPLY 14
#define ICMP_INFO_REQUEST   15
#define ICMP_INFO_REPLY     16
#define ICMP_MASKREQ        17
#define ICMP_ADDRESS        17
#define ICMP_MASKREPLY      18
#define ICMP_ADDRESSREPLY   18
#define ICMP_MINLEN         8

struct icmp {
    uint8_t icmp_type, icmp_code;
    uint16_t icmp_cksum;
    union {
        uint8_t ih_pptr;
        struct in_addr ih_gwaddr;
        struct {
            uint16_t icd_id, icd_seq;
        } ih_idseq;
        uint32_t ih_void;
    } icmp_hun;
    union {
        struct ip id_ip;
        uint32_t id_mask;
        uint8_t id_data[1];
    } icmp_dun;
};
#define icmp_pptr   icmp_hun.ih_pptr
#define icmp_gwaddr icmp_hun.ih_gwaddr
#define icmp_id     icmp_hun.ih_idseq.icd_id
#define icmp_seq    icmp_hun.ih_idseq.icd_seq
#define icmp_void   icmp_hun.ih_void
#define icmp_ip     icmp_dun.id_ip
#define icmp_mask   icmp_dun.id_mask
#define icmp_data   icmp_dun.id_data
