#!/usr/bin/env bash
# The units of deploy/ under systemd in a guest (user-mode Linux), installed as docs/ramdisk.md says: limits, restarts, crashes, swap.
# units.sh [--short] [--seed N]. Both forms are the same. Needs no privilege and no virtualisation, and memory for a guest of 3 GiB.
# KEEP_CONSOLE=FILE keeps what the guest said. PAGEFOLD=FILE is the command compiled ahead of time, if it is there already.
campaign=units
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source tests/campaigns/guest/lib.sh
options -- "$@"
needs "${guest_needs[@]}" mkswap:util-linux sysctl:procps nbdinfo:libnbd-bin systemctl:systemd
begin
[ -n "${PAGEFOLD:-}" ] || { compile_command; PAGEFOLD=$program; }

# systemd finds its programs in /usr; the guest has one folder for all programs, as Debian's merged /usr has.
base=$work/guest/root
mkdir -p "$base"/usr/{bin,lib,lib64,local/bin} "$base"/{var,source/out} "$base/etc/systemd/system"
ln -s bin "$base/usr/sbin"
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$base/$folder"; done
cp -a /lib/systemd "$base/usr/lib/"
cp "$PAGEFOLD" "$work/pagefold"
make_guest init-units mount umount systemctl journalctl nbdinfo mkswap swapon swapoff sysctl install blkdiscard /lib/systemd/systemd \
    /lib/systemd/systemd-journald /lib/systemd/systemd-shutdown "$work/pagefold"
mv "$base/usr/bin/pagefold" "$base/source/out/PageFold.Cli"
cp -r deploy "$base/source/"
cp tests/campaigns/guest/units-checks "$base/checks"
printf '%s\n' root:x:0:0::/:/bin/sh nobody:x:65534:65534::/:/bin/false >"$base/etc/passwd"
printf '%s\n' root:x:0: nogroup:x:65534: >"$base/etc/group"
printf '%s\n' ID=guest NAME=guest >"$base/etc/os-release"
echo units >"$base/etc/hostname"
tr -d - </proc/sys/kernel/random/uuid >"$base/etc/machine-id"
# What needs programs that the guest has not.
for unit in {dbus,systemd-{sysusers,tmpfiles-setup-dev,tmpfiles-setup,journal-catalog-update,update-utmp}}.service dbus.socket \
    dev-{mqueue,hugepages}.mount sys-{fs-fuse-connections,kernel-config,kernel-debug,kernel-tracing}.mount; do
    ln -sf /dev/null "$base/etc/systemd/system/$unit"
done
cat >"$base/etc/systemd/system/guest-checks.service" <<'UNIT'
[Unit]
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
ExecStart=dash /checks
StandardOutput=file:/dev/console
StandardError=inherit
UNIT

# block TEXT: the shell block of the section "Deploy it" that has it.
block() {
    awk '/^## / {section = $0}
        section == "## Deploy it" && /^```sh$/ {inside = 1; block = ""; next}
        /^```$/ {if (inside && index(block, wanted)) printf "%s", block; inside = 0}
        inside {block = block $0 "\n"}' wanted="$1" docs/ramdisk.md
}
# The command is compiled here, not in the guest. Nothing else in the commands differs from the document.
block 'dotnet publish' | sed '/^dotnet publish/d' >"$base/commands/install"
block 'deploy/pagefold.service' >"$base/commands/service"
block 'pagefold-swap.conf' >"$base/commands/swap"
for name in install service swap; do
    [ -s "$base/commands/$name" ] || fail "docs/ramdisk.md has no commands for '$name' under \"Deploy it\""
done

begun=$SECONDS
boot_guest 3072 300
await_end
! tr -d '\r' <"$console" | sed '1,/^guest: PASSED/d' | grep -aE 'I/O error|error -5|Write-error|Read-error' ||
    broken "the server ended before swap was off"
pass "the units of deploy/ as docs/ramdisk.md installs them, $((SECONDS - begun)) s"
