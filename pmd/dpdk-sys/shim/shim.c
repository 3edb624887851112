/* fopencookie. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <string.h>

#include <rte_vect.h>

_Static_assert(RTE_VERSION >= RTE_VERSION_NUM(22, 11, 0, 0), "ringway needs DPDK 22.11 or later");
_Static_assert(RTE_PKTMBUF_HEADROOM == 128, "ringway's HEADROOM is the one DPDK is built with");

uint16_t ringway_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_rx_burst(port, queue, mbufs, count);
}

uint16_t ringway_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_burst(port, queue, mbufs, count);
}

uint16_t ringway_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_prepare(port, queue, mbufs, count);
}

void ringway_free_burst(struct rte_mbuf **mbufs, uint16_t count)
{
	rte_pktmbuf_free_bulk(mbufs, count);
}

bool ringway_linearize(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_linearize(mbuf) == 0;
}

int ringway_rx_queue_count(uint16_t port, uint16_t queue)
{
	return rte_eth_rx_queue_count(port, queue);
}

int ringway_link_get(uint16_t port, struct ringway_link *link)
{
	struct rte_eth_link state;
	int result = rte_eth_link_get_nowait(port, &state);

	link->speed = state.link_speed;
	link->up = state.link_status == RTE_ETH_LINK_UP;
	link->full_duplex = state.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	link->autoneg = state.link_autoneg == RTE_ETH_LINK_AUTONEG;
	return result;
}

int ringway_errno(void)
{
	return rte_errno;
}

void ringway_set_lcore_id(uint32_t lcore)
{
	RTE_PER_LCORE(_lcore_id) = lcore;
}

struct rte_mempool_cache *ringway_mempool_cache(struct rte_mempool *pool, uint32_t lcore)
{
	return rte_mempool_default_cache(pool, lcore);
}

void ringway_mempool_cache_flush(struct rte_mempool *pool, uint32_t lcore)
{
	struct rte_mempool_cache *cache = rte_mempool_default_cache(pool, lcore);

	if (cache != NULL)
		rte_mempool_cache_flush(cache, pool);
}

uint32_t ringway_mempool_header_size(const struct rte_mempool *pool)
{
	return pool->header_size;
}

uint32_t ringway_mempool_object_stride(const struct rte_mempool *pool)
{
	return pool->header_size + pool->elt_size + pool->trailer_size;
}

void ringway_lpm_lookup_x4(const struct rte_lpm *lpm, const uint32_t *addresses, uint32_t *next_hops, unsigned int count,
		uint32_t missing)
{
	unsigned int i;
	uint32_t next_hop;

	for (i = 0; i + 4 <= count; i += 4) {
		xmm_t four;

		memcpy(&four, &addresses[i], sizeof(four));
		rte_lpm_lookupx4(lpm, four, &next_hops[i], missing);
	}
	for (; i < count; i++)
		next_hops[i] = rte_lpm_lookup(lpm, addresses[i], &next_hop) == 0 ? next_hop : missing;
}

int ringway_lpm_fill(struct rte_lpm *lpm, uint32_t address, uint8_t depth, uint32_t next_hop, uint32_t *groups, uint32_t most)
{
	struct rte_lpm_tbl_entry entry = { .next_hop = next_hop, .valid = 1, .valid_group = depth > 24, .depth = depth };
	struct rte_lpm_tbl_entry *first = &lpm->tbl24[address >> 8];
	uint32_t count = depth > 24 ? 1u << (32 - depth) : 1u << (24 - depth);

	if (depth > 24) {
		if (!first->valid_group) {
			struct rte_lpm_tbl_entry outside = *first, group = { .next_hop = *groups, .valid = 1, .valid_group = 1 };

			if (*groups == most)
				return -ENOSPC;
			outside.valid_group = 1;
			for (unsigned int i = 0; i < 256; i++)
				lpm->tbl8[*groups * 256 + i] = outside;
			*first = group;
			++*groups;
		}
		first = &lpm->tbl8[first->next_hop * 256 + (address & 0xff)];
	}
	for (uint32_t i = 0; i < count; i++)
		first[i] = entry;
	return 0;
}

/* 24.11 gave IPv6 addresses a type; before, they were arrays of 16 bytes. Both are the same bytes. */
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
typedef struct rte_ipv6_addr ipv6_addresses;
#define ONE(address) ((const struct rte_ipv6_addr *)(const void *)(address))
#define MANY(addresses) ((const ipv6_addresses *)(const void *)(addresses))
#else
typedef uint8_t ipv6_addresses[16];
#define ONE(address) (address)
#define MANY(addresses) ((ipv6_addresses *)(uintptr_t)(addresses))
#endif

int ringway_lpm6_add(struct rte_lpm6 *lpm, const uint8_t *address, uint8_t depth, uint32_t next_hop)
{
	return rte_lpm6_add(lpm, ONE(address), depth, next_hop);
}

int ringway_lpm6_lookup_bulk(const struct rte_lpm6 *lpm, const uint8_t *addresses, int32_t *next_hops, unsigned int count)
{
	return rte_lpm6_lookup_bulk_func(lpm, MANY(addresses), next_hops, count);
}

int ringway_fib6_add(struct rte_fib6 *fib, const uint8_t *address, uint8_t depth, uint64_t next_hop)
{
	return rte_fib6_add(fib, ONE(address), depth, next_hop);
}

int ringway_fib6_delete(struct rte_fib6 *fib, const uint8_t *address, uint8_t depth)
{
	return rte_fib6_delete(fib, ONE(address), depth);
}

int ringway_fib6_lookup_bulk(struct rte_fib6 *fib, const uint8_t *addresses, uint64_t *next_hops, int count)
{
	return rte_fib6_lookup_bulk(fib, MANY(addresses), next_hops, count);
}

/* What EAL and the drivers log goes line by line to a function, which is told how many bytes there are. */
static void (*log_line)(const char *bytes, size_t count);

static ssize_t write_log(void *cookie, const char *bytes, size_t count)
{
	(void)cookie;
	log_line(bytes, count);
	return count;
}

bool ringway_log_to(void (*line)(const char *bytes, size_t count))
{
	cookie_io_functions_t functions = { .write = write_log };
	FILE *stream = fopencookie(NULL, "w", functions);

	if (stream == NULL)
		return false;
	log_line = line;
	setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	return rte_openlog_stream(stream) == 0;
}
