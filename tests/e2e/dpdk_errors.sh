#!/usr/bin/env bash
# What is wrong with a DPDK device is said in one line, with the remedy, and ringway ends in order.
set -euo pipefail
# shellcheck source=scripts/expect.sh
source "$(dirname "$0")/../../scripts/expect.sh"

# run_with DEVICE [LINE...]: ringway on one DPDK port; LINEs go into [dpdk].
run_with() {
    local device=$1
    shift
    {
        printf '[dpdk]\n'
        printf '%s\n' "${@:-huge_pages = \"never\"}"
        printf '[[port]]\nname = "p0"\ndriver = "dpdk"\ndevice = "%s"\n' "$device"
    } >"$LAB_DIR/ringway.toml"
    timeout 20 ip netns exec "$LAB_ROUTER" "$RINGWAY" run --socket "$LAB_SOCKET" "$LAB_DIR/ringway.toml" </dev/null
}

step "devices that cannot be had"
lab_up
refuses "a PCI device that is not there" "there is no PCI device 0000:ff:1e\.3; .lspci -D. lists them" run_with 0000:ff:1e.3
refuses "a driver with a typo" "there is no DPDK driver .net_tpa.; do you mean .net_tap." run_with net_tpa0
refuses "an argument that the driver does not know" "refuses .net_null0,nonsense=1.: check its arguments" run_with net_null0,nonsense=1
refuses "a capture that is not there" "net_pcap.*/nonexistent" run_with net_pcap0,rx_pcap=/nonexistent
device=$(for path in /sys/bus/pci/devices/*; do [[ -e $path/driver ]] && basename "$path"; done | head -n 1) || device=""
if [[ -n $device ]]; then
    refuses "a device that the kernel uses" "bound to the kernel's driver .*dpdk-devbind.py --bind=vfio-pci $device" run_with "$device"
else
    echo "  skip  no PCI device of this machine is bound to a driver"
fi

step "DPDK that cannot start"
if [[ $(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages) == 0 ]]; then
    refuses "no huge pages" "no free huge pages .0 reserved.; reserve some, .sysctl -w vm.nr_hugepages" run_with net_null0 'huge_pages = "always"'
else
    echo "  skip  this machine has free huge pages"
fi
refuses "an argument that EAL does not know" "DPDK does not start with .*--nonsense" run_with net_null0 'huge_pages = "never"' 'args = ["--nonsense"]'
refuses "a plug-in that cannot be loaded" "cannot load a plug-in" run_with net_null0 'huge_pages = "never"' 'args = ["-d", "/nonexistent/librte_net_none.so"]'

finish
