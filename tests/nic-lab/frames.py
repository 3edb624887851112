"""Frames as bytes: those that the hosts send, and what has to come out at the other side."""

import random
import struct

BROADCAST = b"\xff" * 6
ALL_HOSTS = bytes.fromhex("01005e000001")  # the group 224.0.0.1 (RFC 1112, 6.4)
REQUEST, REPLY = 1, 2  # operations of ARP (RFC 826)
_IPV4, _ARP = b"\x08\x00", b"\x08\x06"
_ICMP, _UDP = 1, 17


def address_bytes(text):
    return bytes(map(int, text.split(".")))


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


def is_udp(frame):
    return frame[12:14] == _IPV4 and frame[23] == _UDP


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
