# shellcheck shell=bash
# What an end-to-end test says and checks, on top of the lab. Source this file first; end with `finish`.
# shellcheck source=scripts/lab.sh
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

case ${1:-} in
    -h | --help)
        echo "usage: $0"
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
        echo "Needs root, namespaces and a release build; prints each check and exits with 0 when all hold."
        exit 0
        ;;
esac

CHECKS=0
FAILURES=0
trap lab_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "$0: line $LINENO: \"$BASH_COMMAND\" failed with status $?" >&2' ERR

# A heading for the checks that follow.
step() { printf '\n# %s\n' "$*"; }

pass() {
    ((++CHECKS))
    printf '  ok    %s\n' "$1"
}

# fail TEXT [EVIDENCE]: counts a failed check and shows what was seen instead, its first lines.
fail() {
    local lines=()
    ((++CHECKS))
    ((++FAILURES))
    printf '  FAIL  %s\n' "$1"
    if [[ -n ${2:-} ]]; then
        mapfile -t lines <<<"$2"
        printf '        | %s\n' "${lines[@]:0:15}"
    fi
}

# check TEXT COMMAND...: the command succeeds. It runs in this shell, so that it may end or start ringway.
check() {
    local text=$1
    shift
    if "$@" >"$LAB_DIR/output" 2>&1; then pass "$text"; else fail "$text" "$(<"$LAB_DIR/output")"; fi
}

# refuses TEXT PATTERN COMMAND...: the command fails, and what it prints has a line that matches.
refuses() {
    local text=$1 pattern=$2 output
    shift 2
    if output=$("$@" 2>&1); then
        fail "$text: it succeeds" "$output"
    elif grep -Eq -- "$pattern" <<<"$output"; then
        pass "$text"
    else
        fail "$text" "$output"
    fi
}

# sees TEXT PATTERN COMMAND...: what the command prints, whatever its status, has a line that matches (extended regex).
sees() {
    local text=$1 pattern=$2 output
    shift 2
    output=$("$@" 2>&1) || true
    if grep -Eq -- "$pattern" <<<"$output"; then pass "$text"; else fail "$text" "$output"; fi
}

# sees_not TEXT PATTERN COMMAND...: no line of what the command prints matches.
sees_not() {
    local text=$1 pattern=$2 output
    shift 2
    output=$("$@" 2>&1) || true
    if grep -Eq -- "$pattern" <<<"$output"; then fail "$text" "$output"; else pass "$text"; fi
}

# within SECONDS COMMAND...: the command succeeds before the time is over; it is tried every 100 ms.
within() {
    local turns=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        ((turns-- > 0)) || return 1
        sleep 0.1
    done
}

# drop_count REASON: packets dropped for this reason since the last `clear drops`.
drop_count() {
    rw --json show drops all | jq --arg reason "$1" '[.drops[] | select(.reason == $reason) | .packets] | add // 0'
}

# frames: runs the Python program of standard input, with tests/e2e/frames.py at hand; its failed checks count here.
frames() {
    local status=0
    PYTHONPATH=$RINGWAY_ROOT/tests/e2e PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - || status=$?
    if ((status == 1)); then ((++FAILURES)); fi
    ((status <= 1)) || fail "the frame program ran to its end (status $status)"
}

# finish: the audit, an orderly end of ringway, and the verdict of the whole test.
finish() {
    step "afterwards"
    if [[ -n ${RINGWAY_PID:-} ]] && ! lab_is_over "$RINGWAY_PID"; then
        check "every buffer is accounted for" audit
        check "ringway ends by SIGTERM with status 0" stop_ringway TERM
    fi
    printf '\n%s: %d checks, %d failed\n' "$(basename "$0" .sh)" "$CHECKS" "$FAILURES"
    if ((FAILURES)); then
        echo "the last lines of ringway's log:"
        tail -n 20 "$LAB_LOG" 2>/dev/null | sed 's/^/    /' || true
        exit 1
    fi
}
