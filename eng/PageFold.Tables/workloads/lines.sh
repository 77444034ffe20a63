# Fills the memory of a shell: lines of text files, by number and by content.
declare -A seen
lines=()
for file in /etc/services /etc/protocols /etc/mime.types /usr/share/common-licenses/* /usr/share/bash-completion/completions/* \
    /usr/share/doc/*/copyright; do
    [ -f "$file" ] || continue
    [ ${#lines[@]} -lt 60000 ] || break
    while IFS= read -r line; do
        lines+=("$line")
        [ -z "$line" ] || seen[$line]=$file
    done <"$file" 2>/dev/null
done
echo ready
read -r _
