#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: bpf_refused.sh FOLDER: what is not taken of eBPF is said.
out=$1
refused() { # name, what is said; the program on standard input
    { echo '#include "bpf.h"'; cat; } > "$out/refused_bpf.c"
    clang -target bpf -mcpu=v3 -O2 -g -Itests/ash/bpf -I"/usr/include/$(uname -m)-linux-gnu" -c -o "$out/refused.bpf.o" "$out/refused_bpf.c" || return
    if scripts/ash-cc -o "$out/refused.ash" "$out/refused.bpf.o" > "$out/refused.said" 2>&1; then
        echo "not ok $1: taken"
    elif grep -q "$2" "$out/refused.said"; then
        echo "ok bpf: not taken and said: $1"
    else
        sed 's/^/# /' "$out/refused.said"
        echo "not ok bpf: not taken and said: $1"
    fi
}
refused "a function that is not inlined" "a function that is not inlined" <<'C'
static __attribute__((noinline)) int f(int n) { return n * 3 + (int)bpf_get_prandom_u32(); }
SEC("xdp") int program(struct xdp_md *ctx) { return f(ctx->ingress_ifindex) + f(2); }
C
refused "a function of the same section, by name" "instruction [0-9]*: .*not inlined: twice" <<'C'
static __attribute__((noinline)) int twice(int n) { asm volatile(""); return n * 2; }
SEC("xdp") int program(struct xdp_md *ctx) { return twice(ctx->ingress_ifindex) + twice(2); }
C
refused "another helper" "helper 51" <<'C'
static long (*bpf_redirect_map)(void *map, __u64 key, __u64 flags) = (void *)51;
SEC("xdp") int program(struct xdp_md *ctx) { return bpf_redirect_map(0, ctx->ingress_ifindex, 0); }
C
refused "another kind of map" "neither array nor hash" <<'C'
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4); __uint(key_size, 8); __uint(value_size, 8); } t SEC(".maps");
SEC("xdp") int program(struct xdp_md *ctx) { __u64 k = 0; return bpf_map_lookup_elem(&t, &k) ? 1 : 2; }
C
refused "compare and exchange" "compare and exchange" <<'C'
SEC("xdp") int program(struct xdp_md *ctx) { __u64 n = ctx->ingress_ifindex; return __sync_val_compare_and_swap(&n, 1, 2); }
C
refused "a store to the context" "a store to the context" <<'C'
SEC("xdp") int program(struct xdp_md *ctx) { ctx->data_meta = 7; return 2; }
C
