/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoint as lwIP's interface. */
#include <net/if.h>

#include <aegis/exposed.h>

#include "device.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/sys.h"
#include "netif/ethernet.h"

#define ADDRESS_WAIT 4000 /* ms that programs wait for DHCP */

struct netif device;
bool device_there, device_offloads, device_asked;

void device_input(void)
{
    struct netif *to_ourselves;

    if (device_there)
        input_frames();
    NETIF_FOREACH(to_ourselves)
    {
        if (to_ourselves->loop_first)
            netif_poll(to_ourselves);
    }
}

/* ---- the interface ---- */

static err_t device_init(struct netif *n)
{
    n->name[0] = 'e';
    n->name[1] = 'n';
    n->mtu = 1500;
    n->hwaddr_len = 6;
    for (unsigned i = 0; i < 6; i++)
        n->hwaddr[i] = AEGIS_EXPOSED_STATE->net.mac[i];
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP |
               NETIF_FLAG_MLD6;
    n->output = device_output4;
    n->output_ip6 = ethip6_output;
    n->linkoutput = device_output;
    return ERR_OK;
}

void device_checksums(bool whole)
{
    u16_t mine = NETIF_CHECKSUM_GEN_UDP;

    if (device_offloads)
        device.chksum_flags = (u16_t)(whole ? device.chksum_flags | mine : device.chksum_flags & ~mine);
}

/* The kernel's counts go on where they stood: what it has is lost, what it had taken is over. */
static void ring_begin(void)
{
    NET_RING->queued = NET_RING->taken;
    input_begin();
    output_begin();
}

/* Of ports alone: nobody is asked who we are, or who others are. */
static bool given_start(const struct net_given *g)
{
    struct eth_addr gateway;

    memcpy(gateway.addr, g->gateway_mac, sizeof gateway.addr);
    device.flags &= (u8_t)~(NETIF_FLAG_ETHARP | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6);
    netif_set_addr(&device, &(ip4_addr_t){g->address}, &(ip4_addr_t){IPADDR_BROADCAST}, &(ip4_addr_t){g->gateway});
    netif_set_link_up(&device);
    netif_set_up(&device);
    etharp_add_static_entry(&(ip4_addr_t){g->gateway}, &gateway);
    return true;
}

bool device_start(void)
{
    struct netif *loop;

    NETIF_FOREACH(loop)
    {
        loop->mtu = loop->mtu6 = 1500; /* what is larger is cut: pools have no more in one piece */
        loop->chksum_flags = NETIF_CHECKSUM_DISABLE_ALL;
    }
    device_there = NETWORK->endpoint.what != 0;
    if (!device_there)
        return false;
    netif_add(&device, NULL, NULL, NULL, NULL, device_init, ethernet_input);
    ring_begin();
    device_asked = AEGIS_EXPOSED_STATE->net.features & AEGIS_NET_TX_CHECKSUM;
    device_offloads = device_asked || AEGIS_EXPOSED_STATE->net.features & AEGIS_NET_TX_CHECKSUM_ALL;
    if (device_offloads)
        device.chksum_flags =
            NETIF_CHECKSUM_ENABLE_ALL & ~(NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP);
    netif_set_default(&device);
    if (NETWORK->given.address)
        return given_start(&NETWORK->given);
    netif_create_ip6_linklocal_address(&device, 1);
    device.ip6_autoconfig_enabled = 1;
    netif_set_link_up(&device);
    netif_set_up(&device);
    dhcp_start(&device);
    return true;
}

bool stack_configured(void)
{
    return !device_there || NETWORK->given.address || dhcp_supplied_address(&device) || sys_now() > ADDRESS_WAIT;
}

static void interface_tell(struct netif *n, struct aegis_interface *i)
{
    bool loop = n != &device;

    *i = (struct aegis_interface){.index = netif_get_index(n), .mtu = n->mtu ? n->mtu : 65535};
    memcpy(i->name, loop ? "lo" : "eth0", loop ? 3 : 5);
    i->flags = IFF_UP | IFF_RUNNING | (loop ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST);
    memcpy(i->hardware, n->hwaddr, 6);
    i->address4 = netif_ip4_addr(n)->addr;
    i->mask4 = netif_ip4_netmask(n)->addr;
    i->gateway4 = netif_ip4_gw(n)->addr;
    if (!loop && IP_IS_V4(dns_getserver(0)))
        i->server4 = ip_2_ip4(dns_getserver(0))->addr;
    for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES && i->count6 < 4; k++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)))
            memcpy(i->address6[i->count6++], netif_ip6_addr(n, k)->addr, 16);
}

int stack_interface(unsigned i, struct aegis_interface *interface)
{
    struct netif *n;
    unsigned at = 0;

    NETIF_FOREACH(n) {
        if (at++ == i) {
            interface_tell(n, interface);
            return 0;
        }
    }
    return -ENXIO;
}
