"""Puts VLAN tags on a host's cable: a TAP device `vlan` in this namespace whose frames go out of eth0 with tags.

usage: vlan_host.py TPID:VID [TPID:VID]    (outermost first, as in 0x88a8:200 0x8100:30)

Kernels without the 8021q module, as small virtual machines have, cannot make VLAN devices; this works on all of them.
"""

import fcntl
import os
import select
import struct
import sys

from frames import Cable

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000

tags = b"".join(struct.pack("!HH", *(int(part, 0) for part in tag.split(":"))) for tag in sys.argv[1:])
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", b"vlan", _IFF_TAP | _IFF_NO_PI))
cable = Cable(None)
print("vlan is up", flush=True)
while True:
    ready, _, _ = select.select([tap, cable.socket], [], [])
    if tap in ready:
        frame = os.read(tap, 65536)
        cable.send(frame[:12] + tags + frame[12:])
    if cable.socket in ready:
        frame = next(cable.frames(0.1), b"")
        if frame[12:12 + len(tags)] == tags:
            try:
                os.write(tap, frame[:12] + frame[12 + len(tags):])
            except OSError:
                # The host has its device down; a card would lose the frame as well.
                continue
