//! Routes of an MRT dump. The crate `bgpkit-parser` reads the records.
//!
//! A dump holds, for each prefix, what every peer of the collector announced. One router forwards by one of them: the first
//! that says where it goes.

use bgpkit_parser::BgpkitParser;
use bgpkit_parser::iters::FallibleRecordIterator;
use bgpkit_parser::models::{MrtMessage, RibEntry, TableDumpV2Message};

use super::{FileRoute, Place, Stream, Via};

/// The prefixes of a dump.
pub struct MrtRoutes {
    records: FallibleRecordIterator<Stream>,
    number: u64,
}

impl MrtRoutes {
    pub fn new(stream: Stream) -> Self {
        Self { records: BgpkitParser::from_reader(stream).into_fallible_record_iter(), number: 0 }
    }

    /// The record read last, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn next(&mut self) -> Option<Result<FileRoute, (Place, String)>> {
        loop {
            let record = self.records.next()?;
            self.number += 1;
            let place = Place::Record(self.number);
            let message = match record {
                Ok(record) => record.message,
                Err(error) => return Some(Err((place, error.error.to_string()))),
            };
            let (prefix, entries) = match message {
                MrtMessage::TableDumpV2Message(TableDumpV2Message::RibAfi(rib)) => (rib.prefix.prefix, rib.rib_entries),
                // Who the peers are says nothing of routes.
                MrtMessage::TableDumpV2Message(
                    TableDumpV2Message::PeerIndexTable(_) | TableDumpV2Message::GeoPeerTable(_),
                ) => continue,
                MrtMessage::TableDumpV2Message(TableDumpV2Message::RibGeneric(rib)) => {
                    (rib.nlri.prefix, rib.rib_entries)
                }
                MrtMessage::TableDumpMessage(_) | MrtMessage::Bgp4Mp(_) => {
                    return Some(Err((
                        place,
                        "is not of TABLE_DUMP_V2: give the dump of a table, not of updates".into(),
                    )));
                }
                _ => return Some(Err((place, "is not of TABLE_DUMP_V2: give the dump of a table".into()))),
            };
            let vias = entries.iter().map(via);
            let via =
                vias.reduce(|first, other| if first.address.is_some() { first } else { other }).unwrap_or_default();
            return Some(Ok(FileRoute { prefix: prefix.trunc(), via }));
        }
    }
}

fn via(entry: &RibEntry) -> Via {
    let attributes = &entry.attributes;
    let reachable = || attributes.get_reachable_nlri().and_then(|nlri| nlri.next_hop.as_ref()).map(|hop| hop.addr());
    let origin = attributes.as_path().and_then(|path| path.get_origin_opt());
    Via { address: attributes.next_hop().or_else(reachable), origin_as: origin.map(u32::from), ..Via::default() }
}
