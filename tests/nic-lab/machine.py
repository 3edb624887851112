"""The emulated machine: QEMU with its command line, its control socket (QMP), its serial lines and its end."""

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import time

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
# Without tsc=reliable the clock falls back to a device, and everything is three times slower. On a busy host the kernel's
# check of the timer fails and is a panic, hence no_timer_check. With iommu.strict=1 no mapping outlives its buffer.
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check cryptomgr.notests mitigations=off"
    " intel_iommu=on iommu.strict=1 hugepages=128"
)
# What isa-debug-exit makes of the number 0. QEMU's own 0 means power-off or panic, and is a failure.
GOOD_END = 1


class LabError(Exception):
    """The lab itself cannot go on."""


def models():
    """The names of the devices that this QEMU has."""
    listing = subprocess.run([QEMU, "-device", "help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r'^name "([^"]+)"', listing, re.M))


def _end_with_parent():
    # PR_SET_PDEATHSIG: no QEMU outlives a lab that was killed.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _connect(path, seconds=10):
    end = time.monotonic() + seconds
    while True:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.connect(str(path))
            return line
        except OSError:
            line.close()
            if time.monotonic() > end:
                raise LabError(f"QEMU does not open {path}") from None
            time.sleep(0.05)


class Machine:
    """A running QEMU with the ports given; `run` executes a command in its guest."""

    def __init__(self, work, kernel, ramdisk, ports, cables):
        self._work = work
        self._errors = work / "qemu.err"
        arguments = [
            QEMU, "-accel", "tcg,thread=multi", "-M", "q35,kernel-irqchip=split", "-cpu", "max", "-smp", "2", "-m", "1G",
            "-nodefaults", "-display", "none", "-no-reboot", "-no-user-config",
            "-kernel", str(kernel), "-initrd", str(ramdisk), "-append", KERNEL_ARGUMENTS,
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4",
            "-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48",
            "-serial", f"file:{work}/console",
            "-serial", f"unix:{work}/shell,server=on,wait=off",
            "-serial", f"unix:{work}/commands,server=on,wait=off",
            "-qmp", f"unix:{work}/qmp,server=on,wait=off",
        ]  # fmt: skip
        for port, cable in zip(ports, cables):
            mac = ":".join(f"{byte:02x}" for byte in port.mac)
            arguments += [
                "-netdev", f"dgram,id=cable{port.number},local.type=unix,local.path={cable.far},remote.type=unix,remote.path={cable.near}",
                "-device", f"pcie-root-port,id=slot{port.number},chassis={port.number + 1},addr={port.number + 8:#x}",
                "-device", f"{port.nic.model},id={port.name},bus=slot{port.number},netdev=cable{port.number},mac={mac}"
                + (f",{port.nic.options}" if port.nic.options else ""),
            ]  # fmt: skip
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, preexec_fn=_end_with_parent
            )
        try:
            self._shell = _connect(work / "shell")
            self._commands = _connect(work / "commands")
            self._qmp = _connect(work / "qmp")
        except LabError:
            self.kill()
            raise LabError(f"QEMU does not start: {self.errors()}") from None
        self._heard = b""
        self._told = b""
        self.events = []
        self._answer(10)
        self.qmp("qmp_capabilities")

    def qmp(self, command, **arguments):
        """Executes a command of QEMU's control protocol and returns its answer."""
        self._qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        answer = self._answer(20)
        if "error" in answer:
            raise LabError(f"QEMU refuses {command} {arguments}: {answer['error']['desc']}")
        return answer["return"]

    def _answer(self, seconds):
        """The next message that is no event; events are kept."""
        end = time.monotonic() + seconds
        while True:
            while b"\n" not in self._told:
                self._qmp.settimeout(max(0.01, end - time.monotonic()))
                try:
                    part = self._qmp.recv(65536)
                except TimeoutError:
                    raise LabError("QEMU does not answer") from None
                if not part:
                    raise LabError(f"QEMU has ended: {self.errors()}")
                self._told += part
            line, self._told = self._told.split(b"\n", 1)
            message = json.loads(line)
            if "event" not in message:
                return message
            self.events.append(message)

    def is_unplugged(self, device):
        """Whether the guest has let go of a device that was to be removed."""
        self.qmp("query-status")  # events come before its answer
        gone = (event["data"].get("device") for event in self.events if event["event"] == "DEVICE_DELETED")
        return device in gone

    def await_boot(self, seconds):
        """Waits until the guest takes commands."""
        self._hear(seconds, "the guest does not boot")

    def run(self, command, seconds=20):
        """Executes a line in the guest's shell; returns its exit status and what it wrote."""
        assert "\n" not in command and len(command) < 4000
        self._shell.sendall(command.encode() + b"\n")
        return self._hear(seconds, f"the guest does not end `{command}`")

    def open_commands(self, command):
        """Starts a program in the guest that reads commands from the third serial line and answers each with JSON."""
        self.run(command)
        self._commands.setblocking(False)
        try:
            while self._commands.recv(65536):
                pass  # what an earlier program left behind
        except BlockingIOError:
            pass

    def command(self, command, seconds):
        """The JSON answer to one line on the third serial line."""
        self._commands.setblocking(True)
        self._commands.sendall(command.encode() + b"\n")
        end = time.monotonic() + seconds
        heard = ""
        while (left := end - time.monotonic()) > 0:
            self._commands.settimeout(left)
            try:
                heard += self._commands.recv(65536).decode(errors="replace")
            except TimeoutError:
                break
            try:
                return json.loads(heard)
            except json.JSONDecodeError:
                continue
        raise LabError(f"no answer to `{command}` within {seconds} s; so far: {heard[-500:]}")

    def _hear(self, seconds, complaint):
        end = time.monotonic() + seconds
        while not (found := re.search(rb"\x1e(\d+)\r?\n", self._heard)):
            left = end - time.monotonic()
            if left <= 0:
                raise LabError(f"{complaint} within {seconds} s; so far: {self._heard.decode(errors='replace')[-2000:]}")
            self._shell.settimeout(left)
            try:
                part = self._shell.recv(65536)
            except TimeoutError:
                continue
            if not part:
                raise LabError(f"{complaint}: QEMU has ended: {self.errors()}")
            self._heard += part
        text = self._heard[: found.start()].decode(errors="replace").replace("\r\n", "\n")
        self._heard = self._heard[found.end() :]
        return int(found.group(1)), text

    def exit(self, number, seconds=20):
        """Has the guest end the machine with a number; returns QEMU's exit status."""
        self._shell.sendall(f"nic-lab-exit {number}\n".encode())
        return self._process.wait(seconds)

    def errors(self):
        """What QEMU has written so far: DMA that the IOMMU refused, and other complaints."""
        return self._errors.read_text(errors="replace")

    def console(self):
        """What the guest's kernel and its first process have written to the first serial line."""
        return (self._work / "console").read_text(errors="replace")

    def kill(self):
        """Ends QEMU, whatever its state."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
