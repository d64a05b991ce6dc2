#!/bin/sh
# For a word that is no target of the Makefile: refuses it and names the target that differs in the fewest letters.
set -eu
. "$(dirname -- "$0")/lib.sh"

meant=$(awk -v typed="$1" '
    function least(a, b) { return a < b ? a : b }
    # How many letters to put in, take out, change or swap with the next until one word is the other.
    function apart(a, b,    i, j, n, m, d) {
        n = length(a); m = length(b)
        for (i = 0; i <= n; i++) d[i, 0] = i
        for (j = 0; j <= m; j++) d[0, j] = j
        for (i = 1; i <= n; i++)
            for (j = 1; j <= m; j++) {
                d[i, j] = least(least(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (substr(a, i, 1) != substr(b, j, 1)))
                if (i > 1 && j > 1 && substr(a, i - 1, 2) == substr(b, j, 1) substr(b, j - 1, 1))
                    d[i, j] = least(d[i, j], d[i - 2, j - 2] + 1)
            }
        return d[n, m]
    }
    BEGIN { FS = ":"; nearest = 1 + int(length(typed) / 3) }
    /^[a-z][a-z-]*:.*## / && (steps = apart(typed, $1)) <= nearest { if (steps < nearest || !word) word = $1; nearest = steps }
    END { print word }' "$ROOT/Makefile")
told="there is no target $1"
[ -n "$meant" ] || fail "$told" "bare \`make\` lists them"
# Whose words are left out may be meant for everybody; they are read by a shell again.
word="make $meant"
shift
for typed in "$@"; do
    case $typed in
        *[!A-Za-z0-9+_./:=,@-]*) typed="${typed%%=*}='$(printf %s "${typed#*=}" | sed "s/'/'\\\\''/g")'" ;;
    esac
    word="$word $typed"
done
fail "$told. Did you mean $meant?" "$word"
