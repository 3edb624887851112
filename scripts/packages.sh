# shellcheck shell=bash
# What ringway's scripts need from the machine: Debian packages and a Rust toolchain. Source this file.

# The commands of each script and the Debian package that brings each one.
declare -rA PACKAGE_OF=(
    [ip]=iproute2 [ping]=iputils-ping [tracepath]=iputils-tracepath [traceroute]=traceroute [iperf3]=iperf3
    [ethtool]=ethtool [jq]=jq [cc]=build-essential [tcpdump]=tcpdump [hping3]=hping3 [arping]=iputils-arping
    [valgrind]=valgrind [/usr/bin/python3]=python3 [pkg-config]=pkg-config [dpdk-testpmd]=dpdk
    [qemu-system-x86_64]=qemu-system-x86 [busybox]=busybox-static
)

# install_missing COMMAND...: installs the packages of the commands that are not there, in one call of apt-get.
# Three words ask for what is no command: `scapy` for Debian's Python library, `libdpdk` for the headers and libraries of
# DPDK with its PMDs, `libclang` for what reads those headers.
install_missing() {
    local command missing=()
    for command in "$@"; do
        if [[ $command == scapy ]]; then
            /usr/bin/python3 -c 'import scapy' 2>/dev/null || missing+=(python3-scapy)
        elif [[ $command == libdpdk ]]; then
            pkg-config --exists libdpdk 2>/dev/null || missing+=(libdpdk-dev)
        elif [[ $command == libclang ]]; then
            ls /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang-[0-9]*.so* >/dev/null 2>&1 || missing+=(libclang-dev)
        elif ! command -v "$command" >/dev/null; then
            missing+=("${PACKAGE_OF[$command]}")
        fi
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        echo "missing packages: ${missing[*]} (as root: apt-get install ${missing[*]})" >&2
        return 1
    fi
    if ! command -v apt-get >/dev/null; then
        echo "this machine has no apt-get; install with its own package manager: ${missing[*]}" >&2
        return 1
    fi
    # A fresh image comes without package lists, and then apt-get knows no package at all.
    apt-cache show "${missing[@]}" >/dev/null 2>&1 || apt-get -q update
    echo "installing ${missing[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends "${missing[@]}"
}

# Puts a toolchain that rustup made into PATH and checks that it is new enough for Cargo.toml.
find_rust() {
    local home have need
    for home in "$HOME" "$(getent passwd "${SUDO_USER:-}" 2>/dev/null | cut -d: -f6)"; do
        [[ -n $home && -x $home/.cargo/bin/cargo ]] && PATH=$PATH:$home/.cargo/bin
    done
    need=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$RINGWAY_ROOT/Cargo.toml")
    have=$(as_caller cargo --version 2>/dev/null | cut -d' ' -f2) || have=""
    if [[ -z $have ]] || [[ $(printf '%s\n' "$need" "$have" | sort -V | head -n 1) != "$need" ]]; then
        cat >&2 <<TEXT
ringway needs Rust $need or later; this machine has ${have:-none}.
Install it as https://www.rust-lang.org/tools/install says, and run this again:

    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh

TEXT
        return 1
    fi
}

# Runs a command as the user who called sudo, so that what it writes into the source tree stays hers.
as_caller() {
    if ((EUID == 0)) && [[ -n ${SUDO_USER:-} && $SUDO_USER != root ]]; then
        runuser -u "$SUDO_USER" -- env "PATH=$PATH" "HOME=$(getent passwd "$SUDO_USER" | cut -d: -f6)" "$@"
    else
        "$@"
    fi
}
