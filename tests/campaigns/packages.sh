#!/usr/bin/env bash
# The packages are made, checked, and used: the samples build with them and run, one ahead of time without a warning, the tool is installed.
# packages.sh [--short] [--seed N]; the short form compiles one sample ahead of time, the other one all. The seed is only printed.
campaign=packages
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
options -- "$@"
needs python3:python3 git:git
begin
begun=$SECONDS

# NuGet keeps what it has seen by version. A version that no other run had, and a cache of its own, make sure that these packages are used.
version=0.1.0-campaign.$(date +%s).$$
cached=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
export NUGET_PACKAGES=$work/cache
mkdir "$NUGET_PACKAGES"
feed=$work/feed
NUGET_PACKAGES=$cached eng/pack.sh packages --version "$version" --output "$feed" >"$work/log" 2>&1 </dev/null ||
    fail "the packages cannot be made: $(tail -n 3 "$work/log")"
! grep -ai 'warning' "$work/log" || fail "making the packages gives warnings"
say "packages after $((SECONDS - begun)) s"
python3 tests/campaigns/packages.py "$feed" "$version" "$root" || fail "a package is not what it should be"

# The samples leave the checkout, so that nothing of it can help them. Libraries of others come from the cache of this machine.
cp -r samples "$work/samples"
rm -rf "$work"/samples/*/{bin,obj}
cat >"$work/nuget.config" <<CONFIG
<configuration>
  <packageSources><add key="feed" value="$feed" /></packageSources>
  <fallbackPackageFolders><add key="cached" value="$cached" /></fallbackPackageFolders>
</configuration>
CONFIG
ahead=0
for project in "$work"/samples/*/*.csproj; do
    sample=$(basename "$project" .csproj)
    folder=$work/run/$sample
    dotnet build "$project" -c Release -o "$folder" -p:PageFoldVersion="$version" --nologo -v quiet >"$work/log" 2>&1 </dev/null ||
        fail "sample $sample does not build with the packages: $(tail -n 3 "$work/log")"
    grep -q "\"PageFold/$version\"" "$folder/$sample.deps.json" || fail "sample $sample was not built with the packages"
    dotnet "$folder/$sample.dll" >"$work/log" 2>&1 </dev/null || fail "sample $sample: exit code $?: $(tail -n 3 "$work/log")"
    [ -s "$work/log" ] || fail "sample $sample says nothing"
    # The libraries are in one of these.
    [ $short = 0 ] || [ "$sample" = Disk ] || [ "$sample" = CacheWeb ] || continue
    dotnet publish "$project" -c Release -o "$folder/ahead" -p:PageFoldVersion="$version" --nologo -v quiet >"$work/log" 2>&1 </dev/null ||
        fail "sample $sample does not compile ahead of time: $(tail -n 3 "$work/log")"
    ! grep -ai 'warning' "$work/log" || fail "compiling sample $sample ahead of time gives warnings"
    "$folder/ahead/$sample" >"$work/log" 2>&1 </dev/null || fail "sample $sample ahead of time: exit code $?: $(tail -n 3 "$work/log")"
    ahead=$((ahead + 1))
done
[ $ahead -gt 0 ] || fail "no sample was compiled ahead of time"
say "samples after $((SECONDS - begun)) s, $ahead of them ahead of time"

(cd "$work" && dotnet tool install PageFold.Cli --tool-path "$work/tools" --version "$version") >"$work/log" 2>&1 </dev/null ||
    fail "the tool cannot be installed: $(tail -n 3 "$work/log")"
said=$("$work/tools/pagefold" --version) || fail "the tool does not run"
[ "${said%%+*}" = "$version" ] || fail "the tool of version $version says that it is $said"
"$work/tools/pagefold" measure docs --json - >"$work/report" 2>"$work/log" || fail "the tool measures nothing: $(tail -n 3 "$work/log")"
python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["verified"] is not True)' "$work/report" ||
    fail "the tool verifies nothing"
"$work/tools/pagefold" measure --wrong >/dev/null 2>&1
[ $? = 2 ] || fail "the tool takes an option that it does not have"

# A version for trees that have no tag, not all of the history, or none of it.
version_of() {
    dotnet restore "$1/src/PageFold" --nologo -v quiet >"$work/log" 2>&1 &&
        dotnet msbuild "$1/src/PageFold/PageFold.csproj" --nologo -t:MinVer -getProperty:PackageVersion 2>>"$work/log"
}
if [ -e .git ]; then
    git clone -q --depth 1 "file://$root" "$work/shallow" || fail "the checkout cannot be cloned"
    got=$(NUGET_PACKAGES=$cached version_of "$work/shallow")
    [[ $got =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ && $got != 0.0.* ]] || fail "a shallow clone has the version '$got'"
    rm -rf "$work/shallow/.git" "$work/shallow/src/PageFold/obj"
    got=$(NUGET_PACKAGES=$cached version_of "$work/shallow")
    [ "$got" = 0.1.0-preview.0 ] || fail "sources without history have the version '$got'"
fi
pass "packages, samples and tool in $((SECONDS - begun)) s"
