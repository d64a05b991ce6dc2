#!/bin/sh
# For a word that make knows nothing of, beside a target or in its place: refuses it and gives the command that was meant.
#   meant.sh TARGET REST [NAME=value …]; without REST the target itself is the word that is not known
set -eu
. "$(dirname -- "$0")/lib.sh"

target=$1 rest=$2
shift 2

# takes TARGET: the names that its help has; a test keeps them those of the tools.
takes() {
    awk -F= -v target="$1:" 'index($0, target) == 1 {
        for (i = 1; i < NF; i++) if (match($i, /[A-Z_]+$/)) printf " %s", substr($i, RSTART) }' "$ROOT/Makefile"
}

# targets WORDS: whether each of them is one.
targets() {
    awk -F: -v words="$1" '/^[a-z][a-z-]*:/ { known[$1] }
        END { count = split(words, word, " "); for (i = 1; i <= count; i++) if (!(word[i] in known)) exit 1 }' "$ROOT/Makefile"
}

# offer TARGET NAME=value …: the command with what that target takes of it, as words that a shell reads again.
offer() {
    offered="make $1" known=" $(takes "$1") "
    shift
    for typed in "$@"; do
        case ${typed%%=*} in
        AUTO_SETUP | COMPOSE_PROJECT_NAME | COMPOSE_PROFILES | API_PORT | CALLS_PORT | PROJECT | PUBLIC_HOST_AT | WRAP) ;;
        OPS_LANG | OPS_TZ | ENV | MAKEFLAGS | STACK | *_IMAGE) ;;
        *) case $known in *" ${typed%%=*} "*) ;; *) continue ;; esac ;;
        esac
        case $typed in
        *[!A-Za-z0-9+_./:=,@-]*) typed="${typed%%=*}='$(printf %s "${typed#*=}" | sed "s/'/'\\\\''/g")'" ;;
        esac
        offered="$offered $typed"
    done
    printf '%s' "$offered"
}

if [ -n "$rest" ]; then
    # Of those whose values have a space in them, the one that this goes on with: a clock's, a number's or a sentence's.
    case $rest in
    [0-9]*:*) names="AT SINCE UNTIL" ;;
    [0-9+]*) names="PHONE ID" ;;
    *) names= ;;
    esac
    # A target's name goes on with a sentence at the most.
    names="$names GREP NOT WHY" commands=1
    targets "$rest" || commands='' names="$names NAME FILE KEY ARGS"
    cut='' sentence='' known=" $(takes "$target") "
    for name in $names; do
        for typed in "$@"; do
            [ "${typed%%=*}" = "$name" ] || continue
            sentence=${sentence:-$name}
            case $known in *" $name "*) cut=${cut:-$name} ;; esac
        done
    done
    told=$(spoken "make $target לא מכירה $rest" "make $target does not know $rest")
    quoted="$told: $(spoken "ערך שיש בו רווח נכתב בגרשיים" "a value with a space in it is quoted")"
    if [ -z "$cut" ] && [ -n "$commands" ]; then
        # Of whose sentence they are, or whether they are commands at all, nobody knows: none of them is offered.
        [ -z "$sentence" ] || fail "$quoted" "$sentence='…'"
        offered=$(offer "$target" "$@")
        for word in $rest; do offered="$offered && $(offer "$word" "$@")"; done
        fail "$told: $(spoken "כל פקודה נכתבת לבדה" "each command is given by itself")" "$offered"
    fi
    [ -n "$cut" ] || fail "$told: $(spoken "ערך נכתב אחרי שמו, כמו PHONE=$rest או CALL=$rest" \
        "a value follows its name, as PHONE=$rest or CALL=$rest")" \
        "$(spoken "\`make\` לבדה מציגה מה כל פקודה מקבלת" "bare \`make\` lists what each target takes")"
    for typed in "$@"; do
        [ "${typed%%=*}" != "$cut" ] || typed="$typed $rest"
        shift
        set -- "$@" "$typed"
    done
    fail "$quoted" "$(offer "$target" "$@")"
fi

# The one that differs in the fewest letters; where most of them differ, it is another word.
meant=$(awk -v typed="$target" '
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
    BEGIN { FS = ":"; nearest = 1 + int((length(typed) - 1) / 4) }
    /^[a-z][a-z-]*:.*## / && (steps = apart(typed, $1)) <= nearest { if (steps < nearest || !word) word = $1; nearest = steps }
    END { print word }' "$ROOT/Makefile")
told=$(spoken "אין פקודה $target" "there is no target $target")
# By what it means.
case $target in simulate | dial) meant=call ;; esac
[ -n "$meant" ] || fail "$told" "$(spoken "\`make\` לבדה מציגה את כולן" "bare \`make\` lists them")"
fail "$told. $(spoken "אולי התכוונתם ל-$meant?" "Did you mean $meant?")" "$(offer "$meant" "$@")"
