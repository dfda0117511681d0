/* SPDX-License-Identifier: BSD-2-Clause */
/* A balancer as people write them: flows in a hash map by 16 bytes, servers in an array, a checksum made in a loop, the frame turned. */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "bpf.h"

struct flow {
    __u32 source, destination;
    __u16 source_port, destination_port;
    __u8 protocol, pad[3];
};

struct traffic {
    __u64 packets, bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, struct flow);
    __type(value, struct traffic);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} servers SEC(".maps");

volatile const __u32 always = 0; /* a server, where the map has none */

static inline __attribute__((always_inline)) __u16 folded(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

SEC("xdp")
int program(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);

    if ((void *)(eth + 1) > end)
        return XDP_DROP;
    if (eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    if ((void *)(ip + 1) > end || ip->ihl < 5)
        return XDP_DROP;
    struct udphdr *udp = (void *)ip + ip->ihl * 4;
    if (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP)
        return XDP_PASS;
    if ((void *)(udp + 1) > end)
        return XDP_DROP;

    struct flow flow = {ip->saddr, ip->daddr, udp->source, udp->dest, ip->protocol, {0}};
    struct traffic *known = bpf_map_lookup_elem(&flows, &flow), first = {1, (__u64)(end - data)};
    if (known) {
        __sync_fetch_and_add(&known->packets, 1);
        __sync_fetch_and_add(&known->bytes, end - data);
    } else {
        bpf_map_update_elem(&flows, &flow, &first, BPF_ANY);
    }

    __u32 hash = (flow.source ^ flow.destination ^ ((__u32)flow.source_port << 16 | flow.destination_port)) * 0x9e3779b1U;
    __u32 key = hash >> 30, *server = bpf_map_lookup_elem(&servers, &key), to = server && *server ? *server : always;
    if (!to)
        return XDP_PASS;
    ip->daddr = to;
    ip->check = 0;
    __u32 sum = 0;
    __u16 *half = (void *)ip;
#pragma clang loop unroll(disable)
    for (int i = 0; i < ip->ihl * 2 && (void *)(half + i + 1) <= end; i++)
        sum += half[i];
    ip->check = folded(sum);
    unsigned char turned[ETH_ALEN];
    __builtin_memcpy(turned, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, turned, ETH_ALEN);
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
