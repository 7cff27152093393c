#!/bin/sh
# Verifies this package with sh, coreutils, sed, grep and openssl (3.0 or newer), offline:  sh verify.sh CA.pem
# CA.pem reached you by another road than this package. Better still, run a copy of this script that did so too.
# Exit 0: every layer holds. Exit 1: the first layer that does not is named. Exit 2: wrong use.
set -u
LC_ALL=C; export LC_ALL
[ $# -eq 1 ] && [ -r "$1" ] || { echo "use: sh verify.sh CA.pem   (the certificate you were given by another road)" >&2; exit 2; }
case $1 in /*) ca=$1 ;; *) ca=$PWD/$1 ;; esac
cd "$(dirname "$0")" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
fail() { echo "NOT VALID. Layer: $1"; exit 1; }

# 1. Every listed file is unchanged, and nothing was added or removed.
sha256sum -c tagmanifest-sha256.txt >"$tmp/out" 2>&1 || fail "tag files ($(grep -v ': OK$' "$tmp/out" | head -n 1))"
sha256sum -c manifest-sha256.txt >"$tmp/out" 2>&1 || fail "payload files ($(grep -v ': OK$' "$tmp/out" | head -n 1))"
sha512sum -c manifest-sha512.txt >"$tmp/out" 2>&1 || fail "payload files, SHA-512 ($(grep -v ': OK$' "$tmp/out" | head -n 1))"
find data -type f | sort >"$tmp/found"
sed 's/^[0-9a-f]*  //' manifest-sha256.txt | sort >"$tmp/listed"
cmp -s "$tmp/found" "$tmp/listed" || fail "payload files (one was added, removed or is no plain file)"
find . -type f ! -path './data/*' | sed 's|^\./||' | sort >"$tmp/found"
{ sed 's/^[0-9a-f]*  //' tagmanifest-sha256.txt; echo tagmanifest-sha256.txt
  echo seal/tagmanifest.p7s; echo seal/tagmanifest.p7s.tsr; echo seal/chain.pem; } | sort >"$tmp/listed"
cmp -s "$tmp/found" "$tmp/listed" || fail "tag files (one was added or removed)"
[ -z "$(find . ! -type f ! -type d)" ] || fail "files (a link or device is in the package)"

# 2. The time stamp says when; certificates are judged at that time, so this still works after they expire.
stamp=$(openssl ts -reply -in seal/tagmanifest.p7s.tsr -text 2>/dev/null | sed -n 's/^Time stamp: //p')
[ -n "$stamp" ] || fail "time stamp (cannot be read)"
epoch() { # "Nov 22 21:05:07 2026 GMT" in seconds since 1970 (no date program does this everywhere)
    case $1 in Jan) m=11 ;; Feb) m=12 ;; Mar) m=1 ;; Apr) m=2 ;; May) m=3 ;; Jun) m=4 ;; Jul) m=5 ;; Aug) m=6 ;; Sep) m=7 ;;
        Oct) m=8 ;; Nov) m=9 ;; Dec) m=10 ;; *) return 1 ;; esac
    y=$4; [ "$m" -lt 11 ] || y=$((y - 1))
    clock=${3%%.*}; h=${clock%%:*}; s=${clock##*:}; i=${clock#*:}; i=${i%%:*}
    days=$((365 * y + y / 4 - y / 100 + y / 400 + (153 * (m - 1) + 2) / 5 + $2 - 719469))
    echo $((days * 86400 + ${h#0} * 3600 + ${i#0} * 60 + ${s#0}))
}
# shellcheck disable=SC2086
at=$(epoch $stamp) || fail "time stamp (its time cannot be read)"
openssl ts -verify -data seal/tagmanifest.p7s -in seal/tagmanifest.p7s.tsr -CAfile "$ca" -attime "$at" >"$tmp/out" 2>&1 ||
    fail "time stamp (not over this seal, or not by the authority under your CA.pem)"

# 3. The seal over the tag manifest, by a key under your CA.pem.
openssl cms -verify -binary -inform DER -in seal/tagmanifest.p7s -content tagmanifest-sha256.txt -CAfile "$ca" -purpose any \
    -attime "$at" -out /dev/null >"$tmp/out" 2>&1 || fail "seal (changed, or not signed under your CA.pem)"
sed -n '/BEGIN/,/END/p;/END/q' seal/chain.pem >"$tmp/signer.pem"
sed '1,/END CERTIFICATE/d' seal/chain.pem >"$tmp/ca.pem"
openssl cms -verify -binary -inform DER -in seal/tagmanifest.p7s -content tagmanifest-sha256.txt -signer "$tmp/signer" -noverify \
    -out /dev/null >/dev/null 2>&1
openssl x509 -in "$tmp/signer" -outform DER -out "$tmp/a" 2>/dev/null && openssl x509 -in "$tmp/signer.pem" -outform DER -out "$tmp/b" 2>/dev/null &&
    cmp -s "$tmp/a" "$tmp/b" || fail "chain.pem (not the certificate that sealed)"
openssl x509 -in "$ca" -outform DER -out "$tmp/a" 2>/dev/null && openssl x509 -in "$tmp/ca.pem" -outform DER -out "$tmp/b" 2>/dev/null &&
    cmp -s "$tmp/a" "$tmp/b" || fail "chain.pem (another CA than yours)"
{ openssl x509 -in "$tmp/signer.pem"; openssl x509 -in "$tmp/ca.pem"; } 2>/dev/null | cmp -s - seal/chain.pem || fail "chain.pem (changed)"

# 4. The custody record: each act follows the one before it, and its opened detail is the one that was recorded.
mkdir "$tmp/leaf"
n=0 withheld=0
for row in data/custody/ledger/*.json; do
    n=$((n + 1))
    IFS= read -r line <"$row" || [ -n "$line" ] || fail "custody record ($row cannot be read)"
    case $line in *'"seq":'"$n"',"subject":'*) ;; *) fail "custody record (act $n is missing or out of order)" ;; esac
    printf '\000%s' "$line" >"$tmp/leaf/${row##*/}"
    hash=${line#*\"detail_hash\":\"}
    number=${row##*/}; number=${number%.json}
    if grep -qx "$number" data/custody/details-withheld.txt; then withheld=$((withheld + 1))
    else echo "${hash%%\"*}  ${row%.json}.detail" >>"$tmp/details"; fi
    previous=${line#*\"previous\":\"}
    echo "${previous%%\"*}" >>"$tmp/previous"
done
sha256sum -c "$tmp/details" >"$tmp/out" 2>&1 || fail "custody record ($(grep -v ': OK$' "$tmp/out" | head -n 1))"
{ echo 0000000000000000000000000000000000000000000000000000000000000000
  sha256sum "$tmp"/leaf/*.json | sed 's/ .*//'; } >"$tmp/leaves"
head -n "$n" "$tmp/leaves" | cmp -s - "$tmp/previous" || fail "custody record (an act does not follow the one before it)"

# 5. Her consent, where it is the basis: signed with the key that stands in the first act.
if [ -e data/consent ]; then
    openssl pkeyutl -verify -rawin -pubin -inkey data/consent/key.pem -in data/consent/consent.json -sigfile data/consent/consent.sig \
        >/dev/null 2>&1 || fail "consent (not signed by the reporter's key)"
    key=$(openssl pkey -pubin -in data/consent/key.pem -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
    grep -q "\"signing_key\":\"$key\"" data/custody/ledger/00000001.detail || fail "consent (the key is not the one in the first act)"
fi

# 6. The newest act lies in the tree whose root the operator's ledger key signed.
openssl pkeyutl -verify -rawin -pubin -inkey data/custody/log-key.pem -in data/custody/checkpoint.body \
    -sigfile data/custody/checkpoint.sig >/dev/null 2>&1 || fail "checkpoint (not signed by the ledger's key)"
size=$(sed -n 2p data/custody/checkpoint.body)
proof=$(printf 'data/custody/ledger/%08d.tlog-proof' "$n")
index=$(sed -n 's/^index //p' "$proof")
openssl dgst -sha256 -binary "$tmp/leaf/$(printf '%08d' "$n").json" >"$tmp/now"
fn=$index; sn=$((size - 1))
sed -n '3,/^$/p' "$proof" | sed '/^$/d' >"$tmp/hashes"
join() { { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$tmp/next" && mv "$tmp/next" "$tmp/now"; }
while IFS= read -r sibling; do
    echo "$sibling" | openssl base64 -d -A >"$tmp/sibling"
    [ "$sn" -gt 0 ] || fail "inclusion proof (too long)"
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
        join "$tmp/sibling" "$tmp/now"
        while [ "$fn" -ne 0 ] && [ $((fn % 2)) -eq 0 ]; do fn=$((fn / 2)); sn=$((sn / 2)); done
    else
        join "$tmp/now" "$tmp/sibling"
    fi
    fn=$((fn / 2)); sn=$((sn / 2))
done <"$tmp/hashes"
[ "$sn" -eq 0 ] && [ "$(openssl base64 -A -in "$tmp/now")" = "$(sed -n 3p data/custody/checkpoint.body)" ] ||
    fail "inclusion proof (the newest act is not under the checkpoint)"

openssl x509 -in "$tmp/signer.pem" -checkend 0 >/dev/null 2>&1 || echo "Note: the signing certificate has expired since; it was valid at the time of the stamp."
echo "VERIFIED-OPERATOR-TIME: unchanged since $stamp, sealed under your CA.pem; $n acts of custody in one unbroken chain, the details of $withheld withheld."
[ ! -e data/consent ] || echo "The reporter's consent to this hand-over is signed with the reporter's own key."
echo "This does not prove that what is shown is true, nor who did it; the time is the operator's own clock."
