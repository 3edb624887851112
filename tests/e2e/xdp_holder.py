#!/usr/bin/env python3
"""Holds queue 0 of an interface by an AF_XDP socket: xdp_holder.py INTERFACE SECONDS. Prints `held` when it has it."""
import ctypes, mmap, os, socket, struct, sys, time

AF_XDP, SOL_XDP = 44, 283
RX_RING, UMEM_REG, FILL_RING, COMPLETION_RING = 2, 4, 5, 6
COPY = 2
FRAMES, BYTES = 64, 4096

device, seconds = sys.argv[1], float(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
holder = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
memory = mmap.mmap(-1, FRAMES * BYTES)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
holder.setsockopt(SOL_XDP, UMEM_REG, struct.pack("@QQIIII", address, len(memory), BYTES, 0, 0, 0))
for ring in (FILL_RING, COMPLETION_RING, RX_RING):
    holder.setsockopt(SOL_XDP, ring, struct.pack("@I", FRAMES))
where = struct.pack("@HHIII", AF_XDP, COPY, socket.if_nametoindex(device), 0, 0)
if libc.bind(holder.fileno(), where, len(where)) != 0:
    sys.exit(f"xdp_holder: cannot bind to queue 0 of {device}: {os.strerror(ctypes.get_errno())}")
print("held", flush=True)
time.sleep(seconds)
