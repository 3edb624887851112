/* What ringway needs of DPDK's headers, and functions for what is inline, a macro or thread-local there.
 * Whole bursts go in and out: crossing the language border then costs nothing that can be measured. */
#ifndef RINGWAY_DPDK_SHIM_H
#define RINGWAY_DPDK_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_version.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_pdump.h>

/* Constants that are macros of casts and shifts there, so that bindgen cannot read them. */
enum {
	RINGWAY_MAX_LCORE = RTE_MAX_LCORE,
	RINGWAY_MAX_ETHPORTS = RTE_MAX_ETHPORTS,
	RINGWAY_ETH_NAME_LEN = RTE_ETH_NAME_MAX_LEN,
	RINGWAY_RETA_GROUP_SIZE = RTE_ETH_RETA_GROUP_SIZE,
	RINGWAY_VLAN_STRIP_OFFLOAD = RTE_ETH_VLAN_STRIP_OFFLOAD,
	RINGWAY_VLAN_FILTER_OFFLOAD = RTE_ETH_VLAN_FILTER_OFFLOAD,
	RINGWAY_VLAN_EXTEND_OFFLOAD = RTE_ETH_VLAN_EXTEND_OFFLOAD,
	RINGWAY_QINQ_STRIP_OFFLOAD = RTE_ETH_QINQ_STRIP_OFFLOAD,
	RINGWAY_LINK_UP = RTE_ETH_LINK_UP,
	RINGWAY_LINK_FULL_DUPLEX = RTE_ETH_LINK_FULL_DUPLEX,
	RINGWAY_MEMPOOL_F_NO_SPREAD = RTE_MEMPOOL_F_NO_SPREAD,
};

/* Where the fields that the data path touches are, in the headers at hand: `mbuf.rs` is held against them. Releases wrap
 * these fields in different unnamed unions, so that the generated names differ and the places do not. */
enum {
	RINGWAY_MBUF_SIZE = sizeof(struct rte_mbuf),
	RINGWAY_MBUF_BUF_ADDR = offsetof(struct rte_mbuf, buf_addr),
	RINGWAY_MBUF_DATA_OFF = offsetof(struct rte_mbuf, data_off),
	RINGWAY_MBUF_REFCNT = offsetof(struct rte_mbuf, refcnt),
	RINGWAY_MBUF_NB_SEGS = offsetof(struct rte_mbuf, nb_segs),
	RINGWAY_MBUF_PORT = offsetof(struct rte_mbuf, port),
	RINGWAY_MBUF_OL_FLAGS = offsetof(struct rte_mbuf, ol_flags),
	RINGWAY_MBUF_PKT_LEN = offsetof(struct rte_mbuf, pkt_len),
	RINGWAY_MBUF_DATA_LEN = offsetof(struct rte_mbuf, data_len),
	RINGWAY_MBUF_VLAN_TCI = offsetof(struct rte_mbuf, vlan_tci),
	RINGWAY_MBUF_VLAN_TCI_OUTER = offsetof(struct rte_mbuf, vlan_tci_outer),
	RINGWAY_MBUF_BUF_LEN = offsetof(struct rte_mbuf, buf_len),
	RINGWAY_MBUF_POOL = offsetof(struct rte_mbuf, pool),
	RINGWAY_MBUF_NEXT = offsetof(struct rte_mbuf, next),
	RINGWAY_MBUF_TX_OFFLOAD = offsetof(struct rte_mbuf, tx_offload),
	/* Where in it the lengths of the Ethernet and of the IP header are, as a shift. */
	RINGWAY_TX_L2_LEN_SHIFT = RTE_MBUF_L2_LEN_OFS,
	RINGWAY_TX_L3_LEN_SHIFT = RTE_MBUF_L3_LEN_OFS,
};
/* Where the distribution puts the plug-ins; empty when this DPDK has none. */
#ifdef RTE_EAL_PMD_PATH
#define RINGWAY_PMD_PATH RTE_EAL_PMD_PATH
#else
#define RINGWAY_PMD_PATH ""
#endif
static const int RINGWAY_SOCKET_ID_ANY = SOCKET_ID_ANY;
static const uint32_t RINGWAY_LCORE_ID_ANY = LCORE_ID_ANY;
static const uint32_t RINGWAY_SPEED_UNKNOWN = RTE_ETH_SPEED_NUM_UNKNOWN;

