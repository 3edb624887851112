"""The guest's initial RAM disk: busybox, the kernel modules for vfio, the program with every library it needs, and our files.

The archive is written here, in the format `newc` that the kernel unpacks; it needs no privilege and no other program. It is
not compressed: the emulated processor unpacks slower than it reads.
"""

import lzma
import re
import shutil
import subprocess
from pathlib import Path

# What ringway's DPDK ports load at start; one with a missing library would be fatal to all, so only the wanted ones go in.
PLUGINS = ("bus_pci", "bus_vdev", "mempool_ring", "net_virtio", "net_e1000", "net_vmxnet3")
# The unwinder, which libc opens by name when it ends a thread.
OPENED_BY_NAME = ("libgcc_s.so.1",)
MODULES = ("vfio_iommu_type1", "vfio-pci")


class Archive:
    """A `newc` archive under construction."""

    def __init__(self):
        self._parts = []
        self._names = set()

    def directory(self, path):
        """Adds a directory and those above it."""
        path = Path(path)
        for place in [*reversed(path.parents), path]:
            name = str(place).strip("/")
            if name not in ("", ".") and name not in self._names:
                self._entry(name, 0o040755, b"")

    def file(self, path, data, mode=0o644):
        """Adds a file with these bytes."""
        path = Path(path)
        self.directory(path.parent)
        name = str(path).strip("/")
        if name not in self._names:
            self._entry(name, 0o100000 | mode, data)

    def copy(self, source):
        """Adds a file of this machine under its own path, with the links that lead there: one loaded by two paths is one."""
        source = Path(source)
        real = source.resolve()
        self.file(real, real.read_bytes(), 0o755)
        for way in (*reversed(source.parents), source.parent.resolve() / source.name):
            if way.is_symlink():
                self.link(way, str(way.resolve()))

    def link(self, path, target):
        """Adds a symbolic link."""
        path = Path(path)
        self.directory(path.parent)
        name = str(path).strip("/")
        if name not in self._names:
            self._entry(name, 0o120777, target.encode())

    def _entry(self, name, mode, data):
        self._names.add(name)
        encoded = name.encode() + b"\0"
        # Inode, mode, owner, group, links, time, size, four device numbers, length of the name, check sum.
        fields = (len(self._names), mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields)
        self._parts += [header + encoded, bytes(-(len(header) + len(encoded)) % 4), data, bytes(-len(data) % 4)]

    def write(self, path):
        """Ends the archive and writes it."""
        self._entry("TRAILER!!!", 0, b"")
        with open(path, "wb") as out:
            out.writelines(self._parts)


def libraries(program):
    """The paths of the shared libraries that the loader would take for a program or a plug-in; a static program has none."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    if missing := re.findall(r"^\s*(\S+) => not found", listing, re.M):
        raise SystemExit(f"{program} needs {', '.join(missing)}, which this machine does not have")
    return re.findall(r"(/\S+) \(0x", listing)


def plugins():
    """The directory where this machine's DPDK looks for its plug-ins, and the wanted files in it under their own names."""
    for directory in sorted(Path("/usr/lib").glob("*/dpdk/pmds-*"), reverse=True):
        # DPDK passes over names that end in .so.23; the full name has two numbers.
        found = [file for name in PLUGINS for file in directory.glob(f"librte_{name}.so.*.*")]
        if len(found) == len(PLUGINS):
            return found
    raise SystemExit(f"DPDK's plug-ins ({', '.join(PLUGINS)}) are not in /usr/lib/*/dpdk/pmds-*: apt-get install dpdk")


def modules(kernel):
    """The kernel modules for vfio in the order of loading, as pairs of name and bytes."""
    files = {file.name.split(".ko")[0].replace("-", "_"): file for file in kernel.glob("**/*.ko*")}
    order = {}

    def visit(name):
        name = name.replace("-", "_")
        if name in order or name not in files:
            return  # loaded before, or built into this kernel
        data = files[name].read_bytes()
        if files[name].suffix == ".xz":
            data = lzma.decompress(data)
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in needs.group(1).decode().split(",") if needs else ():
            visit(other)
        order[name] = data

    for name in MODULES:
        visit(name)
    return list(order.items())


def build(path, kernel, programs, files):
    """Writes the RAM disk.

    `kernel` is the unpacked kernel package, `programs` maps paths in the guest to dynamic programs of this machine, `files`
    maps paths in the guest to text, or to static programs of this machine; what is in /init and /bin may be executed.
    """
    archive = Archive()
    for place in ("proc", "sys", "dev", "run", "tmp", "dev/hugepages"):
        archive.directory(place)
    programs = {"bin/busybox": shutil.which("busybox"), **programs}
    archive.link("bin/sh", "busybox")
    for number, (name, data) in enumerate(modules(kernel)):
        archive.file(f"modules/{number}-{name}.ko", data)
    wanted = plugins()
    for file in wanted:
        archive.copy(file)
    for place, program in programs.items():
        archive.file(place, Path(program).read_bytes(), 0o755)
    closure = {library for program in (*programs.values(), *wanted) for library in libraries(program)}
    for library in sorted(closure):
        archive.copy(library)
        if Path(library).name == "libc.so.6":
            for name in OPENED_BY_NAME:
                archive.copy(Path(library).parent / name)
    for place, content in files.items():
        executable = place.startswith(("bin/", "init"))
        data = content.encode() if isinstance(content, str) else content.read_bytes()
        archive.file(place, data, 0o755 if executable else 0o644)
    archive.write(path)
