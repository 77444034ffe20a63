#!/usr/bin/env bash
# A new web application with HybridCache over the package of PageFold, and a million distinct keys with texts of 1,000 characters (short:
# 300,000): its resident memory, watched from outside, stays below the limit and a constant, which docs/caching.md states. The long form
# does it ahead of time too.
campaign=cache-web
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
keys=0
limit=64
options keys limit -- "$@"
[ "$keys" != 0 ] || keys=$([ $short = 1 ] && echo 300000 || echo 1000000)
# MiB above the limit, of the whole process: without the first level of HybridCache, and with its default bound.
declare -A constant=([Off]=120 [Bounded]=240)
needs curl:curl
begin

version=0.1.0-campaign.$(date +%s).$$
cached=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
for project in PageFold PageFold.Caching; do
    MinVerVersionOverride=$version dotnet pack src/$project -c Release --artifacts-path artifacts/pack -o "$work/feed" --nologo -v quiet \
        >"$work/log" 2>&1 </dev/null || fail "the package $project cannot be made: $(tail -n 3 "$work/log")"
done
cat >"$work/nuget.config" <<CONFIG
<configuration>
  <packageSources><add key="feed" value="$work/feed" /></packageSources>
  <fallbackPackageFolders><add key="cached" value="$cached" /></fallbackPackageFolders>
</configuration>
CONFIG
export NUGET_PACKAGES=$work/cache
cd "$work" || exit 2
{
    dotnet new web -n Web -o Web && cp "$root/tests/campaigns/cache-web/Program.cs" Web/ &&
        dotnet add Web package PageFold.Caching --version "$version" && dotnet publish Web -c Release -o managed --nologo -v quiet
} >"$work/log" 2>&1 </dev/null || fail "the application does not build: $(tail -n 3 "$work/log")"
forms=(managed)
if [ $short = 0 ]; then
    dotnet publish Web -c Release -p:PublishAot=true -o ahead --nologo -v quiet >"$work/log" 2>&1 </dev/null ||
        fail "the application does not compile ahead of time: $(tail -n 3 "$work/log")"
    forms+=(ahead)
fi

told=()
for form in "${forms[@]}"; do
    for level in Off Bounded; do
        ASPNETCORE_URLS=http://127.0.0.1:0 "$form/Web" "--Cache:MemoryLimit=$((limit << 20))" "--Cache:HybridCacheFirstLevel=$level" \
            >"$work/out" 2>&1 </dev/null &
        web=$!
        started+=("$web")
        for ((i = 0; i < 300; i++)); do
            address=$(sed -n 's/.*listening on: //p' "$work/out")
            [ -z "$address" ] || break
            kill -0 "$web" 2>/dev/null || fail "it ended: $(tail -n 3 "$work/out")"
            sleep 0.1
        done
        say "$form, first level $level: $(($(awk '$1 == "VmRSS:" {print $2}' "/proc/$web/status") / 1024)) MiB resident at the start"
        for ((from = 0; from < keys; from += 50000)); do
            said=$(curl -sS --max-time 120 "$address/fill/$from/50000" 2>&1)
            [ "$said" = filled ] || fail "$form, $level: $said"
        done
        read -r used entries < <(curl -sS "$address/used")
        most=$(($(awk '$1 == "VmHWM:" {print $2}' "/proc/$web/status") / 1024))
        kill "$web"
        gone "$web" 30 || fail "$form, $level: it does not end"
        told+=("$form $level $((most - limit))")
        say "$form, first level $level: at most $most MiB resident, $((most - limit)) above the limit;" \
            "$entries entries in $((used >> 20)) MiB"
        [ "$((used >> 20))" -ge $((limit * 3 / 4)) ] || fail "the cache was never full, so this proves nothing"
        allowed=$((limit + constant[$level]))
        [ $most -le $allowed ] || fail "$form, $level: $most MiB are resident, allowed are $allowed"
    done
done
pass "$keys keys; MiB above the limit of $limit: $(IFS=,; echo "${told[*]}")"
