#!/usr/bin/env bash
# A capture passes through two DPDK ports byte for byte, and from DPDK to ringway's own drivers and back.
set -euo pipefail
# shellcheck source=scripts/expect.sh
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up

# make_capture FILE: frames of every size from 60 to 1514, each with bytes of its own.
make_capture() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import random, struct, sys
random.seed(7)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for size in range(60, 1515):
        frame = bytes(12) + b"\x88\xb5" + random.randbytes(size - 14)
        file.write(struct.pack("<IIII", 0, 0, size, size) + frame)
PYTHON
}

# frames_of FILE: the frames of a capture, one a line, without their times.
frames_of() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import struct, sys
data = open(sys.argv[1], "rb").read()
at = 24
while at < len(data):
    size = struct.unpack("<I", data[at + 8:at + 12])[0]
    print(data[at + 16:at + 16 + size].hex())
    at += 16 + size
PYTHON
}

same_frames() { cmp <(frames_of "$1") <(frames_of "$2"); }
all_sent() { rw --json show port stats all | jq -e '[.. | objects | .tx_packets? // empty] | max >= 1455'; }

# forwards TITLE FIRST SECOND OUTPUT: what the first port receives, the second sends into OUTPUT.
forwards() {
    step "$1"
    check "it starts" start_ringway - <<TOML
[router]
mode = "io"
[dpdk]
huge_pages = "never"
args = ["--no-telemetry", "--file-prefix=$LAB"]
$2
$3
TOML
    check "every frame is sent" within 15 all_sent
    check "every buffer is accounted for" audit
    check "ringway ends in order" stop_ringway TERM
    check "the frames are the same" same_frames "$LAB_DIR/in.pcap" "$4"
}

make_capture "$LAB_DIR/in.pcap"
forwards "from DPDK to DPDK" "[[port]]
name = \"a\"
driver = \"dpdk\"
device = \"net_pcap0,rx_pcap=$LAB_DIR/in.pcap\"" "[[port]]
name = \"b\"
driver = \"dpdk\"
device = \"net_pcap1,tx_pcap=$LAB_DIR/dpdk.pcap\"" "$LAB_DIR/dpdk.pcap"
forwards "from DPDK to our own driver" "[[port]]
name = \"a\"
driver = \"dpdk\"
device = \"net_pcap0,rx_pcap=$LAB_DIR/in.pcap\"" "[[port]]
name = \"b\"
driver = \"pcap\"
output = \"$LAB_DIR/ours.pcap\"" "$LAB_DIR/ours.pcap"
forwards "from our own driver to DPDK" "[[port]]
name = \"a\"
driver = \"pcap\"
input = \"$LAB_DIR/in.pcap\"" "[[port]]
name = \"b\"
driver = \"dpdk\"
device = \"net_pcap1,tx_pcap=$LAB_DIR/back.pcap\"" "$LAB_DIR/back.pcap"

finish
