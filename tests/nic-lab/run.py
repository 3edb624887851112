"""Boots the lab, runs the checks, ends the machine. Started by scripts/nic-lab, which says what it is for."""

import argparse
import re
import signal
import sys
import time
from pathlib import Path

import checks
import image
from host import Host
from machine import GOOD_END, LabError, Machine, models
from nics import NICS, lay_out
from report import Report
from router import CONFIGURATION, Ringway, configuration

HERE = Path(__file__).parent
BOOT_SECONDS = 120


class Lab:
    """All that is running, for the checks."""

    def __init__(self, report, machine, ports, hosts):
        self.report, self.machine, self.ports, self.hosts = report, machine, ports, hosts
        self.ringway = Ringway(machine)


def experiment(lab):
    """Every check, in order; each step leaves things as the next one needs them."""
    step = lab.report.step
    step("NICs")
    checks.attachment(lab)
    step("start")
    if not checks.start(lab):
        return
    step("ARP")
    checks.arp(lab)
    step("Neighbor Discovery")
    checks.discovery(lab)
    step("forwarding")
    checks.forwarding(lab)
    step("filters")
    checks.filtering(lab)
    step("link down and up")
    checks.links(lab)
    step("end in good order")
    if not checks.stop(lab):
        return
    step("spreading over queues (RSS)")
    checks.spread(lab)
    step("restart")
    if not checks.restart(lab):
        return
    step("unplug")
    checks.unplug(lab)
    step("end")
    checks.stop(lab)


# A write of a processor, not of a device. The registers of the IOMMU end at 0x22f of their page; at 0x300, 4 bytes wide, is where a
# local APIC takes the order to interrupt another processor (Intel SDM volume 3, 10.6.1). While a NIC is unplugged QEMU rebuilds its
# map of the guest's memory, and the other emulated processor may take its next step by the old one: seen once.
# What a device writes is translated, or refused with a line of its own.
PROCESSOR_NOISE = r"vtd_mem_write: MMIO over range: addr=0x300 size=0x4"


def faults(lab):
    """DMA that the IOMMU has refused, in the words of QEMU and of the guest's kernel, without what a healthy NIC causes."""
    quiet = {port.pci[5:]: port for port in lab.ports if port.nic.noise}
    lines = [line for line in lab.machine.errors().splitlines() if line.strip()]
    noise = [PROCESSOR_NOISE, *(pattern for port in quiet.values() for pattern in port.nic.noise)]
    lines = [line for line in lines if not any(re.search(pattern, line) for pattern in noise)]
    _, kernel = lab.machine.run("dmesg | grep -E 'DMAR: \\[|Oops|BUG:' | head -n 50")
    for line in kernel.splitlines():
        device = re.search(r"device \[([0-9a-f:.]+)\] fault addr 0x0 ", line)
        if not (device and device.group(1) in quiet):
            lines.append(line)
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", type=Path, required=True)
    options.add_argument("--kernel", type=Path, required=True)
    options.add_argument("--ringway", type=Path, required=True)
    options.add_argument("--exit-program", type=Path, required=True)
    options.add_argument("--kinds", default=",".join(nic.name for nic in NICS))
    options = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    report = Report()
    report.step("preparation")
    have = models()
    wanted = [nic for nic in NICS if nic.name in options.kinds.split(",")]
    for nic in wanted:
        if nic.model not in have:
            report.skip(f"{nic.name}: this QEMU has no such device")
    ports = lay_out([nic for nic in wanted if nic.model in have])
    files = {
        "init": HERE / "init",
        "bin/nic-lab-exit": options.exit_program,
        CONFIGURATION: configuration(ports, [1]),
    }
    for nic in {port.nic for port in ports if port.nic.rss}:
        files[f"rss-{nic.name}.toml"] = configuration([port for port in ports if port.nic == nic], [0, 1])
    ramdisk = options.work / "ramdisk"
    image.build(ramdisk, options.kernel, {"bin/ringway": options.ringway}, files)
    report.say(f"RAM disk of {ramdisk.stat().st_size >> 20} MiB")

    hosts = [Host(options.work, port) for port in ports]
    began = time.monotonic()
    machine = Machine(options.work, next(options.kernel.glob("boot/vmlinuz-*")), ramdisk, ports, [host.cable for host in hosts])
    try:
        lab = Lab(report, machine, ports, hosts)
        try:
            machine.await_boot(BOOT_SECONDS)
            report.say(f"the guest has booted in {time.monotonic() - began:.0f} s")
            experiment(lab)
            seen = faults(lab)
            report.check(not seen, "no DMA went where it should not, no complaint of QEMU or the kernel", seen)
            status = machine.exit(0)
            report.check(status == GOOD_END, "the machine ends by our word, not by a panic", f"status {status}")
        except LabError as error:
            report.check(False, "the lab runs to its end", f"{error}\n{machine.errors()}\n{machine.console()[-1500:]}")
    finally:
        machine.kill()
    report.say(f"{time.monotonic() - began:.0f} s from power-on to the end")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
