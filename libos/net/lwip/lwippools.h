/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of packets, by size: about 1 MiB. A segment of TCP with its headers is 1,560 bytes or so; what is larger is a
 * datagram to ourselves, which is not cut: 65,300 bytes of it go. */
LWIP_MALLOC_MEMPOOL_START
LWIP_MALLOC_MEMPOOL(512, 160)
LWIP_MALLOC_MEMPOOL(128, 512)
LWIP_MALLOC_MEMPOOL(440, 1600)
LWIP_MALLOC_MEMPOOL(4, 9216)
LWIP_MALLOC_MEMPOOL(2, 65504)
LWIP_MALLOC_MEMPOOL_END
