//! testpmd's commands that are not here: a line that begins like one of them is answered with `not supported`, and with what there
//! is instead. From what `help all` of 22.11 lists; what neither table knows stays unknown.

use crate::cli::grammar::words::Word;

/// How a command begins, and what there is instead. In a head `a|b` is one of these words and `*` any word.
struct Absent {
    head: &'static str,
    instead: &'static str,
}

const fn absent(head: &'static str) -> Absent {
    Absent { head, instead: "" }
}

const fn instead(head: &'static str, instead: &'static str) -> Absent {
    Absent { head, instead }
}

/// What a line asks for that is not here: the words that say so, and what there is instead.
pub fn find(words: &[Word]) -> Option<(String, &'static str)> {
    let fits = |absent: &&Absent| {
        let head = absent.head.split(' ');
        head.clone().count() <= words.len()
            && head
                .zip(words)
                .all(|(wanted, word)| wanted == "*" || wanted.split('|').any(|wanted| wanted == word.text))
    };
    // The longest head says most.
    let found = ABSENT.iter().filter(fits).max_by_key(|absent| absent.head.split(' ').count())?;
    let said = words.iter().take(found.head.split(' ').count()).map(|word| word.text.as_str());
    Some((said.collect::<Vec<_>>().join(" "), found.instead))
}

const CONFIGURED: &str = "the configuration file sets it at the start";
const QUEUES: &str = "`port config all rxq|txq|rxd|txd` sets queues and rings of every port";
const ONE_SEGMENT: &str = "packets have one segment; `set txpkts` sets its size";
const CHECKSUMS: &str = "a tunnel is taken for what it carries it in; `csum set` is there";
const AUDIT: &str = "`show pool` tells where each buffer is";

