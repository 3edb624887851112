"""ringway in the guest: its configuration, its start and end, and its answers to commands."""

import json
import time

CONFIGURATION = "lab.toml"
_LOG = "/run/ringway.log"


def configuration(ports, workers):
    """The configuration file for these ports: a network on each, nothing else that is not the default."""
    parts = [f'[router]\nname = "nic-lab"\n\n[workers]\ncores = {workers}\n']
    for port in ports:
        parts.append(
            f'[[port]]\nname = "{port.name}"\ndriver = "dpdk"\ndevice = "{port.pci}"\n'
            f"mtu = 9000\nrx_ring = 256\ntx_ring = 256\n"
        )
    parts += [
        f'[[interface]]\nname = "{port.name}"\naddresses = ["{port.address}/24", "{port.address6}/64"]\n' for port in ports
    ]
    return "\n".join(parts)


class Ringway:
    """The ringway of the guest; it runs between `start` and `stop`."""

    def __init__(self, machine):
        self._machine = machine

    def start(self, file=f"/{CONFIGURATION}", seconds=60):
        """Starts it and waits until it answers commands; False when it has ended instead."""
        self._machine.run(f"rm -f /run/status; {{ ringway run {file} </dev/null >{_LOG} 2>&1; echo $? >/run/status; }} &")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status, _ = self._machine.run("test -S /run/ringway/ringway.sock -o -e /run/status", 30)
            if status == 0 and (self.status() is not None or self._answers()):
                break
            time.sleep(0.2)
        if self.status() is not None:
            return False
        # One client for all commands: a start of it costs the emulated processor a second.
        self._machine.open_commands("ringway cli --json --keep-going --file - <&3 >&3 2>/dev/null & client=$!")
        return "workers" in self.ask("show workers")

    def _answers(self):
        return self._machine.run("ringway cli show version >/dev/null 2>&1", 30)[0] == 0

    def ask(self, command, seconds=30):
        """The JSON answer of ringway to a command."""
        return self._machine.command(command, seconds)

    def status(self):
        """Its exit status, or None while it runs."""
        status, text = self._machine.run("cat /run/status 2>/dev/null")
        return int(text) if status == 0 else None

    def stop(self, seconds=30):
        """Ends it by its command; returns its exit status, or None when it does not end."""
        self._machine.run("kill $client; ringway cli quit >/dev/null 2>&1", 30)
        end = time.monotonic() + seconds
        while (status := self.status()) is None and time.monotonic() < end:
            time.sleep(0.2)
        return status

    def log(self, lines=25):
        """The last lines that it has written."""
        return self._machine.run(f"tail -n {lines} {_LOG}")[1]

    def logged(self, pattern):
        """Whether a line of its log matches an extended regular expression."""
        return self._machine.run(f"grep -Eq '{pattern}' {_LOG}")[0] == 0

    def audit(self):
        """Whether every buffer of every worker is accounted for, and the account."""
        account = self.ask("show pool").get("workers", [])
        return bool(account) and all(worker["exact"] for worker in account), json.dumps(account)

    def link_up(self, port):
        """Whether ringway says that the link of a port is up; None when it says nothing."""
        ports = self.ask(f"show port info {port.name}").get("ports", [])
        return ports[0]["link"]["up"] if ports else None


def within(seconds, holds):
    """Whether `holds()` is true before the time is over; it is asked again and again."""
    end = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < end:
        time.sleep(0.2)
    return answer
