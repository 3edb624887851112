"""Frames as bytes: those that the hosts send, and what has to come out at the other side."""

import random
import socket
import struct

BROADCAST = b"\xff" * 6
REQUEST, REPLY = 1, 2  # operations of ARP (RFC 826)
SOLICITATION, ADVERTISEMENT = 135, 136  # messages of Neighbor Discovery (RFC 4861)
_IPV4, _ARP, _IPV6 = b"\x08\x00", b"\x08\x06", b"\x86\xdd"
_ICMP, _UDP, _ICMPV6 = 1, 17, 58


def address_bytes(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def checksum(data):
    """The checksum of RFC 1071 over bytes whose checksum field is zero."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF ^ total


def _ipv4(source, destination, ttl, number, payload):
    fields = (0x45, 0, 20 + len(payload), number & 0xFFFF, 0x4000, ttl, _UDP, 0)
    header = struct.pack("!BBHHHBBH", *fields) + address_bytes(source) + address_bytes(destination)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp_pair(into, out, size, number, flow=0):
    """A frame of `size` bytes from the host at port `into` to the one at port `out`, and the frame that has to arrive.

    Every byte of it depends on `number`. Only the MAC addresses, the time to live and the header checksum may change.
    """
    data = random.Random(number).randbytes(size - 14 - 20 - 8)
    ports = struct.pack("!HHH", 1024 + flow, 9, 8 + len(data))
    # The UDP checksum is left out (RFC 768: all zero): nothing may depend on it, and the comparison is byte by byte.
    payload = ports + b"\0\0" + data
    sent = into.mac + into.host_mac + _IPV4 + _ipv4(into.host, out.host, 64, number, payload)
    expected = out.host_mac + out.mac + _IPV4 + _ipv4(into.host, out.host, 63, number, payload)
    return sent, expected


def _ipv6(source, destination, hop_limit, kind, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), kind, hop_limit) + source + destination + payload


def _checksum6(source, destination, kind, payload):
    """The checksum with the pseudo header of RFC 8200, 8.1."""
    return checksum(source + destination + struct.pack("!IBBBB", len(payload), 0, 0, 0, kind) + payload)


def udp6_pair(into, out, size, number):
    """As `udp_pair`, of IPv6: only the MAC addresses and the hop limit may change."""
    source, destination = address_bytes(into.host6), address_bytes(out.host6)
    data = random.Random(number).randbytes(size - 14 - 40 - 8)
    head = struct.pack("!HHH", 1024, 9, 8 + len(data))
    # Over IPv6 UDP has a checksum, and a sum of zero is sent as all ones.
    right = _checksum6(source, destination, _UDP, head + b"\0\0" + data) or 0xFFFF
    payload = head + struct.pack("!H", right) + data
    sent = into.mac + into.host_mac + _IPV6 + _ipv6(source, destination, 64, _UDP, payload)
    expected = out.host_mac + out.mac + _IPV6 + _ipv6(source, destination, 63, _UDP, payload)
    return sent, expected


def is_udp(frame):
    return (frame[12:14] == _IPV4 and frame[23] == _UDP) or (frame[12:14] == _IPV6 and frame[20] == _UDP)


def solicited_node(address):
    """The group at which the owner of an address is asked for it (RFC 4291, 2.7.1), and its MAC address (RFC 2464, 7)."""
    group = bytes.fromhex("ff0200000000000000000001ff") + address[13:]
    return group, b"\x33\x33" + group[12:]


def discovery(kind, sender_mac, source, destination, target, to):
    """A solicitation, or an advertisement that answers one, in a frame to the MAC address `to`; with the sender's MAC address."""
    flags, option = (0, 1) if kind == SOLICITATION else (0x60000000, 2)
    body = struct.pack("!BBHI", kind, 0, 0, flags) + target + bytes((option, 1)) + sender_mac
    body = body[:2] + struct.pack("!H", _checksum6(source, destination, _ICMPV6, body)) + body[4:]
    return to + sender_mac + _IPV6 + _ipv6(source, destination, 255, _ICMPV6, body)


def discovery_fields(frame):
    """Kind, source, target and the MAC address told of a message that `discovery` may have made, or None for any other frame."""
    if frame[12:14] != _IPV6 or frame[20] != _ICMPV6 or len(frame) < 86 or frame[54] not in (SOLICITATION, ADVERTISEMENT):
        return None
    return frame[54], frame[22:38], frame[62:78], frame[80:86]


def arp(operation, sender_mac, sender, target_mac, target, to):
    """An ARP packet (RFC 826) in a frame to the MAC address `to`, padded to the least size of a frame."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    body += sender_mac + sender + target_mac + target
    return (to + sender_mac + _ARP + body).ljust(60, b"\0")


def arp_fields(frame):
    """Operation, sender MAC and address, target MAC and address of an ARP packet, or None for any other frame."""
    if frame[12:14] != _ARP or len(frame) < 42:
        return None
    (operation,) = struct.unpack("!H", frame[20:22])
    return operation, frame[22:28], frame[28:32], frame[32:38], frame[38:42]


def is_unreachable(frame):
    """Whether this is an ICMP message of type 3, destination unreachable (RFC 792)."""
    return frame[12:14] == _IPV4 and frame[23] == _ICMP and frame[34] == 3
