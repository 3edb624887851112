# shellcheck shell=bash
# Huge pages of 2 MiB for the pools, taken from the kernel and given back. Source this file after lab.sh.

HUGE_PAGES=/proc/sys/vm/nr_hugepages

# take_huge_pages COUNT: asks the kernel for so many more; it gives what it can, and ringway runs with none as well.
take_huge_pages() {
    local before after
    if [[ ! -w $HUGE_PAGES ]]; then
        echo "   this kernel has no huge pages to give; ringway takes plain memory"
        return
    fi
    before=$(<"$HUGE_PAGES")
    { echo $((before + $1)) >"$HUGE_PAGES"; } 2>/dev/null || true
    after=$(<"$HUGE_PAGES")
    echo $((after - before)) >"$LAB_DIR/huge_pages"
    echo "   $((after - before)) huge page(s) of 2 MiB taken for ringway's pool (they go back at the end)"
}

# return_huge_pages COUNT: gives so many back.
return_huge_pages() {
    (($1 > 0)) || return 0
    { echo $(($(<"$HUGE_PAGES") - $1)) >"$HUGE_PAGES"; } 2>/dev/null || true
}
