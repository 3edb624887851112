"""The hosts on the cables: each answers for its address, and sends and receives what a check asks of it."""

import select
import time

import frames
from cable import IN_FLIGHT, Cable


class Host:
    """The host at one port of the machine."""

    def __init__(self, work, port):
        self.port = port
        self.cable = Cable(work, port.number)
        self.asked = []  # (destination MAC, sender MAC) of every request and solicitation for our addresses

    def next(self):
        """The next frame that is for the check, or None; who asks for our MAC address is answered on the way."""
        while (frame := self.cable.receive()) is not None:
            answer = self._answer(frame)
            if answer is None:
                return frame
            self.cable.send(answer)
        return None

    def _answer(self, frame):
        return self._answer_arp(frame) or self._answer_discovery(frame)

    def _answer_discovery(self, frame):
        ours, fields = frames.address_bytes(self.port.host6), frames.discovery_fields(frame)
        if not fields or fields[0] != frames.SOLICITATION or fields[2] != ours:
            return None
        _, source, _, mac = fields
        self.asked.append((frame[:6], mac))
        return frames.discovery(frames.ADVERTISEMENT, self.port.host_mac, ours, source, ours, mac)

    def _answer_arp(self, frame):
        port, fields = self.port, frames.arp_fields(frame)
        if not fields or fields[0] != frames.REQUEST or fields[4] != frames.address_bytes(port.host):
            return None
        _, mac, address, _, _ = fields
        self.asked.append((frame[:6], mac))
        return frames.arp(frames.REPLY, port.host_mac, frames.address_bytes(port.host), mac, address, mac)

    def first(self, wanted, seconds=5):
        """The first frame for which `wanted` holds, within so many seconds, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            select.select([self.cable], [], [], left)
            while (frame := self.next()) is not None:
                if wanted(frame):
                    return frame
        return None

    def ask(self, to=frames.BROADCAST, seconds=5):
        """The MAC address in the router's answer to an ARP request that is sent to the MAC address `to`, or None."""
        port = self.port
        router, ours = frames.address_bytes(port.address), frames.address_bytes(port.host)
        self.cable.insist(frames.arp(frames.REQUEST, port.host_mac, ours, bytes(6), router, to))

        def answers(frame):
            fields = frames.arp_fields(frame)
            return fields and fields[0] == frames.REPLY and fields[2] == router

        answer = self.first(answers, seconds)
        return answer and answer[22:28]

    def ask6(self, to=None, seconds=5):
        """The MAC address in the router's answer to a solicitation, or None; `to` is a MAC address in the place of the group's."""
        router, ours = frames.address_bytes(self.port.address6), frames.address_bytes(self.port.host6)
        group, mac = frames.solicited_node(router)
        destination = router if to else group
        question = frames.discovery(frames.SOLICITATION, self.port.host_mac, ours, destination, router, to or mac)
        self.cable.insist(question)

        def answers(frame):
            fields = frames.discovery_fields(frame)
            return fields and fields[0] == frames.ADVERTISEMENT and fields[2] == router and frame[:6] == self.port.host_mac

        answer = self.first(answers, seconds)
        return answer and frames.discovery_fields(answer)[3]

    def drain(self):
        """Forgets what has arrived so far, requests answered."""
        while self.next() is not None:
            pass
        self.asked.clear()


class Flow:
    """Frames on their way from one host to another, a few in flight at a time; they arrive in order unless told otherwise."""

    def __init__(self, sender, receiver, pairs, ordered=True):
        self.sender, self.receiver, self._ordered = sender, receiver, ordered
        self._pairs = iter(pairs)
        self._waiting = next(self._pairs, None)
        self._expected = []
        self.sent = self.arrived = 0
        self.wrong = []  # (expected, arrived)

    @property
    def done(self):
        return self._waiting is None and not self._expected

    def push(self):
        """Sends as many frames as may be in flight."""
        while self._waiting and len(self._expected) < IN_FLIGHT and self.sender.cable.send(self._waiting[0]):
            self._expected.append(self._waiting[1])
            self.sent += 1
            self._waiting = next(self._pairs, None)

    def pull(self):
        """Takes what has arrived and compares it with what has to arrive next; True when there was something."""
        some = False
        while (frame := self.receiver.next()) is not None:
            if not frames.is_udp(frame):
                continue
            some = True
            if frame in self._expected:
                # Those before it are lost: no cable and no queue reorders.
                place = self._expected.index(frame)
                if not self._ordered:
                    self._expected.insert(0, self._expected.pop(place))
                    place = 0
                self.wrong += [(lost, None) for lost in self._expected[:place]]
                del self._expected[: place + 1]
                self.arrived += 1
            else:
                self.wrong.append((self._expected[0] if self._expected else None, frame))
        return some


def exchange(flows, patience=5.0, meanwhile=None):
    """Moves the flows until all has arrived, or nothing has for so many seconds; True when every frame arrived as it had to.

    `meanwhile` is called ten times a second.
    """
    quiet = called = time.monotonic()
    while not all(flow.done for flow in flows):
        for flow in flows:
            flow.push()
        select.select([flow.receiver.cable for flow in flows], [], [], 0.01)
        if any([flow.pull() for flow in flows]):
            quiet = time.monotonic()
        elif time.monotonic() - quiet > patience:
            break
        if meanwhile and time.monotonic() - called > 0.1:
            called = time.monotonic()
            meanwhile()
    return all(flow.done and not flow.wrong for flow in flows)


def describe(flow):
    """What went wrong in a flow, in a few lines."""
    lines = [f"{flow.sender.port.name} to {flow.receiver.port.name}: {flow.sent} sent, {flow.arrived} arrived as they had to"]
    for expected, arrived in flow.wrong[:3]:
        if arrived is None:
            lines.append(f"lost: a frame of {len(expected)} bytes")
        else:
            lines.append(f"not expected: {len(arrived)} bytes {arrived[:60].hex()}")
            if expected is not None:
                lines.append(f"expected:     {len(expected)} bytes {expected[:60].hex()}")
    return "\n".join(lines)