static ABSENT: &[Absent] = &[
    // Display.
    instead("show port fdir|dcb_tc", "`show port info` is there"),
    instead("show port info * representor", "`show port info` is there"),
    absent("show port * fec|fec_mode|flow|flow_ctrl|pctype|ptypes|queue-region|tx_metadata"),
    absent("show port * gro|gso|module_eeprom|eeprom|tm|meter|dcb_tc"),
    absent("show port meter|tm"),
    instead("show port * mcast_macs", "`show port PORT macs` is there; `set allmulti` receives every group"),
    instead("show port * rxq|txq * desc * status", "`show port PORT rxq|txq QUEUE desc used count` is there"),
    instead("show config rxoffs|rxpkts|rxhdrs", ONE_SEGMENT),
    instead("show device info", "`show port info` is there"),
    absent("show bonding|bypass"),
    instead("show vf", "functions are ports of their own"),
    absent("show ts|all|cfa"),
    instead("read reg|regfield|regbit|rxd|txd", "`show port PORT rxq|txq QUEUE desc used count` is there"),
    absent("write reg|regfield|regbit"),
    instead("dump_physmem|dump_memzone|dump_socket_mem|dump_struct_sizes|dump_ring|dump_devargs", AUDIT),
    instead("dump_log_types|dump_trace", "`set log global LEVEL` is there"),
    instead("clear port info|fdir", "`clear port stats|xstats` is there"),
    instead("clear vf", "functions are ports of their own"),
    // Control and configuration.
    instead("set flush_rx", "nothing is read before `start`"),
    instead("set rxoffs|rxpkts|rxhdrs|txsplit", ONE_SEGMENT),
    absent("set txtimes"),
    instead("set stat_qmap", "`show port xstats` counts by queue where the device does"),
    instead("set xstats-hide-zero", "`show port xstats --json` is easily filtered"),
    absent("set port * gro|gso|fec_mode|ptype_mask|queue|queue-region|rxq|uta|vf"),
    absent("set port meter|tm|setup"),
    absent("set gro|gso|tso"),
    absent("set flow_ctrl|pfc_ctrl|pfc_queue_ctrl"),
    absent("set bonding|bypass|macsec|tc"),
    instead("set vf", "functions are ports of their own"),
    absent("set tx loopback|strict-link-priority"),
    absent("set all queues"),
    absent("set raw_decap|raw_encap|sample_actions|vxlan|vxlan-tos-ttl|vxlan-with-vlan|nvgre|nvgre-with-vlan"),
    absent("set l2_encap|l2_decap|mplsogre_encap|mplsogre_decap|mplsoudp_encap|mplsoudp_decap|conntrack"),
    instead("set fwd shared-rxq|shared_rxq|recycle_mbufs|ieee1588", "`help set fwd` lists the modes"),
    instead("csum parse-tunnel|mac-swap", CHECKSUMS),
    absent("tso|tunnel_tso set|show"),
    // VLAN and addresses.
    instead("vlan set qinq_strip|extend|stripq|inner|outer", "`vlan set strip|filter` is there"),
    instead("tx_vlan set pvid", "`tx_vlan set PORT VLAN` is there"),
    absent("rx_vxlan_port"),
    instead("mac_addr add port", "functions are ports of their own"),
    instead("mcast_addr add|remove|flush", "`set allmulti` receives every group"),
    // Ports.
    instead("port config * rxq|txq * ring_size", QUEUES),
    instead("port * rxq|txq * setup|deferred_start", QUEUES),
    instead("port * rxq * rx_offload", CONFIGURED),
    instead("port * txq * tx_offload", CONFIGURED),
    instead("port config * rx_offload|tx_offload", CONFIGURED),
    instead("port config * speed|loopback", "the link is as the device negotiates it"),
    instead(
        "port config all drop-en|max-lro-pkt-size|txfreet|txrst|rxfreet|txpt|txht|txwt|rxpt|rxht|rxwt|hw-vlan",
        CONFIGURED,
    ),
    absent("port config * dcb|dynf|pctype|tx_metadata|udp_tunnel_port|bypass"),
    absent("port cleanup|tm"),
    instead("device detach", "`port detach` is there"),
    // What belongs to flows, tunnels and traffic management.
    instead(
        "flow create|destroy|flush|validate|query|list|isolate|dump|aged|indirect_action|tunnel",
        "routes and VLANs decide where packets go",
    ),
    instead(
        "flow info|configure|pattern_template|actions_template|template_table|queue|push|pull|flex_item",
        "routes and VLANs decide where packets go",
    ),
    instead(
        "flow_director_filter|flow_director_mask|flow_director_flex_mask",
        "routes and VLANs decide where packets go",
    ),
    absent("add|del|enable|disable|create|suspend|resume|remove port"),
    absent("add|remove|create bonding|bonded"),
    absent("ddp|ptype|bpf-load|bpf-unload|mlx5"),
    absent("hash_index|global_config|set_hash_input_set|get_sym_hash_ena_per_port"),
];

#[cfg(test)]
mod tests {
    use crate::cli::command::Command;
    use crate::cli::grammar::parse;
    use crate::cli::grammar::table::rows;

    fn answer(line: &str) -> Command {
        parse(line).unwrap().unwrap().command
    }

    #[test]
    fn what_testpmd_has_and_ringway_has_not_is_named_as_such() {
        for line in [
            "flow create 0 ingress pattern eth / end actions drop / end",
            "set vf promisc 0 1 on",
            "show port 0 fec_mode",
            "port config 0 rxq 0 ring_size 512",
            "tso set 800 0",
            "csum parse-tunnel on 0",
            "vlan set qinq_strip on 0",
            "add port tm leaf node 0 1 2 3 4 5 6 7 8",
            "dump_struct_sizes",
        ] {
            let Command::NotSupported { asked, .. } = answer(line) else { panic!("{line}") };
            assert!(line.starts_with(&asked), "{line}: {asked}");
        }
    }

    #[test]
    fn what_nobody_has_stays_unknown() {
        for line in ["frobnicate", "flow", "set", "show port 0 colour", "flow frobnicate 0"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn no_head_hides_a_command() {
        for row in rows() {
            assert!(!matches!(answer(row.example), Command::NotSupported { .. }), "{}", row.example);
        }
    }

    #[test]
    fn a_mistake_in_a_command_of_ours_is_told_as_a_mistake() {
        assert!(parse("csum set ip").is_err());
        assert!(parse("vlan set strip perhaps 0").is_err());
    }
}
