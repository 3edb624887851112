//! The kinds of arguments a pattern can ask for, and the values they give.
//!
//! A kind decides alone whether a word is one of its own; when it almost is, it says what is wrong with it, and that
//! beats any "expected an address".

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use macaddr::MacAddr6;

use crate::cli::command::PortSelector;
use crate::cli::port_command;

/// What may stand in the place of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `198.51.100.0/24`, a bare address for one host, or `default`.
    Prefix,
    /// `198.51.100.1`
    Address,
    /// `02:00:00:00:00:01`
    Mac,
    /// A port's name, its number, or `all`.
    Port,
    /// An interface's name.
    Interface,
    /// A VRF's name.
    Vrf,
    /// A number from the first to the second, both included.
    Number(u64, u64),
    /// One of these words, or an abbreviation of one.
    Choice(Vec<&'static str>),
    /// The path of a file.
    File,
    /// One word.
    Word,
    /// Numbers, joined by commas: `64` or `64,128`.
    Numbers,
    /// Masks in round brackets, joined by commas: `(0xff,0x0)`.
    Masks,
    /// Numbers joined by commas, each once: `0,2,4`, `0-3`.
    List,
    /// The same as the bits of a hexadecimal number: `0x5`.
    Mask,
    /// Every word that is left.
    Words,
}

/// What an argument was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Prefix`].
    Prefix(IpNet),
    /// Of [`Kind::Prefix`]: `default`, of the family that the rest of the line says.
    Default,
    /// Of [`Kind::Address`].
    Address(IpAddr),
    /// Of [`Kind::Mac`].
    Mac(MacAddr6),
    /// Of [`Kind::Port`].
    Port(PortSelector),
    /// Of [`Kind::Interface`], [`Kind::Vrf`], [`Kind::Word`], [`Kind::File`] and each word of [`Kind::Words`].
    Text(String),
    /// Of [`Kind::Number`].
    Number(u64),
    /// Of [`Kind::Numbers`] and [`Kind::Masks`].
    Numbers(Vec<u64>),
    /// Of [`Kind::List`] and [`Kind::Mask`].
    List(Vec<u16>),
    /// Of [`Kind::Choice`], in full.
    Choice(&'static str),
}

/// Why a word is not an argument of some kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It has nothing to do with the kind.
    Unlike,
    /// It is meant to be one, and this is what is wrong.
    Because(String),
}

impl Kind {
    /// Reads `text` as this kind; [`Kind::Choice`] is read by the matcher, which knows abbreviations.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn read(&self, text: &str) -> Result<Value, Refusal> {
        match self {
            Self::Prefix if text == "default" => Ok(Value::Default),
            Self::Prefix => prefix(text).map(Value::Prefix),
            Self::Address => address(text).map(Value::Address),
            Self::Mac => mac(text).map(Value::Mac),
            Self::Port => port(text).map(Value::Port),
            Self::Interface | Self::Vrf | Self::Word => name(text).map(|text| Value::Text(text.to_owned())),
            Self::Number(low, high) => number(text, *low, *high).map(Value::Number),
            Self::Numbers => numbers(text).map(Value::Numbers),
            Self::Masks => masks(text).map(Value::Numbers),
            Self::Choice(words) => {
                words.iter().find(|word| **word == text).map_or(Err(Refusal::Unlike), |word| Ok(Value::Choice(word)))
            }
            Self::List => port_command::list(text).map(Value::List).ok_or(Refusal::Unlike),
            Self::Mask => port_command::mask(text).map(Value::List).ok_or(Refusal::Unlike),
            Self::File if text.is_empty() => Err(Refusal::Because("the file name is empty".into())),
            Self::File | Self::Words => Ok(Value::Text(text.to_owned())),
        }
    }

    /// The kind in words, with an example, to follow "expected".
    pub fn describe(&self) -> String {
        match self {
            Self::Prefix => "a prefix (198.51.100.0/24, 2001:db8::/32, default)".into(),
            Self::Address => "an address (198.51.100.1, 2001:db8::1)".into(),
            Self::Mac => "a MAC address (02:00:00:00:00:01)".into(),
            Self::Port => "a port (its name, its number, all)".into(),
            Self::Interface => "an interface (its name)".into(),
            Self::Vrf => "a VRF (its name, default)".into(),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Choice(words) => words.join("|"),
            Self::File => "a file name".into(),
            Self::Word => "a word".into(),
            Self::Numbers => "numbers joined by commas (64,128)".into(),
            Self::Masks => "masks in brackets ((0xff,0x0))".into(),
            Self::List => "numbers, each once (0,2,4)".into(),
            Self::Mask => "a hexadecimal mask of at least one bit (0x5)".into(),
            Self::Words => "any words".into(),
        }
    }
}

