//! Linux interfaces from the outside: what netdevice(7), ethtool and rtnetlink tell of one and let us set.
//!
//! An [`Interface`] is known by its index, not by its name: a name can move to another device, and a device that was deleted and
//! made again has a new index. Every call looks the name up first, so it fails with `ENODEV` once the device is gone.
//!
//! Read first: netdevice(7), rtnetlink(7), the kernel's `include/uapi/linux/ethtool.h`.

mod deferral;
mod device;
mod ethtool;
mod interface;
mod journal;
mod mtu;

pub(crate) use device::Device;
pub(crate) use interface::Interface;
