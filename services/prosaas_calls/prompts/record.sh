#!/bin/sh
# Records sentences.json as mu-law files with espeak-ng, sox and jq. Run it by hand after changing a sentence.
# Hebrew is spelled in phonemes ("say"): espeak-ng cannot read it without vowels.
set -eu
cd "$(dirname "$0")"
for language in he en; do
    mkdir -p "$language"
    for name in $(jq -r --arg l "$language" '.[$l] | keys[]' sentences.json); do
        jq -r --arg l "$language" --arg n "$name" '.[$l][$n] | .say // .text' sentences.json |
            espeak-ng -v "$language" -s 150 --stdin --stdout |
            sox -t wav - -t ul -r 8000 -c 1 "$language/$name.ulaw" norm -6
    done
done