fn prefix(text: &str) -> Result<IpNet, Refusal> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(IpNet::V6(address.into()));
    }
    if let Some((address, length)) = text.split_once('/')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        let net: Ipv6Net =
            text.parse().map_err(|_| Refusal::Because(format!("the length /{length} is not from /0 to /128")))?;
        return if net.trunc() == net { Ok(IpNet::V6(net)) } else { Err(host_bits(net.trunc().into())) };
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(IpNet::V4(address.into()));
    }
    let Some((address, length)) = text.split_once('/') else { return Err(looks_like_ipv4(text)) };
    if address.parse::<Ipv4Addr>().is_err() {
        return Err(looks_like_ipv4(address));
    }
    let net: Ipv4Net =
        text.parse().map_err(|_| Refusal::Because(format!("the length /{length} is not from /0 to /32")))?;
    if net.trunc() != net {
        return Err(host_bits(net.trunc().into()));
    }
    Ok(IpNet::V4(net))
}

fn host_bits(prefix: IpNet) -> Refusal {
    Refusal::Because(format!("it has bits set beyond its length; the prefix is {prefix}"))
}

fn address(text: &str) -> Result<IpAddr, Refusal> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(IpAddr::V6(address));
    }
    if text.parse::<IpNet>().is_ok() {
        return Err(Refusal::Because("it is a prefix; an address has no length".into()));
    }
    text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| looks_like_ipv4(text))
}

/// Digits and dots are meant to be an address; say what one looks like.
fn looks_like_ipv4(text: &str) -> Refusal {
    if text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        Refusal::Because("an IPv4 address is four numbers from 0 to 255, joined by dots".into())
    } else {
        Refusal::Unlike
    }
}

fn mac(text: &str) -> Result<MacAddr6, Refusal> {
    let mac: MacAddr6 = text.parse().map_err(|_| Refusal::Unlike)?;
    if mac.is_multicast() {
        return Err(Refusal::Because("it is a group address; one station has an even first byte".into()));
    }
    Ok(mac)
}

fn port(text: &str) -> Result<PortSelector, Refusal> {
    if text == "all" {
        return Ok(PortSelector::All);
    }
    if text.chars().all(|c| c.is_ascii_digit()) && !text.is_empty() {
        return text
            .parse()
            .map(PortSelector::Number)
            .map_err(|_| Refusal::Because("a port's number is at most 65535".into()));
    }
    name(text).map(|text| PortSelector::Name(text.to_owned()))
}

/// A name of a port or an interface: one printable word that cannot be taken for an option.
fn name(text: &str) -> Result<&str, Refusal> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if text.is_empty() || text.starts_with('-') || text.contains(odd) {
        return Err(Refusal::Unlike);
    }
    Ok(text)
}

fn number(text: &str, low: u64, high: u64) -> Result<u64, Refusal> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::Unlike);
    }
    // Digits that do not fit 64 bits are out of every range too.
    text.parse()
        .ok()
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| Refusal::Because(format!("it is not from {low} to {high}")))
}

/// Most numbers in a list: enough for every core, queue or segment there can be.
const LIST_MAX: usize = 1024;

fn numbers(text: &str) -> Result<Vec<u64>, Refusal> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit() || c == ',') {
        return Err(Refusal::Unlike);
    }
    let read = |word: &str| word.parse().ok();
    list(text, read).ok_or_else(|| Refusal::Because("a list is numbers joined by single commas, without spaces".into()))
}

fn masks(text: &str) -> Result<Vec<u64>, Refusal> {
    let Some(inside) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return Err(Refusal::Unlike);
    };
    let read = |word: &str| match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    let wrong = "masks are hexadecimal numbers of at most 64 bits, joined by commas, in brackets: (0xff,0x0)";
    list(inside, read).ok_or_else(|| Refusal::Because(wrong.into()))
}

fn list(text: &str, read: impl Fn(&str) -> Option<u64>) -> Option<Vec<u64>> {
    let words = text.split(',');
    if words.clone().count() > LIST_MAX {
        return None;
    }
    words.map(read).collect()
}

/// What a line bound to the names of its pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    values: Vec<(&'static str, Value)>,
    literals: Vec<&'static str>,
}

impl Arguments {
    /// Binds a value to a name.
    pub fn bind(&mut self, name: &'static str, value: Value) {
        self.values.push((name, value));
    }

    /// Notes that a literal word of the pattern was written.
    pub fn note(&mut self, literal: &'static str) {
        self.literals.push(literal);
    }

    /// Whether the literal word was written.
    pub fn has(&self, literal: &str) -> bool {
        self.literals.contains(&literal)
    }

    /// The value of an argument, if the line gave one.
    pub fn optional<T: FromValue>(&self, name: &str) -> Option<T> {
        self.values.iter().find(|(bound, _)| *bound == name).and_then(|(_, value)| T::from_value(value))
    }

    /// Every value bound to a name, in order.
    pub fn every<T: FromValue>(&self, name: &str) -> Vec<T> {
        let bound = self.values.iter().filter(|(bound, _)| *bound == name);
        bound.filter_map(|(_, value)| T::from_value(value)).collect()
    }

