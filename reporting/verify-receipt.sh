#!/bin/sh
# Verifies a receipt with sh, coreutils, sed and openssl (3.0 or newer), offline:  sh verify-receipt.sh note.txt CA.pem [LEDGER.pub]
# CA.pem and LEDGER.pub (the ledger's public key) reached you from the office by another road than the receipt.
# Exit 0: it holds. Exit 1: it does not, and why. Exit 2: wrong use.
set -u
LC_ALL=C; export LC_ALL
{ [ $# -eq 2 ] || [ $# -eq 3 ]; } && [ -r "$1" ] && [ -r "$2" ] && [ -r "${3:-$2}" ] ||
    { echo "use: sh verify-receipt.sh note.txt CA.pem [LEDGER.pub]" >&2; exit 2; }
note=$1 ca=$2 ledger=${3:-}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
fail() { echo "NOT VALID: $1"; exit 1; }
block() { sed -n "/^-----BEGIN $1-----\$/,/^-----END $1-----\$/p" "$note" | sed '1d;$d'; }
same_base64() { [ "$(openssl base64 -A -in "$1")" = "$2" ]; } # what decoders ignore, nobody signed

# 1. Signed by the office's receipt key, whose certificate the office's CA issued. The statement is the first line, in canonical JSON.
head -n 1 "$note" | tr -d '\n' >"$tmp/body"
block SIGNATURE | openssl base64 -d -A >"$tmp/signature" 2>/dev/null
sed -n '/^-----BEGIN CERTIFICATE-----$/,/^-----END CERTIFICATE-----$/p' "$note" >"$tmp/certificate.pem"
openssl verify -CAfile "$ca" -no_check_time "$tmp/certificate.pem" >/dev/null 2>&1 || fail "the certificate in it is not from this CA"
case $(openssl x509 -in "$tmp/certificate.pem" -noout -subject) in *" receipts") ;; *) fail "its certificate is not one for receipts" ;; esac
openssl x509 -in "$tmp/certificate.pem" -noout -pubkey >"$tmp/key.pem"
openssl pkeyutl -verify -rawin -pubin -inkey "$tmp/key.pem" -in "$tmp/body" -sigfile "$tmp/signature" >/dev/null 2>&1 ||
    fail "it was changed after it was signed"
{ cat "$tmp/body"; printf '\n-----BEGIN SIGNATURE-----\n'; openssl base64 -A -in "$tmp/signature"; printf '\n-----END SIGNATURE-----\n'
  openssl x509 -in "$tmp/certificate.pem"; } >"$tmp/whole"
block PROOF >"$tmp/proof"
[ -s "$tmp/proof" ] && { echo "-----BEGIN PROOF-----"; cat "$tmp/proof"; echo "-----END PROOF-----"; } >>"$tmp/whole"
cmp -s "$tmp/whole" "$note" || fail "something was added to it or changed in it"
at=$(sed 's/.*"at":"\([^"]*\)".*/\1/' "$tmp/body")
report=$(sed 's/.*"report":"\([^"]*\)".*/\1/' "$tmp/body")
echo "TAKEN: the office signed that it has report $report since $at."
[ -s "$tmp/proof" ] || exit 0
[ -n "$ledger" ] || { echo "Its proof of the ledger was not checked: name LEDGER.pub as well."; exit 0; }

# 2. The act of sending lies in the tree whose root the ledger's key signed (C2SP tlog-proof and checkpoint, RFC 9162).
sed '1,/^$/d' "$tmp/proof" >"$tmp/checkpoint"
sed '/^$/,$d' "$tmp/checkpoint" >"$tmp/signed"
origin=$(head -n 1 "$tmp/signed")
written=$(tail -n 1 "$tmp/checkpoint" | sed 's/.* //')
echo "$written" | openssl base64 -d -A >"$tmp/both" 2>/dev/null
tail -c +5 "$tmp/both" >"$tmp/signature"
openssl pkeyutl -verify -rawin -pubin -inkey "$ledger" -in "$tmp/signed" -sigfile "$tmp/signature" >/dev/null 2>&1 ||
    fail "the checkpoint in its proof is not signed by the ledger's key"
{ printf '%s\n\001' "$origin"; openssl pkey -pubin -in "$ledger" -outform DER | tail -c 32; } | openssl dgst -sha256 -binary |
    head -c 4 >"$tmp/id"
head -c 4 "$tmp/both" | cmp -s - "$tmp/id" && same_base64 "$tmp/both" "$written" || fail "the checkpoint in its proof was changed"
index=$(sed -n '2s/^index \([0-9]*\)$/\1/p' "$tmp/proof")
sed -n '3,/^$/p' "$tmp/proof" | sed '/^$/d' >"$tmp/hashes"
[ -n "$index" ] || fail "its proof was changed"
{ printf 'c2sp.org/tlog-proof@v1\nindex %s\n' "$index"; cat "$tmp/hashes"; echo; cat "$tmp/signed"; printf '\n— %s %s\n' "$origin" "$written"; } |
    cmp -s - "$tmp/proof" || fail "its proof was changed"
leaf=$(sed 's/.*"head":{"leaf":"\([0-9a-f]*\)".*/\1/' "$tmp/body")
while [ -n "$leaf" ]; do # hexadecimal to bytes, with what every sh has
    rest=${leaf#??}
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' "0x${leaf%"$rest"}")"
    leaf=$rest
done >"$tmp/now"
fn=$index sn=$(($(sed -n 2p "$tmp/signed") - 1))
join() { { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$tmp/next" && mv "$tmp/next" "$tmp/now"; }
while IFS= read -r sibling; do
    echo "$sibling" | openssl base64 -d -A >"$tmp/sibling" 2>/dev/null
    [ "$sn" -gt 0 ] && same_base64 "$tmp/sibling" "$sibling" || fail "its proof was changed"
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
        join "$tmp/sibling" "$tmp/now"
        while [ "$fn" -ne 0 ] && [ $((fn % 2)) -eq 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
        join "$tmp/now" "$tmp/sibling"
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
done <"$tmp/hashes"
[ "$sn" -eq 0 ] && same_base64 "$tmp/now" "$(sed -n 3p "$tmp/signed")" || fail "what it speaks of is not in the ledger"
echo "CONFIRMED: recorded in the ledger under the checkpoint of $(sed -n '4s/^time //p' "$tmp/signed")."
