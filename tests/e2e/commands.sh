#!/usr/bin/env bash
# Every way to give a command: one-shot, JSON, batch file, pipe, the prompt on a terminal, the prompt of `ringway run`.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"
in_a ping -n -q -c 3 -i 0.2 -W 2 198.51.100.2 >/dev/null || true

step "JSON"
for words in "show port info all" "show port stats all" "show port xstats all" "show port summary all" "show interface" \
    "show route" "route get 198.51.100.2" "show neighbor" "show cache" "show fib zones" "show pool" "show drops" \
    "show workers" "show icmp" "show config" "show version" "help"; do
    # shellcheck disable=SC2086
    json=$(rw --json $words) || json="exit status $?"
    if jq -e 'type == "object" and (has("error") | not)' <<<"$json" >/dev/null 2>&1; then pass "$words"; else fail "$words" "$json"; fi
done

step "one-shot"
sees "show port stats has testpmd's labels" "RX-packets: [1-9]" rw show port stats all
sees "show config prints what runs" "^\[\[port\]\]" rw show config
rw show config >"$LAB_DIR/running.toml"
check "which check accepts" in_router "$RINGWAY" check "$LAB_DIR/running.toml"
sees "help lists the commands" "route add" rw help
sees "words may be abbreviated" "RX-packets" rw sh po st all
refuses "a mistake is pointed at and the nearest command named" "show port stats" rw show prot stats
refuses "an unknown port is named" "p9" rw show port stats p9
refuses "a wrong address is named" "198\.51\.100\.999" rw route get 198.51.100.999
refuses "without a ringway the socket is named" "nowhere\.sock" "$RINGWAY" cli --socket "$LAB_DIR/nowhere.sock" show pool
sees "proc routes" "^Iface" rw show route --format proc
sees "proc neighbors" "^IP address" rw show neighbor --format proc

step "batches"
printf 'show version\n# a comment\n\nroute add 203.0.113.0/24 via 198.51.100.2\nshow route\n' >"$LAB_DIR/batch"
sees "a file of commands" "203\.0\.113\.0/24" rw --file "$LAB_DIR/batch"
sees "a pipe of commands" "203\.0\.113\.0/24" sh -c "echo 'show route' | '$RINGWAY' cli --socket '$LAB_SOCKET'"
printf 'show version\nshow nonsense\nroute del 203.0.113.0/24\n' >"$LAB_DIR/batch"
refuses "a batch stops at the first mistake and names its line" "(line 2|:2)" rw --file "$LAB_DIR/batch"
sees "and does nothing after it" "203\.0\.113\.0/24" rw show route

# terminal COMMAND...: runs a command on a terminal of its own, types the lines of standard input, prints what appears.
cat >"$LAB_DIR/terminal.py" <<'PY'
import os, pty, select, signal, sys, time

lines = [line.encode().decode("unicode_escape").encode() for line in sys.stdin.read().splitlines()]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen, end = b"", time.monotonic() + 20

def look(until):
    """Reads until the text appears, the terminal closes or the time is over."""
    global seen
    start = len(seen)
    while until not in seen[start:] and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                return False
            if b"\x1b[6n" in data:
                os.write(terminal, b"\x1b[1;1R")
            seen += data
    return True

look(b"> ")
for line in lines:
    time.sleep(0.3)
    os.write(terminal, line)
    if not look(b"> "):
        break
look(b"\0")
sys.stdout.buffer.write(seen)
for _ in range(50):
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        print(f"\nended with status {os.waitstatus_to_exitcode(status)}")
        break
    time.sleep(0.1)
else:
    os.kill(child, signal.SIGKILL)
    print("\ndid not end")
PY
terminal() { TERM=xterm timeout 40 /usr/bin/python3 "$LAB_DIR/terminal.py" "$@" | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g'; }

step "the prompt of ringway cli"
session=$(printf '%s\n' 'show pool\r' 'sho\tpor\tsum\tall\r' 'quit\r' | terminal "$RINGWAY" cli --socket "$LAB_SOCKET")
sees "it has a prompt" "ringway> |> " echo "$session"
sees "a command is answered" "exact" echo "$session"
sees "Tab completes words, and Enter gives the command" "Number of available ports: 2" echo "$session"
sees "quit ends the prompt with status 0" "ended with status 0" echo "$session"
check "and not the router" rw show version
session=$(printf '%s\n' '\x04' | terminal "$RINGWAY" cli --socket "$LAB_SOCKET")
sees "Ctrl-D does so too" "ended with status 0" echo "$session"
check "and every buffer is accounted for" audit
check "the router ends" stop_ringway TERM

step "the prompt of ringway run"
session=$(printf '%s\n' 'show port stats all\r' 'quit\r' |
    terminal ip netns exec "$LAB_ROUTER" "$RINGWAY" run --socket "$LAB_SOCKET" "$LAB_CONFIG")
sees "on a terminal it gives the prompt" "RX-packets" echo "$session"
sees "quit there stops the router with status 0" "ended with status 0" echo "$session"
check "no socket is left" test ! -e "$LAB_SOCKET"

finish