    /// Every argument in the order of the line.
    pub fn in_order(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// The value of an argument that the pattern requires.
    ///
    /// # Panics
    /// The row's pattern does not require an argument of this name and type: the table is wrong. A test builds a
    /// command from every row.
    pub fn required<T: FromValue>(&self, name: &str) -> T {
        self.optional(name).unwrap_or_else(|| panic!("the pattern does not bind `{name}` as its row reads it"))
    }
}

/// A type that an argument's value converts to.
pub trait FromValue: Sized {
    /// The value as this type, if it is of it.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($kind:ty: $pattern:pat => $result:expr;)*) => {$(
        impl FromValue for $kind {
            fn from_value(value: &Value) -> Option<Self> {
                match value { $pattern => $result, _ => None }
            }
        }
    )*};
}

/// `default` is of IPv4 where nothing else is said.
impl FromValue for IpNet {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Prefix(prefix) => Some(*prefix),
            Value::Default => Some(Ipv4Net::default().into()),
            _ => None,
        }
    }
}

from_value! {
    IpAddr: Value::Address(address) => Some(*address);
    MacAddr6: Value::Mac(mac) => Some(*mac);
    PortSelector: Value::Port(port) => Some(port.clone());
    String: Value::Text(text) => Some(text.clone());
    u8: Value::Number(number) => u8::try_from(*number).ok();
    Vec<u16>: Value::List(numbers) => Some(numbers.clone());
    u16: Value::Number(number) => u16::try_from(*number).ok();
    u32: Value::Number(number) => u32::try_from(*number).ok();
    &'static str: Value::Choice(word) => Some(word);
    Vec<u64>: Value::Numbers(numbers) => Some(numbers.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Kind, text: &str) -> String {
        match kind.read(text) {
            Err(Refusal::Because(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_prefix_is_a_network_a_host_or_the_default() {
        let read = |text| Kind::Prefix.read(text).unwrap();
        assert_eq!(read("default"), Value::Default);
        assert_eq!(read("0.0.0.0/0"), Value::Prefix("0.0.0.0/0".parse().unwrap()));
        assert_eq!(read("192.0.2.7"), Value::Prefix("192.0.2.7/32".parse().unwrap()));
        assert_eq!(read("192.0.2.0/24"), Value::Prefix("192.0.2.0/24".parse().unwrap()));
    }

    #[test]
    fn a_prefix_with_host_bits_is_told_its_network() {
        assert!(refusal(Kind::Prefix, "192.0.2.7/24").contains("192.0.2.0/24"));
    }

    #[test]
    fn a_length_beyond_32_is_named() {
        assert!(refusal(Kind::Prefix, "192.0.2.0/33").contains("/33"));
    }

    #[test]
    fn ipv6_is_read_as_ipv4_is() {
        let read = |text: &str| Kind::Prefix.read(text).unwrap();
        assert_eq!(read("2001:db8::1"), Value::Prefix("2001:db8::1/128".parse().unwrap()));
        assert_eq!(read("2001:db8::/32"), Value::Prefix("2001:db8::/32".parse().unwrap()));
        assert!(refusal(Kind::Prefix, "2001:db8::1/32").contains("2001:db8::/32"));
        assert!(refusal(Kind::Prefix, "2001:db8::/129").contains("/129"));
        assert_eq!(Kind::Address.read("fe80::1"), Ok(Value::Address("fe80::1".parse().unwrap())));
        assert!(refusal(Kind::Address, "2001:db8::/32").contains("no length"));
    }

    #[test]
    fn an_octet_too_large_is_explained() {
        assert!(refusal(Kind::Address, "192.0.2.256").contains("0 to 255"));
    }

    #[test]
    fn a_number_stays_within_its_range_however_long() {
        assert_eq!(Kind::Number(1, 512).read("512"), Ok(Value::Number(512)));
        assert!(refusal(Kind::Number(1, 512), "513").contains("1 to 512"));
        assert!(refusal(Kind::Number(1, 512), "99999999999999999999999").contains("1 to 512"));
        assert_eq!(Kind::Number(1, 512).read("-1"), Err(Refusal::Unlike));
    }

    #[test]
    fn a_port_is_a_number_a_name_or_all() {
        assert_eq!(Kind::Port.read("0"), Ok(Value::Port(PortSelector::Number(0))));
        assert_eq!(Kind::Port.read("all"), Ok(Value::Port(PortSelector::All)));
        assert_eq!(Kind::Port.read("p0"), Ok(Value::Port(PortSelector::Name("p0".into()))));
        assert!(refusal(Kind::Port, "65536").contains("65535"));
    }

    #[test]
    fn a_neighbor_cannot_have_a_group_address() {
        assert!(refusal(Kind::Mac, "01:00:5e:00:00:01").contains("group"));
        assert_eq!(Kind::Mac.read("02:00:00:00:00"), Err(Refusal::Unlike));
    }
}
