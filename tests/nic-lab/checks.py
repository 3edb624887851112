"""What is asked of ringway on each kind of NIC. Each function is one subject; `lab` has all that is running."""

import itertools
import time

import frames
from host import Flow, describe, exchange
from router import within

# Every size without jumbo frames; then up to the largest that all models take: an MTU of 9000 bytes.
SIZES = range(60, 1515)
SIZES6 = range(62, 1515)
SOME_SIZES = range(60, 1515, 97)
JUMBO_SIZES = [*range(1515, 9014, 250), 9013, 9014]


def pairs(lab):
    """The hosts of each kind of NIC, side 0 and side 1."""
    return zip(lab.hosts[::2], lab.hosts[1::2])


def flow(sender, receiver, sizes, pair=frames.udp_pair):
    """Frames of these sizes from one host to another."""
    built = (pair(sender.port, receiver.port, size, number) for number, size in enumerate(sizes))
    return Flow(sender, receiver, built)


def both_ways(one, other, sizes, pair=frames.udp_pair):
    return [flow(one, other, sizes, pair), flow(other, one, sizes, pair)]


def crosses(lab, flows, text, patience=5.0, meanwhile=None):
    """Checks that every frame of the flows arrives as it has to."""
    whole = exchange(flows, patience, meanwhile)
    count = sum(flow.sent for flow in flows)
    return lab.report.check(whole, f"{text} ({count} frames)", "\n".join(map(describe, flows)))


def forwards_again(lab, one, other, text):
    """Checks both directions after neighbors were forgotten: the first packet has ringway ask, the others find the answer."""
    for sender, receiver in ((one, other), (other, one)):
        exchange([flow(sender, receiver, [100])])
    crosses(lab, both_ways(one, other, SOME_SIZES), text)


def attachment(lab):
    """The NICs as the guest and ringway see them."""
    for port in lab.ports:
        place = f"/sys/bus/pci/devices/{port.pci}"
        _, seen = lab.machine.run(f"readlink {place}/driver; readlink {place}/iommu_group")
        lab.report.check("vfio-pci" in seen and "iommu_groups" in seen, f"{port.name}: vfio-pci has it, behind the IOMMU", seen)


def start(lab):
    """ringway comes up with its configuration and drives each NIC by the driver made for it."""
    began = time.monotonic()
    if not lab.report.check(lab.ringway.start(), "ringway runs with its configuration", lab.ringway.log()):
        return False
    lab.report.say(f"it answered {time.monotonic() - began:.0f} s after its start")
    info = {port["name"]: port for port in lab.ringway.ask("show port info all")["ports"]}
    for port in lab.ports:
        said = info.get(port.name)
        lab.report.check(said and port.nic.pmd in str(said), f"{port.name}: driven by {port.nic.pmd}", said)
        up = within(15, lambda port=port: lab.ringway.link_up(port))
        lab.report.check(up, f"{port.name}: its link is up", lab.ringway.log())
    return True


def arp(lab):
    """Address resolution in both directions: what ringway asks first, then what it answers."""
    for one, other in pairs(lab):
        for sender, receiver in ((one, other), (other, one)):
            name = receiver.port.name
            receiver.drain()
            held = exchange([flow(sender, receiver, [100])])
            asked = [to for to, by in receiver.asked if by == receiver.port.mac]
            lab.report.check(
                held and asked and asked[0] == frames.BROADCAST,
                f"{name}: ringway asks by broadcast, and what waited for the answer is sent",
                f"frame arrived: {held}, asked: {receiver.asked}",
            )
        for host in (one, other):
            for word, to in (("broadcast", frames.BROADCAST), ("unicast", host.port.mac)):
                answer = host.ask(to)
                lab.report.check(answer == host.port.mac, f"{host.port.name}: it answers a request by {word}", answer)


def discovery(lab):
    """The same of Neighbor Discovery, which asks groups: the NIC has to let them in, by its filter or by taking all of them."""
    for one, other in pairs(lab):
        for sender, receiver in ((one, other), (other, one)):
            name = receiver.port.name
            receiver.drain()
            held = exchange([flow(sender, receiver, [100], frames.udp6_pair)])
            _, group = frames.solicited_node(frames.address_bytes(receiver.port.host6))
            asked = [to for to, by in receiver.asked if by == receiver.port.mac]
            lab.report.check(
                held and asked and asked[0] == group,
                f"{name}: ringway asks the group, and what waited for the answer is sent",
                f"frame arrived: {held}, asked: {receiver.asked}",
            )
        for host in (one, other):
            for word, to in (("to its group", None), ("to itself", host.port.mac)):
                answer = host.ask6(to)
                lab.report.check(answer == host.port.mac, f"{host.port.name}: it answers a solicitation {word}", answer)


def forwarding(lab):
    """Every size in both directions at once, byte by byte."""
    for one, other in pairs(lab):
        name = one.port.nic.name
        crosses(lab, both_ways(one, other, SIZES), f"{name}: IPv4 at every size from 60 to 1514 bytes, byte-exact")
        crosses(lab, both_ways(one, other, JUMBO_SIZES), f"{name}: jumbo frames up to 9014 bytes, byte-exact")
        six = both_ways(one, other, SIZES6, frames.udp6_pair)
        crosses(lab, six, f"{name}: IPv6 at every size from 62 to 1514 bytes, byte-exact")
        six = both_ways(one, other, JUMBO_SIZES, frames.udp6_pair)
        crosses(lab, six, f"{name}: jumbo frames of IPv6 up to 9014 bytes, byte-exact")


