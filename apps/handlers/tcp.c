/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole tiny TCP server without state (RFC 9293, one answer a connection): SYN is answered by SYN and ACK, the first segment with
 * data by the owner's text and FIN, FIN by ACK. What the connection's numbers are, each segment says itself; whoever lost
 * an answer sends again and gets it again.
 */
#include <aegis/ash.h>

#define FIN 1
#define SYN 2
#define RST 4
#define PSH 8
#define ACK 16

ASH_SHARED struct {
    uint64_t connections, answers;
    uint32_t secret;
    uint32_t length; /* of the text: a multiple of 4, at most 1024 */
    uint32_t text[256];
} server;

/* Over the pseudo header and `bytes` (a multiple of 4) of TCP. */
ASH_INLINE uint16_t checksum(const unsigned char *frame, unsigned long bytes)
{
    const ash_u32 *word = (const ash_u32 *)(frame + 34), *end = word + bytes / 4;
    uint64_t sum = *(ash_u32 *)(frame + 26) + (uint64_t)*(ash_u32 *)(frame + 30) + ASH_NET16(6) + ASH_NET16((uint16_t)bytes);

    *(ash_u16 *)(frame + 50) = 0;
    for (; word != end; word++)
        sum += *word;
    return (uint16_t)~ash_folded(sum);
}

ASH_INLINE long answer(unsigned char *frame, uint32_t sequence, uint32_t acknowledged, unsigned flags, unsigned long data)
{
    ash_turn(frame, 1);
    ash_put16(frame + 16, (uint16_t)(40 + data));
    *(ash_u32 *)(frame + 18) = 0; /* identification, fragments: none */
    *(ash_u16 *)(frame + 24) = 0;
    frame[22] = 64;
    *(ash_u16 *)(frame + 24) = (uint16_t)~ash_folded((uint64_t)*(ash_u32 *)(frame + 14) + *(ash_u32 *)(frame + 18) + *(ash_u32 *)(frame + 22) +
                                                     *(ash_u32 *)(frame + 26) + *(ash_u32 *)(frame + 30));
    *(ash_u32 *)(frame + 38) = ash_swap32(sequence);
    *(ash_u32 *)(frame + 42) = ash_swap32(acknowledged);
    ash_put16(frame + 46, (uint16_t)(5 << 12 | flags));
    ash_put16(frame + 48, 8192);
    *(ash_u16 *)(frame + 52) = 0;
    *(ash_u16 *)(frame + 50) = checksum(frame, 20 + data);
    ash_send(frame, 54 + data);
    return ASH_DROP;
}

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    uint32_t sequence, acknowledged;
    unsigned long header, total, data, flags;

    if (!ash_is_ipv4(frame, length, 6, 20))
        return ASH_PASS;
    header = (frame[46] >> 4) * 4UL;
    total = ash_get16(frame + 16);
    if (header < 20 || total < 20 + header || total > length - 14)
        return ASH_DROP;
    flags = frame[47];
    data = total - 20 - header;
    sequence = ash_get32(frame + 38);
    acknowledged = ash_get32(frame + 42);
    if (flags & RST)
        return ASH_DROP;
    if (flags & SYN) {
        server.connections++;
        return answer(frame, (sequence ^ server.secret) * 0x9e3779b1 + ash_get32(frame + 34), sequence + 1, SYN | ACK, 0);
    }
    if (data && server.length <= 1024) {
        for (unsigned long i = 0; i < server.length / 4; i++)
            ((ash_u32 *)(frame + 54))[i] = server.text[i];
        server.answers++;
        return answer(frame, acknowledged, sequence + (uint32_t)data + (flags & FIN ? 1 : 0), ACK | PSH | FIN, server.length & ~3UL);
    }
    return flags & FIN ? answer(frame, acknowledged, sequence + 1, ACK, 0) : ASH_DROP;
}
