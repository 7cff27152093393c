#!/bin/sh
# Verifies a receipt offline, with sh, coreutils, sed, grep and openssl (3.0 or newer):
#   sh verify-receipt.sh note.txt CA.pem [LEDGER.pub] [ENDED.crl]
# CA.pem, LEDGER.pub (the ledger's public key) and ENDED.crl (the list of certificates that ended
# before their time) reached you from the office by another road than the receipt.
# Exit 0: it holds. 1: it does not, and why. 2: wrong use. 3: this machine cannot check it.
set -u
LC_ALL=C; export LC_ALL
unset SSL_CERT_FILE SSL_CERT_DIR CDPATH
receipt_purpose=2.25.231477064040573834902869997059194076302.2
fail() { echo "NOT VALID: $1"; exit 1; }
bad() {
    echo "$1" >&2
    echo "use: sh verify-receipt.sh note.txt CA.pem [LEDGER.pub] [ENDED.crl]" >&2
    exit 2
}
cannot() { echo "CANNOT BE CHECKED HERE: $1. This says nothing about the receipt."; exit 3; }
block() { sed -n "/^-----BEGIN $1-----\$/,/^-----END $1-----\$/p" "$note" | sed '1d;$d'; }
same_base64() { [ "$(openssl base64 -A -in "$1")" = "$2" ]; } # what decoders ignore, nobody signed

# 0. What this machine can do, and what was named.
for tool in sed grep cmp head tail tr cat mktemp date openssl; do
    command -v "$tool" >/dev/null 2>&1 || cannot "the program $tool is missing"
