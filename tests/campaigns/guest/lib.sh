# A guest of user-mode Linux for campaigns, after lib.sh. Its root is a folder: BusyBox, the programs that a campaign names with their
# libraries, the kernel's nbd module, the working set. No privilege and no virtualisation is needed.
guest_needs=(linux.uml:user-mode-linux libslirp-helper:libslirp-helper nbd-client:nbd-client busybox:busybox-static gcc:gcc python3:python3)
boot=""
shown=0

# make_guest INIT PROGRAM...: makes the root in $guest/root. INIT is the file of this folder that is the guest's first process.
make_guest() {
    local init=$1 link program path library module modules
    shift
    guest=$work/guest
    mkdir -p "$guest"/run "$guest"/root/{bin,sbin,usr/bin,usr/sbin,dev,proc,sys,run,tmp,mnt,meet,commands,etc}
    # BusyBox's shell prefers its own programs to those of others; hence dash.
    busybox --install -s "$guest/root/bin"
    for link in "$guest"/root/bin/*; do ln -sf busybox "$link"; done
    rm -f "$guest/root/bin/busybox"
    cp "$(command -v busybox)" "$guest/root/bin/busybox"
    for program in dash nbd-client "$@"; do
        path=$(command -v "$program")
        rm -f "$guest/root/bin/$(basename "$program")"
        cp -L "$path" "$guest/root/sbin/$(basename "$program")"
        for library in $(ldd "$path" | grep -o '/[^ ]*'); do
            mkdir -p "$guest/root${library%/*}"
            cp -L "$library" "$guest/root$library"
        done
    done
    module=$(find /usr/lib/uml/modules -name 'nbd.ko*' | head -n 1)
    [ -n "$module" ] || fail "the package user-mode-linux has no nbd module"
    modules=$guest/root/lib/modules/$(basename "${module%%/kernel/*}")
    mkdir -p "$modules"
    cp "$module" "$modules/nbd.ko"
    echo "nbd.ko:" >"$modules/modules.dep"
    gcc -static -O2 -o "$guest/root/bin/working-set" tests/campaigns/guest/working-set.c || fail "the working set does not compile"
    gcc -shared -fPIC -O2 -o "$guest/xstate.so" tests/campaigns/guest/xstate.c -ldl || fail "xstate.c does not compile"
    cp "tests/campaigns/guest/$init" "$guest/root/init"
    chmod +x "$guest/root/init"
    echo "10.0.2.2 server" >"$guest/root/etc/hosts"
    echo "hosts: files" >"$guest/root/etc/nsswitch.conf"
}

# boot_guest MEMORY-MIB SECONDS: starts the guest; it is ended after so many seconds. Its console is the file $console.
boot_guest() {
    console=$work/console
    : >"$console"
    shown=0
    python3 tests/campaigns/guest/boot.py "$guest" "$1" "$2" "$console" 2>"$work/boot.log" &
    boot=$!
    started+=("$boot")
}

# The guest's processes outlive a boot.py that was killed.
left_behind() { [ ! -s "${guest:-}/group" ] || kill -KILL -- "-$(cat "$guest/group")" 2>/dev/null; }

# Prints what the guest has said since the last time.
show() {
    local lines
    lines=$(tr -d '\r' <"$console" | tail -n +$((shown + 1)) | head -n 1000)
    [ -n "$lines" ] || return 0
    shown=$((shown + $(wc -l <<<"$lines")))
    grep -aE '^(guest|working-set|\+)|[Oo]ops|panic|BUG|swap|Out of memory|blocked for more' <<<"$lines" |
        grep -av 'Warning: the oldstyle' | sed 's/^/    /'
}

# Checks that the guest has ended in order, that all its checks passed, and that its kernel has not complained.
await_end() {
    while kill -0 "$boot" 2>/dev/null; do show; sleep 1; done
    wait "$boot" || broken "the guest hung: $(cat "$work/boot.log")"
    show
    grep -aq '^guest: PASSED' "$console" || broken "the guest has failed"
    ! grep -aE 'Oops|Kernel panic|BUG:|Out of memory' "$console" || broken "the guest's kernel complains"
    keep_console
}

keep_console() { [ -z "${KEEP_CONSOLE:-}" ] || cp "$console" "$KEEP_CONSOLE"; }

broken() {
    show
    keep_console
    tail -n 15 "$console" | sed 's/^/    | /'
    fail "$1"
}