static const uint64_t RINGWAY_RX_OFFLOAD_VLAN_STRIP = RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
static const uint64_t RINGWAY_RX_OFFLOAD_IPV4_CKSUM = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
static const uint64_t RINGWAY_RX_OFFLOAD_UDP_CKSUM = RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
static const uint64_t RINGWAY_RX_OFFLOAD_TCP_CKSUM = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
static const uint64_t RINGWAY_RX_OFFLOAD_TCP_LRO = RTE_ETH_RX_OFFLOAD_TCP_LRO;
static const uint64_t RINGWAY_RX_OFFLOAD_QINQ_STRIP = RTE_ETH_RX_OFFLOAD_QINQ_STRIP;
static const uint64_t RINGWAY_RX_OFFLOAD_OUTER_IPV4_CKSUM = RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM;
static const uint64_t RINGWAY_RX_OFFLOAD_VLAN_FILTER = RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
static const uint64_t RINGWAY_RX_OFFLOAD_VLAN_EXTEND = RTE_ETH_RX_OFFLOAD_VLAN_EXTEND;
static const uint64_t RINGWAY_RX_OFFLOAD_SCATTER = RTE_ETH_RX_OFFLOAD_SCATTER;
static const uint64_t RINGWAY_RX_OFFLOAD_TIMESTAMP = RTE_ETH_RX_OFFLOAD_TIMESTAMP;
static const uint64_t RINGWAY_RX_OFFLOAD_KEEP_CRC = RTE_ETH_RX_OFFLOAD_KEEP_CRC;
static const uint64_t RINGWAY_RX_OFFLOAD_SCTP_CKSUM = RTE_ETH_RX_OFFLOAD_SCTP_CKSUM;
static const uint64_t RINGWAY_RX_OFFLOAD_OUTER_UDP_CKSUM = RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM;
static const uint64_t RINGWAY_RX_OFFLOAD_RSS_HASH = RTE_ETH_RX_OFFLOAD_RSS_HASH;
static const uint64_t RINGWAY_RX_OFFLOAD_SECURITY = RTE_ETH_RX_OFFLOAD_SECURITY;
static const uint64_t RINGWAY_TX_OFFLOAD_VLAN_INSERT = RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
static const uint64_t RINGWAY_TX_OFFLOAD_IPV4_CKSUM = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
static const uint64_t RINGWAY_TX_OFFLOAD_UDP_CKSUM = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
static const uint64_t RINGWAY_TX_OFFLOAD_TCP_CKSUM = RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
static const uint64_t RINGWAY_TX_OFFLOAD_SCTP_CKSUM = RTE_ETH_TX_OFFLOAD_SCTP_CKSUM;
static const uint64_t RINGWAY_TX_OFFLOAD_TCP_TSO = RTE_ETH_TX_OFFLOAD_TCP_TSO;
static const uint64_t RINGWAY_TX_OFFLOAD_UDP_TSO = RTE_ETH_TX_OFFLOAD_UDP_TSO;
static const uint64_t RINGWAY_TX_OFFLOAD_OUTER_IPV4_CKSUM = RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM;
static const uint64_t RINGWAY_TX_OFFLOAD_QINQ_INSERT = RTE_ETH_TX_OFFLOAD_QINQ_INSERT;
static const uint64_t RINGWAY_TX_OFFLOAD_MT_LOCKFREE = RTE_ETH_TX_OFFLOAD_MT_LOCKFREE;
static const uint64_t RINGWAY_TX_OFFLOAD_MULTI_SEGS = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
static const uint64_t RINGWAY_TX_OFFLOAD_MBUF_FAST_FREE = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
static const uint64_t RINGWAY_TX_OFFLOAD_SECURITY = RTE_ETH_TX_OFFLOAD_SECURITY;
static const uint64_t RINGWAY_TX_OFFLOAD_OUTER_UDP_CKSUM = RTE_ETH_TX_OFFLOAD_OUTER_UDP_CKSUM;
static const uint64_t RINGWAY_TX_OFFLOAD_SEND_ON_TIMESTAMP = RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP;

static const uint64_t RINGWAY_RSS_IPV4 = RTE_ETH_RSS_IPV4;
static const uint64_t RINGWAY_RSS_FRAG_IPV4 = RTE_ETH_RSS_FRAG_IPV4;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV4_TCP = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV4_UDP = RTE_ETH_RSS_NONFRAG_IPV4_UDP;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV4_SCTP = RTE_ETH_RSS_NONFRAG_IPV4_SCTP;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV4_OTHER = RTE_ETH_RSS_NONFRAG_IPV4_OTHER;
static const uint64_t RINGWAY_RSS_IPV6 = RTE_ETH_RSS_IPV6;
static const uint64_t RINGWAY_RSS_FRAG_IPV6 = RTE_ETH_RSS_FRAG_IPV6;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV6_TCP = RTE_ETH_RSS_NONFRAG_IPV6_TCP;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV6_UDP = RTE_ETH_RSS_NONFRAG_IPV6_UDP;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV6_SCTP = RTE_ETH_RSS_NONFRAG_IPV6_SCTP;
static const uint64_t RINGWAY_RSS_NONFRAG_IPV6_OTHER = RTE_ETH_RSS_NONFRAG_IPV6_OTHER;
static const uint64_t RINGWAY_RSS_L2_PAYLOAD = RTE_ETH_RSS_L2_PAYLOAD;
static const uint64_t RINGWAY_RSS_IPV6_EX = RTE_ETH_RSS_IPV6_EX;
static const uint64_t RINGWAY_RSS_IPV6_TCP_EX = RTE_ETH_RSS_IPV6_TCP_EX;
static const uint64_t RINGWAY_RSS_IPV6_UDP_EX = RTE_ETH_RSS_IPV6_UDP_EX;
static const uint64_t RINGWAY_RSS_PORT = RTE_ETH_RSS_PORT;
static const uint64_t RINGWAY_RSS_VXLAN = RTE_ETH_RSS_VXLAN;
static const uint64_t RINGWAY_RSS_GENEVE = RTE_ETH_RSS_GENEVE;
static const uint64_t RINGWAY_RSS_NVGRE = RTE_ETH_RSS_NVGRE;
static const uint64_t RINGWAY_RSS_C_VLAN = RTE_ETH_RSS_C_VLAN;
static const uint64_t RINGWAY_RSS_S_VLAN = RTE_ETH_RSS_S_VLAN;