done
tmp=$(mktemp -d 2>/dev/null) || cannot "no temporary folder can be made"
trap 'rm -rf "$tmp"' EXIT
bytes() { # hexadecimal digits to bytes, with what every sh has
    digits=$1
    while [ -n "$digits" ]; do
        rest=${digits#??}
        # shellcheck disable=SC2059
        printf "\\$(printf '%03o' "0x${digits%"$rest"}")"
        digits=$rest
    done
}
decoded() { printf %s "$1" | openssl base64 -d -A 2>/dev/null; }
# The 32 bytes of an Ed25519 key (hexadecimal) as DER, RFC 8410.
public_key() { bytes "302a300506032b6570032100$1"; }
signed() { # KEY.der FILE SIGNATURE: whether the Ed25519 signature holds
    openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$1" -in "$2" -sigfile "$3" \
        >/dev/null 2>&1
}
# A signature that is known to hold tells an openssl that cannot do it from a wrong signature.
public_key 04149f07e4b8d2bef78653c9f46d774f2963f16158f504784033f3199bc359dc >"$tmp/key"
printf holdfast >"$tmp/data"
known=OVfzLEACFNSYcu0a+gdvCKUgEI/kGGfnr+N24bmcMO7IGmc3H4ZKBUAWerOeUlK5
known=${known}zKENAsh8OxAJmfhbk4bUBw==
decoded "$known" >"$tmp/signature"
signed "$tmp/key" "$tmp/data" "$tmp/signature" ||
    cannot "this openssl cannot check Ed25519 signatures; 3.0 or newer can"
openssl verify -help 2>&1 | grep -q -e ' -no-CAstore' ||
    cannot "this openssl cannot leave out the system's certificates; 3.0 or newer can"
# YEAR MONTH DAY HOUR MINUTE SECOND as seconds since 1970, in $seconds: no date program does this
# everywhere.
seconds() {
    m=$((${2#0} - 3)) y=$1
    [ "$m" -ge 0 ] || { m=$((m + 12)); y=$((y - 1)); }
    days=$((365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + ${3#0} - 719469))
    seconds=$((days * 86400 + ${4#0} * 3600 + ${5#0} * 60 + ${6#0}))
}
iso_seconds() { # "2026-11-22T21:05:07.123Z" or with +00:00
    case $1 in
        [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*Z) ;;
        [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*+00:00) ;;
        *) return 1 ;;
    esac
    day=${1%%T*} clock=${1#*T}; month=${day#*-} minute=${clock#*:} second=${clock##*??:??:}
    second=${second%%[!0-9]*}
    seconds "${day%%-*}" "${month%-*}" "${day##*-}" "${clock%%:*}" "${minute%%:*}" "$second"
}

[ $# -ge 2 ] && [ $# -le 4 ] && [ -r "$1" ] || bad "Name the receipt and CA.pem."
note=$1 ledger=''
openssl x509 -in "$2" -out "$tmp/ca.pem" 2>/dev/null || bad "$2 is not a certificate."
shift 2
for file; do
    if openssl pkey -pubin -in "$file" -outform DER -out "$tmp/named" 2>/dev/null; then
        mv "$tmp/named" "$tmp/ledger.der"
        ledger=$file
    elif openssl crl -in "$file" -out "$tmp/ended.pem" 2>/dev/null; then
        openssl crl -in "$tmp/ended.pem" -CAfile "$tmp/ca.pem" -noout 2>&1 | grep -q 'verify OK' ||
            bad "$file is not by the CA of CA.pem."
        openssl crl -in "$tmp/ended.pem" -noout -text >"$tmp/ended"
    else bad "$file is neither a public key nor a list of ended certificates."; fi
done

# 1. Signed by the office's receipt key, whose certificate the office's CA issued. The statement is
# the first line, in canonical JSON.
head -n 1 "$note" | tr -d '\n' >"$tmp/body"
hash='[0-9a-f]{64}'
grep -qxE -e '\{"at":"[^"\]+","head":\{"leaf":"'$hash'","seq":[0-9]+\},"manifest_sha256":"'$hash'"'\
',"public_key":"[a-z0-9]+","report":"R-[0-9A-Z]+","signing_key":"'$hash'","version":1\}' \
    "$tmp/body" || fail "its first line is not the statement of a receipt"
decoded "$(block SIGNATURE)" >"$tmp/signature"
sed -n '/^-----BEGIN CERTIFICATE-----$/,/^-----END CERTIFICATE-----$/p' "$note" \
    >"$tmp/certificate.pem"
at=$(sed -n 's/^{"at":"\([^"]*\)".*/\1/p' "$tmp/body")
iso_seconds "$at" || fail "it does not say when"
since=$seconds
[ "$since" -le $(($(date +%s) + 86400)) ] ||
    fail "$at lies in the future; if this machine's clock is wrong, set it and try again"
issued() { # OPTIONS for the time: whether its certificate is from the CA
    openssl verify -CAfile "$tmp/ca.pem" -no-CApath -no-CAstore "$@" "$tmp/certificate.pem" \
        >/dev/null 2>&1
}
issued -no_check_time || fail "the certificate in it is not from this CA"
issued -attime "$since" || fail "its certificate was not valid at the time it names"
purpose=$(openssl x509 -in "$tmp/certificate.pem" -noout -ext extendedKeyUsage 2>/dev/null |
    sed -n '2s/^ *//p')
[ "$purpose" = "$receipt_purpose" ] || fail "its certificate is not one for receipts"
serial=$(openssl x509 -in "$tmp/certificate.pem" -noout -serial)
if [ -e "$tmp/ended" ] && grep -q "Serial Number: ${serial#serial=}\$" "$tmp/ended"; then
    fail "its certificate was ended before its time: ask the office for a new receipt"
fi
openssl x509 -in "$tmp/certificate.pem" -noout -pubkey |
    openssl pkey -pubin -outform DER -out "$tmp/key"
signed "$tmp/key" "$tmp/body" "$tmp/signature" || fail "it was changed after it was signed"
block PROOF >"$tmp/proof"
{ cat "$tmp/body"; printf '\n-----BEGIN SIGNATURE-----\n'
  openssl base64 -A -in "$tmp/signature"; printf '\n-----END SIGNATURE-----\n'
  openssl x509 -in "$tmp/certificate.pem"
  [ ! -s "$tmp/proof" ] || { printf '%s\n' '-----BEGIN PROOF-----'; cat "$tmp/proof"
                            printf '%s\n' '-----END PROOF-----'; }; } | cmp -s - "$note" ||
    fail "something was added to it or changed in it"
report=$(sed 's/.*"report":"\([^"]*\)".*/\1/' "$tmp/body")
echo "TAKEN: the office signed that it has report $report since $at."
[ -s "$tmp/proof" ] || exit 0
if [ -z "$ledger" ]; then
    echo "Its proof of the ledger was not checked: name LEDGER.pub as well."
    exit 0
fi

# 2. The act of sending lies in the tree whose root the ledger's key signed (C2SP tlog-proof and
# checkpoint, RFC 9162). Its row is the extra data of the proof.
sed '1,/^$/d' "$tmp/proof" >"$tmp/checkpoint"
sed '/^$/,$d' "$tmp/checkpoint" >"$tmp/signed"
origin=$(head -n 1 "$tmp/signed")
# Ours, and those of witnesses, whose keys nobody named.
sed '1,/^$/d' "$tmp/checkpoint" >"$tmp/signatures"
grep -vqE '^— [^ +]+ [A-Za-z0-9+/]+=*$' "$tmp/signatures" && fail "its proof was changed"
written=$(grep -F -e "— $origin " "$tmp/signatures" | head -n 1 | sed 's/.* //')
decoded "$written" >"$tmp/both"
tail -c +5 "$tmp/both" >"$tmp/signature"
signed "$tmp/ledger.der" "$tmp/signed" "$tmp/signature" ||
    fail "the checkpoint in its proof is not signed by the ledger's key"
{ printf '%s\n\001' "$origin"; tail -c 32 "$tmp/ledger.der"; } | openssl dgst -sha256 -binary |
    head -c 4 >"$tmp/id"
head -c 4 "$tmp/both" | cmp -s - "$tmp/id" && same_base64 "$tmp/both" "$written" ||
    fail "the checkpoint in its proof was changed"
extra=$(sed -n '2s/^extra //p' "$tmp/proof")
index=$(sed -n '3s/^index \([0-9]*\)$/\1/p' "$tmp/proof")
sed '1,3d; /^$/,$d' "$tmp/proof" >"$tmp/hashes"
[ -n "$index" ] || fail "its proof was changed"
{ printf 'c2sp.org/tlog-proof@v1\nextra %s\nindex %s\n' "$extra" "$index"; cat "$tmp/hashes"
  echo; cat "$tmp/signed"; echo; cat "$tmp/signatures"; } | cmp -s - "$tmp/proof" ||
    fail "its proof was changed"
decoded "$extra" >"$tmp/row"
same_base64 "$tmp/row" "$extra" || fail "its proof was changed"
IFS= read -r row <"$tmp/row" || [ -n "$row" ] || fail "its proof was changed"
seq=$(sed 's/.*"seq":\([0-9]*\)}.*/\1/' "$tmp/body")
what="\"door\":\"public\",\"event\":\"report:submitted\","
about="\"object\":\"$report\","
place=",\"seq\":$seq,\"subject\":\"$report\"}"
case $row in
    "{\"actor\":\"reporter\",\"at\":\"$at\","*"$what"*"$about"*"$place") ;;
    *) fail "the act in its proof is not the sending of this report at this time" ;;
esac
{ printf '\000'; cat "$tmp/row"; } | openssl dgst -sha256 -binary >"$tmp/now"
bytes "$(sed 's/.*"head":{"leaf":"\([0-9a-f]*\)".*/\1/' "$tmp/body")" | cmp -s - "$tmp/now" ||
    fail "it speaks of another act than its proof"
fn=$index sn=$(($(sed -n 2p "$tmp/signed") - 1))
join() {
    { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$tmp/next"
    mv "$tmp/next" "$tmp/now"
}
while IFS= read -r sibling; do
    decoded "$sibling" >"$tmp/sibling"
    [ "$sn" -gt 0 ] && same_base64 "$tmp/sibling" "$sibling" || fail "its proof was changed"
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
        join "$tmp/sibling" "$tmp/now"
        while [ "$fn" -ne 0 ] && [ $((fn % 2)) -eq 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
        join "$tmp/now" "$tmp/sibling"
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
done <"$tmp/hashes"
[ "$sn" -eq 0 ] && same_base64 "$tmp/now" "$(sed -n 3p "$tmp/signed")" ||
    fail "what it speaks of is not in the ledger"
echo "CONFIRMED: its sending is recorded in the ledger under a checkpoint of" \
    "$(sed -n 2p "$tmp/signed") acts by the key in LEDGER.pub."