def filtering(lab):
    """A frame for another station is not forwarded, whether it is the device or ringway that filters."""
    for one, other in pairs(lab):
        stray, _ = frames.udp_pair(one.port, other.port, 100, 1)
        sent, wanted = frames.udp_pair(one.port, other.port, 100, 2)
        other.drain()
        one.cable.insist(bytes.fromhex("02000000fff1") + stray[6:])
        one.cable.insist(sent)
        arrived = other.first(frames.is_udp)
        text = f"{one.port.nic.name}: a frame for another MAC address is not forwarded"
        lab.report.check(arrived == wanted, text, arrived and arrived.hex())


def links(lab):
    """A link that goes down and comes back."""
    for one, other in pairs(lab):
        name = other.port.name
        lab.machine.qmp("set_link", name=name, up=False)
        down = within(10, lambda: lab.ringway.link_up(other.port) is False)
        logged = lab.ringway.logged(f"port {name}.*link down")
        lab.report.check(down and logged, f"{name}: ringway says that its link is down", lab.ringway.log())
        one.drain()
        one.cable.insist(frames.udp_pair(one.port, other.port, 100, 3)[0])
        answer = one.first(frames.is_unreachable)
        lab.report.check(answer, f"{name}: its routes are withdrawn: the sender is told that the network is unreachable")
        lab.machine.qmp("set_link", name=name, up=True)
        up = within(10, lambda: lab.ringway.link_up(other.port))
        lab.report.check(up, f"{name}: ringway says that it is back", lab.ringway.log())
        forwards_again(lab, one, other, f"{name}: and it forwards again")


def spread(lab):
    """Receive-side scaling, with two workers, on the models that have it; ringway does not run before and after."""
    for one, other in pairs(lab):
        name = one.port.nic.name
        if not one.port.nic.rss:
            lab.report.skip(f"{name}: spreading over queues; this model puts every frame on its first queue")
            continue
        runs = lab.ringway.start(f"/rss-{name}.toml")
        if not lab.report.check(runs, f"{name}: ringway runs with two workers", lab.ringway.log()):
            continue
        within(15, lambda one=one, other=other: lab.ringway.link_up(one.port) and lab.ringway.link_up(other.port))
        forwards_again(lab, one, other, f"{name}: it forwards with two workers")
        before = [worker["packets"] for worker in lab.ringway.ask("show workers")["workers"]]
        built = (frames.udp_pair(one.port, other.port, 200, number, flow=number % 64) for number in range(640))
        crosses(lab, [Flow(one, other, built, ordered=False)], f"{name}: 64 flows, byte-exact")
        after = [worker["packets"] for worker in lab.ringway.ask("show workers")["workers"]]
        shares = [now - then for now, then in zip(after, before)]
        lab.report.check(min(shares) >= 64, f"{name}: the device spreads them over both workers", shares)
        stop(lab)


def restart(lab):
    """ringway, which has ended in good order, starts again on the same devices."""
    if not lab.report.check(lab.ringway.start(), "ringway starts again on the same devices", lab.ringway.log()):
        return False
    for one, other in pairs(lab):
        within(15, lambda: lab.ringway.link_up(one.port) and lab.ringway.link_up(other.port))
        forwards_again(lab, one, other, f"{one.port.nic.name}: it forwards after the restart")
    return True


def stop(lab):
    """The audit, then an end with status 0, by which ringway says that no buffer was missing."""
    exact, account = lab.ringway.audit()
    lab.report.check(exact, "every buffer is accounted for", account)
    status = lab.ringway.stop()
    return lab.report.check(status == 0, "ringway ends with status 0", f"status {status}\n{lab.ringway.log()}")


def unplug(lab):
    """One NIC of each kind is pulled under load: the others go on."""
    here = list(lab.hosts)
    for _, victim in list(pairs(lab)):
        name = victim.port.name
        here.remove(victim)
        end = time.monotonic() + 20
        state = {"gone": False}

        def load(sender, receiver, state=state):
            # As long as the removal takes, and some time after it.
            left = 200
            for number in itertools.count():
                yield frames.udp_pair(sender.port, receiver.port, 200, number)
                left -= state["gone"]
                if left == 0:
                    return

        def look(state=state, end=end, name=name):
            state["gone"] = state["gone"] or lab.machine.is_unplugged(name) or time.monotonic() > end

        # Through all that stay, in a ring; and to the victim, of which nothing is expected.
        flows = [Flow(sender, receiver, load(sender, receiver)) for sender, receiver in zip(here, here[1:] + here[:1])]
        Flow(here[0], victim, load(here[0], victim)).push()
        for each in flows:
            each.push()
        lab.machine.qmp("device_del", id=name)
        crosses(lab, flows, f"{name} is unplugged under load: the others lose nothing", 15, look)
        lab.report.check(lab.machine.is_unplugged(name), f"{name}: ringway lets go of the device", lab.ringway.log())
        said = within(10, lambda name=name: lab.ringway.logged(f"port {name}.*gone"))
        lab.report.check(said, f"{name}: ringway says that it is gone", lab.ringway.log())
        exact, account = lab.ringway.audit()
        lab.report.check(exact, f"{name}: every buffer is accounted for", account)
    for host in here:
        lab.report.check(host.ask() == host.port.mac, f"{host.port.name}: it still answers")
