#!/usr/bin/env bash
# Makes files of real values of 300 to 1,000 bytes, for `./pagefold bench cache --density --values`: JSON, HTML and MessagePack.
#   benchmarks/values.sh FOLDER       writes FOLDER/json.jsonl, FOLDER/html.bin and FOLDER/objects.bin in a minute or two
# The material is downloaded with apt-get and not installed: the service descriptions of botocore (Apache 2.0), and the manuals of Python
# (PSF), Django (BSD) and PostgreSQL (PostgreSQL licence). The packages stay in FOLDER/packages. Their versions, which are printed, decide
# what is in the files.
# Exit code 2: wrong use, or a program is missing; 1: the download or the conversion failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -eq 1 ] && [[ $1 != -* ]] || { echo "values.sh: name one folder for the files, as in benchmarks/values.sh /tmp/values." >&2; exit 2; }
for program in apt-get apt-cache dpkg-deb python3; do
    command -v "$program" >/dev/null || { echo "values.sh: $program is missing; it needs Debian or a relative, with python3." >&2; exit 2; }
done
mkdir -p "$1/packages" || exit 2
folder=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The manual that a package without a version in its name depends on.
manual() { apt-cache depends "$1" 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /-doc/ { print $2; exit }'; }
unpack() { # where to, packages
    local to=$1 package file; shift
    for package in "$@"; do
        (cd "$folder/packages" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2) || {
            echo "values.sh: $package cannot be downloaded; run apt-get update, or look whether the distribution has it." >&2
            exit 1
        }
        file=$(ls -t "$folder/packages/${package}_"*.deb | head -1) # an older run may have left another version
        dpkg-deb --show --showformat '${Package} ${Version}\n' "$file"
        dpkg-deb --extract "$file" "$to"
    done
}
python=$(manual python3-doc)
postgresql=$(manual postgresql-doc)
unpack "$work/json" python3-botocore
unpack "$work/html" "${python:-python3-doc}" python-django-doc "${postgresql:-postgresql-doc}"
python3 "$here/values.py" "$work/json" "$work/html" "$folder"