static const uint64_t RINGWAY_RX_VLAN_STRIPPED = RTE_MBUF_F_RX_VLAN_STRIPPED;
static const uint64_t RINGWAY_RX_QINQ_STRIPPED = RTE_MBUF_F_RX_QINQ_STRIPPED;
static const uint64_t RINGWAY_TX_IPV4 = RTE_MBUF_F_TX_IPV4;
static const uint64_t RINGWAY_TX_IPV6 = RTE_MBUF_F_TX_IPV6;
static const uint64_t RINGWAY_TX_IP_CKSUM = RTE_MBUF_F_TX_IP_CKSUM;
static const uint64_t RINGWAY_TX_TCP_CKSUM = RTE_MBUF_F_TX_TCP_CKSUM;
static const uint64_t RINGWAY_TX_UDP_CKSUM = RTE_MBUF_F_TX_UDP_CKSUM;
static const uint64_t RINGWAY_TX_SCTP_CKSUM = RTE_MBUF_F_TX_SCTP_CKSUM;

/* Bursts. */
uint16_t ringway_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
uint16_t ringway_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
uint16_t ringway_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
void ringway_free_burst(struct rte_mbuf **mbufs, uint16_t count);
bool ringway_linearize(struct rte_mbuf *mbuf);
int ringway_rx_queue_count(uint16_t port, uint16_t queue);

/* Messages. */
bool ringway_log_to(void (*line)(const char *bytes, size_t count));

/* Links: later releases wrap the fields in a union. */
struct ringway_link {
	uint32_t speed;
	bool up;
	bool full_duplex;
	bool autoneg;
};
int ringway_link_get(uint16_t port, struct ringway_link *link);

/* Threads. */
int ringway_errno(void);
void ringway_set_lcore_id(uint32_t lcore);

/* Pools. */
struct rte_mempool_cache *ringway_mempool_cache(struct rte_mempool *pool, uint32_t lcore);
void ringway_mempool_cache_flush(struct rte_mempool *pool, uint32_t lcore);
uint32_t ringway_mempool_header_size(const struct rte_mempool *pool);
uint32_t ringway_mempool_object_stride(const struct rte_mempool *pool);

/* Writes a route straight into what lookups of rte_lpm read: rte_lpm_add searches the list of rules from its start, so that a full
 * table takes hours. Routes have to come shorter before longer; `groups` counts the blocks of 256 entries, `most` of which there are. */
int ringway_lpm_fill(struct rte_lpm *lpm, uint32_t address, uint8_t depth, uint32_t next_hop, uint32_t *groups, uint32_t most);
/* Longest-prefix match, a burst a call. */
/* The vector form that l3fwd uses: four addresses at a time, `missing` where there is no route. */
void ringway_lpm_lookup_x4(const struct rte_lpm *lpm, const uint32_t *addresses, uint32_t *next_hops, unsigned int count,
		uint32_t missing);
/* Addresses of 16 bytes each, end to end: later releases have a type of their own for them. */
int ringway_lpm6_add(struct rte_lpm6 *lpm, const uint8_t *address, uint8_t depth, uint32_t next_hop);
int ringway_lpm6_lookup_bulk(const struct rte_lpm6 *lpm, const uint8_t *addresses, int32_t *next_hops, unsigned int count);
int ringway_fib6_add(struct rte_fib6 *fib, const uint8_t *address, uint8_t depth, uint64_t next_hop);
int ringway_fib6_delete(struct rte_fib6 *fib, const uint8_t *address, uint8_t depth);
int ringway_fib6_lookup_bulk(struct rte_fib6 *fib, const uint8_t *addresses, uint64_t *next_hops, int count);

#endif
