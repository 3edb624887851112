"""Raw frames on the cables of the lab: send what no kernel would send, and see every byte that comes back.

A Cable is a packet socket on `eth0` inside a host's namespace. The kernel of that host sees the frames too and answers
them as it likes, so every program marks its packets (an IP identification, a port, a payload) and looks for its mark.
"""

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time

from scapy.compat import raw
from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Padding, Raw

conf.verb = 0

A_ADDRESS, A_ROUTER = "192.0.2.10", "192.0.2.1"
B_ADDRESS, B_ROUTER = "198.51.100.2", "198.51.100.1"

_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_IGNORE_OUTGOING = 23
_PACKET_AUXDATA = 8
_TP_STATUS_VLAN_VALID = 1 << 4
_TP_STATUS_VLAN_TPID_VALID = 1 << 6
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(namespace_fd):
    if _libc.setns(namespace_fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Cable:
    """One end of a cable: every frame that arrives there, and a way to send any bytes."""

    def __init__(self, namespace, device="eth0"):
        """Opens the device in a namespace, by its name, or in our own (None)."""
        if namespace is None:
            self.socket = self._open(device)
        else:
            home = os.open("/proc/self/ns/net", os.O_RDONLY)
            away = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
            _enter(away)
            try:
                self.socket = self._open(device)
            finally:
                _enter(home)
                os.close(home)
                os.close(away)
        self.mac = ":".join(f"{byte:02x}" for byte in self.socket.getsockname()[4])

    @staticmethod
    def _open(device):
        # Bound only when every option is set, so that no frame comes without them.
        cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        cable.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        cable.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        cable.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        # Promiscuous: frames for other stations are evidence too.
        index = socket.if_nametoindex(device)
        cable.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, struct.pack("IHH8s", index, 1, 0, b""))
        cable.bind((device, _ETH_P_ALL))
        return cable

    def send(self, *frames):
        """Sends frames given as scapy packets or bytes."""
        for frame in frames:
            self.socket.send(raw(frame))

    def frames(self, seconds=0.3):
        """Yields each frame (bytes, with its VLAN tags) that arrives within so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, ancillary, _, _ = self.socket.recvmsg(65536, 256)
            except TimeoutError:
                return
            yield self._with_tag(frame, ancillary)

    def _with_tag(self, frame, ancillary):
        # The kernel takes the outermost tag out of the frame and reports it beside it.
        for level, kind, data in ancillary:
            if (level, kind) != (_SOL_PACKET, _PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
            if status & _TP_STATUS_VLAN_VALID:
                tpid = tpid if status & _TP_STATUS_VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame

    def packets(self, seconds=0.3):
        """The IPv4 packets that arrive within so many seconds, as scapy dissects them from Ethernet on."""
        return [frame for frame in map(Ether, self.frames(seconds)) if IP in frame]

    def first(self, wanted, seconds=2.0):
        """The first IPv4 packet for which `wanted` holds, or None."""
        for frame in map(Ether, self.frames(seconds)):
            if IP in frame and wanted(frame):
                return frame
        return None

    def drain(self):
        """Forgets what has arrived so far."""
        for _ in self.frames(0.02):
            pass

    def ask(self, address, sender, seconds=2.0, to="ff:ff:ff:ff:ff:ff"):
        """The MAC address that answers an ARP request for `address`, or None."""
        request = ARP(op="who-has", hwsrc=self.mac, psrc=sender, pdst=address)
        self.send(Ether(src=self.mac, dst=to) / request)
        for frame in map(Ether, self.frames(seconds)):
            if ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == address:
                return frame[ARP].hwsrc
        return None


def cables():
    """The cables of host A and host B, each with the MAC address of ringway's end of it as `router`."""
    a, b = Cable(os.environ["LAB_A"]), Cable(os.environ["LAB_B"])
    a.router = a.ask(A_ROUTER, A_ADDRESS)
    b.router = b.ask(B_ROUTER, B_ADDRESS)
    assert a.router and b.router, f"ringway does not answer ARP: {a.router} {b.router}"
    return a, b


def ringway(*command):
    """The JSON answer of ringway to a command."""
    line = [os.environ["RINGWAY"], "cli", "--json", "--socket", os.environ["LAB_SOCKET"], *command]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def drops():
    """Packets dropped by reason."""
    return {drop["reason"]: drop["packets"] for drop in ringway("show", "drops", "all")["drops"]}


def settled_drops(reason, floor, seconds=1.0):
    """The counter of a reason, awaited until it has reached `floor`: workers publish their counters now and then."""
    end = time.monotonic() + seconds
    while (count := drops().get(reason, 0)) < floor and time.monotonic() < end:
        time.sleep(0.05)
    return count


def internet_checksum(data):
    """The checksum of RFC 1071 over bytes whose own checksum field is zero; 0 over bytes whose checksum is right."""
    total = sum(int.from_bytes(data[at:at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff ^ total


def header(packet, **replaced):
    """The bytes of a packet with header bytes replaced (`at_0=0x65`), and a header checksum that fits the first
    IHL * 4 bytes all the same. `options` puts these bytes behind the header first."""
    data = bytearray(raw(packet))
    if options := replaced.pop("options", None):
        area = bytes(options) + bytes(-len(options) % 4)
        data[20:20] = area
        data[0] += len(area) // 4
        data[2:4] = len(data).to_bytes(2, "big")
    size = (data[0] & 15) * 4
    for name, value in replaced.items():
        data[int(name.removeprefix("at_"))] = value
    data[10:12] = b"\0\0"
    data[10:12] = internet_checksum(data[:size]).to_bytes(2, "big")
    return bytes(data)


_failures = 0


def check(holds, text, evidence=None):
    """Prints one check; `evidence` is what was seen, shown when it does not hold."""
    global _failures
    print(f"  {'ok   ' if holds else 'FAIL '} {text}", flush=True)
    if not holds:
        _failures += 1
        if evidence is not None:
            shown = f"{evidence.summary()}\n{raw(evidence).hex()}" if isinstance(evidence, Packet) else str(evidence)
            for line in shown.splitlines():
                print(f"        | {line}", flush=True)
    return holds


def finish():
    """Ends the program with the verdict of its checks."""
    sys.exit(1 if _failures else 0)
