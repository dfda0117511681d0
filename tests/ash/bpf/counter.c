/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts frames by protocol (array) and by sender (hash), answers UDP, drops what came too often. */
#include "bpf.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 256);
    __type(key, __u32);
    __type(value, __u64);
} protocols SEC(".maps");

struct seen {
    __u64 frames, bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, struct seen);
} senders SEC(".maps");

volatile const __u32 limit = 5;

SEC("xdp")
int program(struct xdp_md *ctx)
{
    __u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
    __u32 key, source;
    __u64 *count;
    struct seen *seen, first = {1, end - data};

    if (data + 42 > end)
        return XDP_PASS;
    if (*(__u16 *)(data + 12) != bpf_htons(0x0800))
        return XDP_PASS;
    key = data[23];
    count = bpf_map_lookup_elem(&protocols, &key);
    if (count)
        __sync_fetch_and_add(count, 1);
    source = *(__u32 *)(data + 26);
    seen = bpf_map_lookup_elem(&senders, &source);
    if (!seen) {
        if (bpf_map_update_elem(&senders, &source, &first, 0))
            return XDP_ABORTED;
    } else {
        seen->frames++;
        seen->bytes += end - data;
        if (seen->frames == limit + 1) {
            bpf_map_delete_elem(&senders, &source);
            return XDP_DROP;
        }
    }
    if (key != 17)
        return XDP_PASS;
#pragma clang loop unroll(disable)
    for (int i = 0; i < 6; i++) {
        __u8 n = data[i];
        data[i] = data[6 + i];
        data[6 + i] = n;
    }
    *(__u32 *)(data + 26) = *(__u32 *)(data + 30);
    *(__u32 *)(data + 30) = source;
    return XDP_TX;
}
