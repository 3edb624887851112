//! Offloads and hash types: ringway's names for them and DPDK's bits.

use super::sys;
use crate::{RssTypes, RxOffloads, TxOffloads};

const RX: [(RxOffloads, u64); 16] = [
    (RxOffloads::VLAN_STRIP, sys::RINGWAY_RX_OFFLOAD_VLAN_STRIP),
    (RxOffloads::IPV4_CKSUM, sys::RINGWAY_RX_OFFLOAD_IPV4_CKSUM),
    (RxOffloads::UDP_CKSUM, sys::RINGWAY_RX_OFFLOAD_UDP_CKSUM),
    (RxOffloads::TCP_CKSUM, sys::RINGWAY_RX_OFFLOAD_TCP_CKSUM),
    (RxOffloads::TCP_LRO, sys::RINGWAY_RX_OFFLOAD_TCP_LRO),
    (RxOffloads::QINQ_STRIP, sys::RINGWAY_RX_OFFLOAD_QINQ_STRIP),
    (RxOffloads::OUTER_IPV4_CKSUM, sys::RINGWAY_RX_OFFLOAD_OUTER_IPV4_CKSUM),
    (RxOffloads::VLAN_FILTER, sys::RINGWAY_RX_OFFLOAD_VLAN_FILTER),
    (RxOffloads::VLAN_EXTEND, sys::RINGWAY_RX_OFFLOAD_VLAN_EXTEND),
    (RxOffloads::SCATTER, sys::RINGWAY_RX_OFFLOAD_SCATTER),
    (RxOffloads::TIMESTAMP, sys::RINGWAY_RX_OFFLOAD_TIMESTAMP),
    (RxOffloads::KEEP_CRC, sys::RINGWAY_RX_OFFLOAD_KEEP_CRC),
    (RxOffloads::SCTP_CKSUM, sys::RINGWAY_RX_OFFLOAD_SCTP_CKSUM),
    (RxOffloads::OUTER_UDP_CKSUM, sys::RINGWAY_RX_OFFLOAD_OUTER_UDP_CKSUM),
    (RxOffloads::RSS_HASH, sys::RINGWAY_RX_OFFLOAD_RSS_HASH),
    (RxOffloads::SECURITY, sys::RINGWAY_RX_OFFLOAD_SECURITY),
];

const TX: [(TxOffloads, u64); 15] = [
    (TxOffloads::VLAN_INSERT, sys::RINGWAY_TX_OFFLOAD_VLAN_INSERT),
    (TxOffloads::IPV4_CKSUM, sys::RINGWAY_TX_OFFLOAD_IPV4_CKSUM),
    (TxOffloads::UDP_CKSUM, sys::RINGWAY_TX_OFFLOAD_UDP_CKSUM),
    (TxOffloads::TCP_CKSUM, sys::RINGWAY_TX_OFFLOAD_TCP_CKSUM),
    (TxOffloads::SCTP_CKSUM, sys::RINGWAY_TX_OFFLOAD_SCTP_CKSUM),
    (TxOffloads::TCP_TSO, sys::RINGWAY_TX_OFFLOAD_TCP_TSO),
    (TxOffloads::UDP_TSO, sys::RINGWAY_TX_OFFLOAD_UDP_TSO),
    (TxOffloads::OUTER_IPV4_CKSUM, sys::RINGWAY_TX_OFFLOAD_OUTER_IPV4_CKSUM),
    (TxOffloads::QINQ_INSERT, sys::RINGWAY_TX_OFFLOAD_QINQ_INSERT),
    (TxOffloads::MT_LOCKFREE, sys::RINGWAY_TX_OFFLOAD_MT_LOCKFREE),
    (TxOffloads::MULTI_SEGS, sys::RINGWAY_TX_OFFLOAD_MULTI_SEGS),
    (TxOffloads::MBUF_FAST_FREE, sys::RINGWAY_TX_OFFLOAD_MBUF_FAST_FREE),
    (TxOffloads::SECURITY, sys::RINGWAY_TX_OFFLOAD_SECURITY),
    (TxOffloads::OUTER_UDP_CKSUM, sys::RINGWAY_TX_OFFLOAD_OUTER_UDP_CKSUM),
    (TxOffloads::SEND_ON_TIMESTAMP, sys::RINGWAY_TX_OFFLOAD_SEND_ON_TIMESTAMP),
];

