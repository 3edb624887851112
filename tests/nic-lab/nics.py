"""The NICs of the lab: what QEMU is told, and what each of them cannot do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Nic:
    """One kind of NIC; the lab has two of each."""

    name: str
    model: str  # QEMU's name of the device
    options: str = ""  # further properties of the device
    pmd: str = ""  # the driver that DPDK has for it
    rss: bool = False  # the model spreads packets over queues by their hash
    noise: tuple = ()  # lines that QEMU prints about a healthy one


# vmxnet3 reads its shared memory, at address 0 still, when the driver gives it the first commands, before its memory is set up.
_VMXNET3_NOISE = (
    r"vtd_iova_to_slpte: detected slpte permission error \(iova=0x18,",
    r"vtd_iommu_translate: detected translation failure \(dev=[0-9a-f:]+, iova=0x18\)",
    r"New fault is not recorded due to compression of faults",
    r"vmxnet3_get_command_status\]: Received request for unknown command: cafe000f",
)

NICS = (
    Nic("virtio", "virtio-net-pci", "disable-legacy=on,iommu_platform=on", "net_virtio"),
    Nic("e1000", "e1000", "", "net_e1000_em"),
    Nic("e1000e", "e1000e", "", "net_e1000_em"),
    Nic("vmxnet3", "vmxnet3", "", "net_vmxnet3", noise=_VMXNET3_NOISE),
    Nic("igb", "igb", "", "net_e1000_igb", rss=True),
)


@dataclass(frozen=True)
class Port:
    """One NIC of the guest with the network on its cable."""

    nic: Nic
    number: int  # position in the machine, from 0
    side: int  # 0 or 1 within its pair

    @property
    def name(self):
        return f"{self.nic.name}-{self.side}"

    @property
    def mac(self):
        return bytes((0x02, 0x52, 0x57, 0, 0, self.number + 1))

    @property
    def host_mac(self):
        return bytes((0x02, 0x48, 0x4f, 0, 0, self.number + 1))

    @property
    def pci(self):
        """Its address in the guest: each NIC is alone behind a root port, and those are numbered in order."""
        return f"0000:{self.number + 1:02x}:00.0"

    @property
    def network(self):
        return f"10.0.{self.number}"

    @property
    def address(self):
        return f"{self.network}.1"

    @property
    def host(self):
        return f"{self.network}.2"

    @property
    def address6(self):
        return f"2001:db8:{self.number:x}::1"

    @property
    def host6(self):
        return f"2001:db8:{self.number:x}::2"


def lay_out(nics):
    """The ports of a machine with a pair of each kind."""
    return [Port(nic, 2 * at + side, side) for at, nic in enumerate(nics) for side in (0, 1)]