const RSS: [(RssTypes, u64); 21] = [
    (RssTypes::IPV4, sys::RINGWAY_RSS_IPV4),
    (RssTypes::FRAG_IPV4, sys::RINGWAY_RSS_FRAG_IPV4),
    (RssTypes::IPV4_TCP, sys::RINGWAY_RSS_NONFRAG_IPV4_TCP),
    (RssTypes::IPV4_UDP, sys::RINGWAY_RSS_NONFRAG_IPV4_UDP),
    (RssTypes::IPV4_SCTP, sys::RINGWAY_RSS_NONFRAG_IPV4_SCTP),
    (RssTypes::IPV4_OTHER, sys::RINGWAY_RSS_NONFRAG_IPV4_OTHER),
    (RssTypes::IPV6, sys::RINGWAY_RSS_IPV6),
    (RssTypes::FRAG_IPV6, sys::RINGWAY_RSS_FRAG_IPV6),
    (RssTypes::IPV6_TCP, sys::RINGWAY_RSS_NONFRAG_IPV6_TCP),
    (RssTypes::IPV6_UDP, sys::RINGWAY_RSS_NONFRAG_IPV6_UDP),
    (RssTypes::IPV6_SCTP, sys::RINGWAY_RSS_NONFRAG_IPV6_SCTP),
    (RssTypes::IPV6_OTHER, sys::RINGWAY_RSS_NONFRAG_IPV6_OTHER),
    (RssTypes::L2_PAYLOAD, sys::RINGWAY_RSS_L2_PAYLOAD),
    (RssTypes::IPV6_EX, sys::RINGWAY_RSS_IPV6_EX),
    (RssTypes::IPV6_TCP_EX, sys::RINGWAY_RSS_IPV6_TCP_EX),
    (RssTypes::IPV6_UDP_EX, sys::RINGWAY_RSS_IPV6_UDP_EX),
    (RssTypes::PORT, sys::RINGWAY_RSS_PORT),
    (RssTypes::VXLAN, sys::RINGWAY_RSS_VXLAN),
    (RssTypes::GENEVE, sys::RINGWAY_RSS_GENEVE),
    (RssTypes::NVGRE, sys::RINGWAY_RSS_NVGRE),
    (RssTypes::VLAN, sys::RINGWAY_RSS_C_VLAN | sys::RINGWAY_RSS_S_VLAN),
];

/// Ringway's names for DPDK's receive offloads.
pub(super) fn rx_offloads(bits: u64) -> RxOffloads {
    RX.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name).collect()
}

/// DPDK's bits of receive offloads.
pub(super) fn rx_bits(offloads: RxOffloads) -> u64 {
    RX.iter().filter(|(name, _)| offloads.contains(*name)).map(|(_, bit)| bit).sum()
}

/// Ringway's names for DPDK's transmit offloads.
pub(super) fn tx_offloads(bits: u64) -> TxOffloads {
    TX.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name).collect()
}

/// DPDK's bits of transmit offloads.
pub(super) fn tx_bits(offloads: TxOffloads) -> u64 {
    TX.iter().filter(|(name, _)| offloads.contains(*name)).map(|(_, bit)| bit).sum()
}

/// Ringway's names for DPDK's hash types.
pub(super) fn rss_types(bits: u64) -> RssTypes {
    RSS.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name).collect()
}

/// DPDK's bits of hash types.
pub(super) fn rss_bits(types: RssTypes) -> u64 {
    RSS.iter().filter(|(name, _)| types.contains(*name)).map(|(_, bits)| bits).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offload_and_hash_type_goes_to_dpdk_and_back() {
        let rx = RxOffloads::all() - RxOffloads::BUFFER_SPLIT;
        assert_eq!(rx_offloads(rx_bits(rx)), rx);
        assert_eq!(tx_offloads(tx_bits(TxOffloads::all())), TxOffloads::all());
        assert_eq!(rss_types(rss_bits(RssTypes::all())), RssTypes::all());
    }
}
