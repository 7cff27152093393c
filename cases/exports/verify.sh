#!/bin/sh
# Verifies an unpacked package offline, with sh, coreutils, sed, grep, find and openssl (3.0 or newer):
#   sh verify.sh DIR CA.pem [LEDGER.pub] [ENDED.crl]
# DIR: the unpacked package. CA.pem, LEDGER.pub (the ledger's public key) and ENDED.crl (the list of certificates that
# ended before their time) reached you by another road, and so must this script: a copy inside a package proves nothing.
# Exit 0: every layer holds. 1: one does not; it is named. 2: wrong use. 3: this machine cannot check it.
set -u
LC_ALL=C; export LC_ALL
unset SSL_CERT_FILE SSL_CERT_DIR CDPATH
package_purpose=2.25.231477064040573834902869997059194076302.1
exec 3>&1 # what fails inside a redirected loop is said here as well
fail() { echo "NOT VALID. Layer: $1" >&3; exit 1; }
bad() { echo "$1" >&2; echo "use: sh verify.sh DIR CA.pem [LEDGER.pub] [ENDED.crl]" >&2; exit 2; }
cannot() { echo "CANNOT BE CHECKED HERE: $1. This says nothing about the package."; exit 3; }

# 0. What this machine can do, and what was named.
for tool in sed grep sort uniq find cmp od head tail tr cat wc mktemp date openssl; do
    command -v "$tool" >/dev/null 2>&1 || cannot "the program $tool is missing"
done
if command -v sha256sum >/dev/null 2>&1 && command -v sha512sum >/dev/null 2>&1; then
    sha256() { sha256sum "$@"; }; sha512() { sha512sum "$@"; }
elif command -v shasum >/dev/null 2>&1; then
    sha256() { shasum -a 256 "$@"; }; sha512() { shasum -a 512 "$@"; }
else cannot "the program sha256sum (or shasum) is missing"; fi
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
public_key() { bytes "302a300506032b6570032100$1"; } # the 32 bytes of an Ed25519 key (hexadecimal) as DER, RFC 8410
signed() { # KEY.der FILE SIGNATURE: whether the Ed25519 signature holds
    openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$1" -in "$2" -sigfile "$3" >/dev/null 2>&1
}
# A signature that is known to hold tells an openssl that cannot do it from a wrong signature.
public_key 04149f07e4b8d2bef78653c9f46d774f2963f16158f504784033f3199bc359dc >"$tmp/key"
printf holdfast >"$tmp/data"
printf %s OVfzLEACFNSYcu0a+gdvCKUgEI/kGGfnr+N24bmcMO7IGmc3H4ZKBUAWerOeUlK5zKENAsh8OxAJmfhbk4bUBw== | openssl base64 -d -A >"$tmp/signature" 2>/dev/null
signed "$tmp/key" "$tmp/data" "$tmp/signature" ||
    cannot "this openssl cannot check Ed25519 signatures; 3.0 or newer can"
openssl ts -help 2>&1 | grep -q -e ' -attime ' ||
    cannot "this openssl cannot check time stamps at a given time; 3.0 or newer can"
openssl cms -help 2>&1 | grep -q -e ' -no-CAstore' ||
    cannot "this openssl cannot leave out the system's certificates; 3.0 or newer can"

[ $# -ge 2 ] && [ $# -le 4 ] || bad "Name the package's folder and CA.pem."
[ -d "$1" ] && [ -r "$1/tagmanifest-sha256.txt" ] ||
    bad "$1 is not the folder of an unpacked package."
dir=$1
openssl x509 -in "$2" -out "$tmp/ca.pem" 2>/dev/null || bad "$2 is not a certificate."
openssl x509 -in "$tmp/ca.pem" -noout -ext basicConstraints 2>/dev/null | grep -q CA:TRUE ||
    bad "$2 is not the certificate of a CA."
ledger='' ended=''
shift 2
for file; do
    if openssl pkey -pubin -in "$file" -outform DER -out "$tmp/named" 2>/dev/null; then mv "$tmp/named" "$tmp/ledger.der"; ledger=$file
    elif openssl crl -in "$file" -out "$tmp/ended.pem" 2>/dev/null; then ended=$file
    else bad "$file is neither a public key nor a list of ended certificates."; fi
done
if [ -n "$ended" ]; then
    openssl crl -in "$tmp/ended.pem" -CAfile "$tmp/ca.pem" -noout 2>&1 | grep -q 'verify OK' ||
        bad "$ended is not by the CA of CA.pem."
    openssl crl -in "$tmp/ended.pem" -noout -text >"$tmp/ended"
fi
cd "$dir" || bad "$dir cannot be entered."

# 1. Every listed file is unchanged, and nothing was added or removed.
odd=$(find . ! -type f ! -type d | head -n 1)
[ -z "$odd" ] || fail "files (a link or device is in the package: $odd)"
for list in tagmanifest-sha256.txt manifest-sha256.txt manifest-sha512.txt; do
    [ -f "$list" ] || fail "tag files ($list is missing)"
    odd=$(grep -vE '^[0-9a-f]+  [A-Za-z0-9._/-]+$' "$list" | head -n 1)
    [ -z "$odd" ] || fail "tag files ($list holds a line that is no hash: $odd)"
    sed 's/^[0-9a-f]*  //' "$list" | sort >"$tmp/$list"
    [ -z "$(uniq -d "$tmp/$list")" ] || fail "tag files ($list names a file twice)"
done
same_files() { # FOUND LISTED LAYER: names one file that only one of the lists has
    cmp -s "$1" "$2" && return
    odd=$(sort "$1" "$2" | uniq -u | head -n 1)
    if grep -qxF -e "$odd" "$2"; then fail "$3 ($odd is missing)"; fi
    fail "$3 ($odd is not part of the package; if your own machine put it there, remove it and try again)"
}
find data -type f | sort >"$tmp/found"
same_files "$tmp/found" "$tmp/manifest-sha256.txt" "payload files"
cmp -s "$tmp/manifest-sha256.txt" "$tmp/manifest-sha512.txt" ||
    fail "tag files (the two manifests name different files)"
find . -type f ! -path './data/*' | sed 's|^\./||' | sort >"$tmp/found"
{ cat "$tmp/tagmanifest-sha256.txt"; echo tagmanifest-sha256.txt
  echo seal/tagmanifest.p7s; echo seal/tagmanifest.p7s.tsr; echo seal/chain.pem; } | sort >"$tmp/listed"
same_files "$tmp/found" "$tmp/listed" "tag files"
broken() { grep -v ': OK$' "$tmp/out" | head -n 1; }
sha256 -c tagmanifest-sha256.txt >"$tmp/out" 2>&1 || fail "tag files ($(broken))"
sha256 -c manifest-sha256.txt >"$tmp/out" 2>&1 || fail "payload files ($(broken))"
sha512 -c manifest-sha512.txt >"$tmp/out" 2>&1 || fail "payload files, SHA-512 ($(broken))"

# 2. The time stamp says when; certificates are judged at that time, so this still works after they expire.
seconds() { # YEAR MONTH DAY HOUR MINUTE SECOND as seconds since 1970, in $seconds (no date program does this everywhere)
    m=$((${2#0} - 3)) y=$1
    [ "$m" -ge 0 ] || { m=$((m + 12)); y=$((y - 1)); }
    days=$((365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + ${3#0} - 719469))
    seconds=$((days * 86400 + ${4#0} * 3600 + ${5#0} * 60 + ${6#0}))
}
printed_seconds() { # "Nov 22 21:05:07 2026 GMT", as openssl prints it
    case $1 in Jan) m=1 ;; Feb) m=2 ;; Mar) m=3 ;; Apr) m=4 ;; May) m=5 ;; Jun) m=6 ;; Jul) m=7 ;; Aug) m=8 ;; Sep) m=9 ;;
        Oct) m=10 ;; Nov) m=11 ;; Dec) m=12 ;; *) return 1 ;; esac
    clock=${3%%.*}; minute=${clock#*:}
    seconds "$4" "$m" "$2" "${clock%%:*}" "${minute%%:*}" "${clock##*:}"
}
iso_seconds() { # "2026-11-22T21:05:07.123Z" or with +00:00
    case $1 in [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*Z | *T??:??:*+00:00) ;; *) return 1 ;; esac
    day=${1%%T*} clock=${1#*T}; month=${day#*-} minute=${clock#*:} second=${clock##*??:??:}
    second=${second%%[!0-9]*}
    seconds "${day%%-*}" "${month%-*}" "${day##*-}" "${clock%%:*}" "${minute%%:*}" "$second"
}
stamp=$(openssl ts -reply -in seal/tagmanifest.p7s.tsr -text 2>/dev/null | sed -n 's/^Time stamp: //p')
[ -n "$stamp" ] || fail "time stamp (cannot be read)"
# shellcheck disable=SC2086
printed_seconds $stamp || fail "time stamp (its time cannot be read)"
at=$seconds
openssl ts -verify -data seal/tagmanifest.p7s -in seal/tagmanifest.p7s.tsr -CAfile "$tmp/ca.pem" -attime "$at" >"$tmp/out" 2>&1 ||
    fail "time stamp (not over this seal, or not by the time stamp authority under your CA.pem)"
[ "$at" -le $(($(date +%s) + 86400)) ] ||
    fail "time stamp ($stamp lies in the future; if this machine's clock is wrong, set it and try again)"

# 3. The seal over the tag manifest, by a key under your CA.pem whose certificate is one for packages.
openssl cms -verify -binary -inform DER -in seal/tagmanifest.p7s -content tagmanifest-sha256.txt -CAfile "$tmp/ca.pem" \
    -no-CApath -no-CAstore -purpose any -attime "$at" -signer "$tmp/signer.pem" -out /dev/null >"$tmp/out" 2>&1 ||
    fail "seal (changed, or not signed under your CA.pem)"
[ "$(grep -c 'BEGIN CERTIFICATE' "$tmp/signer.pem")" = 1 ] || fail "seal (not by one signer)"
purpose=$(openssl x509 -in "$tmp/signer.pem" -noout -ext extendedKeyUsage 2>/dev/null | sed -n '2s/^ *//p')
[ "$purpose" = "$package_purpose" ] || fail "seal (its certificate is not one for packages)"
{ openssl x509 -in "$tmp/signer.pem"; cat "$tmp/ca.pem"; } | cmp -s - seal/chain.pem ||
    fail "chain.pem (not the certificate that sealed, followed by your CA's)"
end_of() { # CERTIFICATE.pem: when it ended before its time (as openssl prints it), or nothing
    serial=$(openssl x509 -in "$1" -noout -serial)
    sed -n "/Serial Number: ${serial#serial=}\$/{n;s/.*Revocation Date: //p;}" "$tmp/ended"
}
if [ -n "$ended" ]; then
    openssl ts -reply -in seal/tagmanifest.p7s.tsr -token_out -out "$tmp/token" 2>/dev/null
    openssl pkcs7 -inform DER -in "$tmp/token" -print_certs -out "$tmp/tsa.pem" 2>/dev/null
    [ -z "$(end_of "$tmp/tsa.pem")" ] ||
        fail "time stamp (the certificate of its authority was ended: its stamps prove no time)"
    over=$(end_of "$tmp/signer.pem")
    # shellcheck disable=SC2086
    [ -z "$over" ] || { printed_seconds $over && [ "$at" -lt "$seconds" ]; } ||
        fail "seal (its certificate was ended on $over)"
fi

# 4. The custody record: one subject, acts numbered without gap, each after the one before it, and every opened detail
# is the one that was recorded. Rows are canonical JSON: each is taken apart at its quotes and put together again.
mkdir "$tmp/leaf" "$tmp/act" "$tmp/looks"
log=data/custody/ledger
n=0 first_subject=''
: >"$tmp/rows"; : >"$tmp/withheld"; : >"$tmp/details"; : >"$tmp/previous"; : >"$tmp/acts"
for row in "$log"/*.json; do
    n=$((n + 1))
    number=$(printf %08d $n)
    [ "$row" = "$log/$number.json" ] || fail "custody record (act $n is missing)"
    IFS= read -r line <"$row" || [ -n "$line" ] || fail "custody record ($row cannot be read)"
    IFS='"' read -r _ _ _ actor _ _ _ time _ _ _ detail _ _ _ sealed _ _ _ door _ _ _ event _ _ id _ _ object _ \
        _ _ object_hash _ _ _ previous _ _ _ _ _ subject _ <<END
$line
END
    id=${id#:}
    id=${id%,}
    again="{\"actor\":\"$actor\",\"at\":\"$time\",\"detail_hash\":\"$detail\",\"detail_sealed_sha256\":\"$sealed\""
    again="$again,\"door\":\"$door\",\"event\":\"$event\",\"id\":$id,\"object\":\"$object\",\"object_sha256\":\"$object_hash\""
    again="$again,\"previous\":\"$previous\",\"seq\":$n,\"subject\":\"$subject\"}"
    [ "$line" = "$again" ] || fail "custody record ($row is not act $n)"
    case $actor$detail$door$event$id$object$object_hash$subject in *[!A-Za-z0-9:_-]*) fail "custody record ($row)" ;; esac
    iso_seconds "$time" || fail "custody record ($row: its time)"
    [ "$subject" = "${first_subject:=$subject}" ] ||
        fail "custody record ($row is of another report)"
    printf '%s\n' "$line" >>"$tmp/rows"
    printf '\000%s' "$line" >"$tmp/leaf/$number"
    echo "$previous" >>"$tmp/previous"
    parts="$number $event $object $actor $door $time $object_hash $previous"
    echo "$parts" >>"$tmp/acts"
    echo "$parts" >"$tmp/act/$number"
    echo "$parts" >"$tmp/act/$event $object" # the newest one stays
    [ "$event" != evidence:revealed ] || printf '"%s" ' "$time" >>"$tmp/looks/$object"
    if [ -e "$log/$number.detail" ]; then echo "$detail  $log/$number.detail" >>"$tmp/details"
    else printf '%s\n%s\n' "$detail" "$n ($event)" >>"$tmp/withheld"; fi
done
withheld=$(($(wc -l <"$tmp/withheld") / 2))
[ "$(cat "$log"/*.json | wc -c)" -eq $(($(wc -c <"$tmp/rows") - n)) ] ||
    fail "custody record (bytes beside the acts)"
[ "$(find "$log" -type f | wc -l)" -eq $((2 * n - withheld)) ] ||
    fail "custody record (files beside the acts)"
sha256 -c "$tmp/details" >"$tmp/out" 2>&1 || fail "custody record ($(broken))"
{ echo 0000000000000000000000000000000000000000000000000000000000000000
  sha256 "$tmp"/leaf/* | sed 's/ .*//'; } >"$tmp/leaves"
head -n "$n" "$tmp/leaves" | cmp -s - "$tmp/previous" ||
    fail "custody record (an act does not follow the one before it)"
sed 's/^\([^ ]* \)\{5\}\([^ ]*\).*/\2/' "$tmp/acts" | sort -c 2>/dev/null ||
    fail "custody record (an act is older than the one before it)"
sed -n 's/^   "commitment": "detail_hash \([0-9a-f]*\)",$/\1/p; s/^   "what": "detail of act \(.*\)",$/\1/p' \
    data/case/withheld.json | cmp -s - "$tmp/withheld" ||
        fail "withheld details (case/withheld.json does not name those that are missing)"
sed 's/ .*//' "$tmp/acts" | while read -r number; do [ -e "$log/$number.detail" ] || echo "$number"; done | cmp -s - data/custody/details-withheld.txt ||
    fail "withheld details (details-withheld.txt does not name those that are missing)"

act() { # NUMBER, or NAME OBJECT: the parts of the newest act of that name about it, with its detail in $text
    [ -e "$tmp/act/$*" ] || return 1
    read -r number event object actor door time object_hash previous <"$tmp/act/$*"
    [ -e "$log/$number.detail" ] || return 1
    IFS= read -r text <"$log/$number.detail" || [ -n "$text" ]
    text=${text#????????????????????????????????} # the salt
}
take() { # JSON KEY: the plain string under KEY into $value; KEY stands once (a quote inside a string has a backslash)
    value=${1#*[,\{]\"$2\":\"}
    [ "$value" != "$1" ] || return 1
    case $value in *[,\{]\"$2\":*) return 1 ;; esac
    value=${value%%\"*}
    case $value in *\\*) return 1 ;; esac
}
escape=$(printf '\001')
unescaped() { # JSON strings as text; other control characters stay as JSON writes them, direction marks are written out
    sed -e "s/\\\\\\\\/$escape/g" -e 's/\\"/"/g' -e "s/\\\\t/$(printf '\t')/g" -e 's/\\n/\
/g' -e "s/$escape/\\\\/g" -f "$tmp/marks"
}
for mark in '\342\200\216 200e' '\342\200\217 200f' '\342\200\252 202a' '\342\200\253 202b' '\342\200\254 202c' \
    '\342\200\255 202d' '\342\200\256 202e' '\342\201\246 2066' '\342\201\247 2067' '\342\201\250 2068' \
    '\342\201\251 2069' '\330\234 061c'; do
    # shellcheck disable=SC2059
    printf "s/${mark% *}/\\\\\\\\u${mark#* }/g\n"
done >"$tmp/marks"

# 5. The referral: an act packed exactly this for this partner; two people prepared and approved it.
info() { sed -n "s/^$1: //p" bag-info.txt; }
one_line() { # a JSON string as bag-info.txt has it
    printf '%s\n' "$1" | sed -e "s/\\\\\\\\/$escape/g" -e 's/\\r\\n/ /g' -e 's/\\[rn]/ /g' -e "s/$escape/\\\\\\\\/g" | unescaped
}
referral=$(info External-Identifier)
referral=F-${referral##*-F-}
case $referral in *[!A-Z0-9-]*) fail "referral (bag-info.txt names none)" ;; esac
act package:built "$referral" || fail "referral (no act of packing it is in the record)"
iso_seconds "$time" && [ "$seconds" -le $((at + 300)) ] || fail "time stamp (older than the act of packing)"
take "$text" partner && partner=$value && take "$text" referral && [ "$value" = "$referral" ] ||
    fail "referral (the act of packing is about another one)"
[ "$(info Recipient-Identifier)" = "$partner" ] ||
    fail "referral (bag-info.txt names another recipient than the act of packing)"
take "$text" public_key && key=$value || fail "referral (the act of packing names no key of the partner)"
take "$text" profile && [ "$(info Export-Profile)" = "$value" ] ||
    fail "referral (bag-info.txt names another profile)"
name=${text#*,\"recipient\":\"}
[ "$(info Recipient)" = "$(one_line "${name%%\",\"referral\":*}")" ] ||
    fail "referral (bag-info.txt names the recipient otherwise than the act of packing)"
act referral:prepared "$referral" || fail "referral (nobody prepared it)"
preparer=$actor prepared=$text
take "$text" partner && [ "$value" = "$partner" ] || fail "referral (prepared for another partner)"
take "$text" public_key && [ "$value" = "$key" ] || fail "referral (prepared for another key of the partner)"
act referral:approved "$referral" || fail "referral (nobody approved it)"
[ "$actor" != "$preparer" ] || fail "referral (prepared and approved by one person)"
take "$text" partner && [ "$value" = "$partner" ] || fail "referral (approved for another partner)"
take "$text" case && [ "$(info External-Identifier)" = "EVP-$value-$referral" ] ||
    fail "referral (bag-info.txt names another one)"
basis=${prepared#*\"basis\":\"}
basis=${basis%%\",\"case\":*}
case $basis in K-*) [ -e data/consent ] || fail "consent (it is the basis and is missing)" ;;
    *)  [ ! -e data/consent ] || fail "consent (it is not the basis of this referral)"
        case $(info Legal-Basis) in *": $(one_line "${basis#*: }")") ;; *) fail "referral (bag-info.txt names another basis)" ;; esac ;;
esac

# 6. What the reporter did is signed with the reporter's own key, which stands in the first act.
act 00000001 || fail "reporter's signature (the first act is withheld)"
take "$text" signing_key && [ ${#value} -eq 64 ] ||
    fail "reporter's signature (the first act holds no key)"
public_key "$value" >"$tmp/reporter.der"
signatures=0
signed_by_reporter() { # the act that was taken: RFC 8785 JSON of what it is, signed
    take "$text" sha256 && hash=$value && take "$text" signed_at && signed_at=$value && take "$text" signature || return 1
    printf %s "$value" | openssl base64 -d -A >"$tmp/signature" 2>/dev/null
    printf '{"act":"%s","at":"%s","object":"%s","previous":"%s","report":"%s","sha256":"%s"}' \
        "$event" "$signed_at" "$object" "$previous" "$subject" "$hash" >"$tmp/data"
    signed "$tmp/reporter.der" "$tmp/data" "$tmp/signature" || return 1
    iso_seconds "$time" && apart=$seconds && iso_seconds "$signed_at" || return 1
    apart=$((apart - seconds))
    [ "$apart" -le 301 ] && [ "$apart" -ge -301 ]
}
grep -E '^[0-9]+ [^ ]+ [^ ]+ [^ ]+ public ' "$tmp/acts" |
    grep -vE ' (report:started|evidence:quarantined) ' >"$tmp/reporter"
while read -r number event object actor _ time object_hash previous; do
    [ -e "$log/$number.detail" ] || continue
    IFS= read -r text <"$log/$number.detail" || [ -n "$text" ]
    text=${text#????????????????????????????????}
    signed_by_reporter || fail "reporter's signature ($log/$number.json)"
    signatures=$((signatures + 1))
done <"$tmp/reporter"

# 7. The reporter's consent, where it is the basis: a yes to this partner, not replaced and not expired at the stamp.
if [ -e data/consent ]; then
    signed "$tmp/reporter.der" data/consent/consent.json data/consent/consent.sig ||
        fail "consent (not signed by the reporter's key)"
    openssl pkey -pubin -in data/consent/key.pem -outform DER 2>/dev/null | cmp -s - "$tmp/reporter.der" ||
        fail "consent (key.pem is not the key in the first act)"
    consent=$(cat data/consent/consent.json)
    take "$consent" answer && [ "$value" = yes ] || fail "consent (it is not a yes)"
    take "$consent" report && [ "$value" = "$subject" ] || fail "consent (of another report)"
    take "$consent" partner && [ "$value" = "$partner" ] || fail "consent (to another partner)"
    take "$consent" purpose && [ "$value" = "hand over a full package" ] ||
        fail "consent (to something else)"
    take "$consent" expires_at && iso_seconds "$value" && [ "$seconds" -gt "$at" ] ||
        fail "consent (expired at the time of the stamp)"
    [ "$(info Legal-Basis)" = "Consent $basis of the reporter, valid until ${value%%T*}" ] ||
        fail "referral (bag-info.txt names another basis)"
    act consent:answered "$basis" || fail "consent (no act recorded it)"
    given=$number
    hash=$(cat data/consent/consent.json data/consent/consent.sig | sha256 | sed 's/ .*//')
    [ "$hash" = "$object_hash" ] || fail "consent (not the one that was recorded)"
    take "$text" partner && [ "$value" = "$partner" ] ||
        fail "consent (recorded for another partner)"
    unknown=0
    grep -e '^[0-9]* consent:answered ' "$tmp/acts" >"$tmp/consents"
    while read -r number _ object _; do
        [ "$number" \> "$given" ] || continue
        [ -e "$log/$number.detail" ] || { unknown=$((unknown + 1)); continue; }
        act "$number"
        take "$text" partner || fail "consent ($log/$number.detail)"
        [ "$value" != "$partner" ] || fail "consent (answered anew later: $log/$number.json)"
    done <"$tmp/consents"
fi

# 8. The statement is what the reporter signed: each answer is the record whose hash stands in its act.
act report:submitted "$subject" && sent=$time || sent=9
{ echo '{"answers":['
  sed -n 's/.*"id":"\(A-[0-9A-Z]*\)".*/\1/p' data/statement/statement.json >"$tmp/ids"
  comma=$(grep -c . "$tmp/ids")
  while read -r id; do
      comma=$((comma - 1))
      [ -f "data/statement/answers/$id.json" ] && act answer:saved "$id" && take "$text" question || continue
      later=false
      [ ! "$time" \> "$sent" ] || later=true
      printf '{"act":%s,"added_after_sending":%s,"at":"%s","id":"%s","question":"%s"}' "$number" $later "$time" "$id" "$value" |
          sed 's/"act":0*/"act":/'
      [ $comma -eq 0 ] && echo || echo ,
  done <"$tmp/ids"
  echo '],"translated":false}'; } >"$tmp/statement"
cmp -s "$tmp/statement" data/statement/statement.json ||
    fail "statement (statement.json does not agree with the record)"
find data/statement -type f | wc -l >"$tmp/out"
[ "$(cat "$tmp/out")" -eq $(($(wc -l <"$tmp/ids") + 2)) ] || fail "statement (files beside it)"
separator=''
while read -r id; do
    record=data/statement/answers/$id.json
    act answer:saved "$id"
    take "$text" sha256 && grep -qxF -e "$value  $record" manifest-sha256.txt ||
        fail "statement ($record is not what the reporter signed)"
    line=$(cat "$record")
    choices=${line%%,\"language\":*} given=${line#*,\"value\":}
    wording=${given##*,\"version\":1,\"wording\":\"} given=${given%%,\"version\":1,\"wording\":*}
    [ ! "$time" \> "$sent" ] || { clock=${time#*T}; later=" (added ${time%%T*} ${clock%:*} UTC, after sending)"; }
    [ "$time" \> "$sent" ] || later=''
    printf '%s%s%s\n\n' "$separator" "${wording%\"\}}" "$later"
    given=${given#\[} given=${given%\]}
    given=${given#\"} given=${given%\"}
    [ -n "$given" ] || given='(not provided)'
    while :; do
        chosen=${given%%\",\"*}
        shown=${choices#*\[\""$chosen"\",\"}
        if [ "$shown" != "$choices" ]; then shown=${shown%%\"\]*}; else shown=$chosen; fi
        printf '%s\n' "$shown"
        [ "$chosen" != "$given" ] || break
        given=${given#*\",\"}
    done
    separator='
---

'
done <"$tmp/ids" >"$tmp/text"
unescaped <"$tmp/text" | cmp -s - data/statement/statement.txt ||
    fail "statement (statement.txt does not say what the reporter signed)"

{ printf 'utc,act,by,door,about,source\r\n'
  while read -r number event object actor door time _; do
      [ "$object" != "$subject" ] || object=''
      printf '%s,%s,%s,%s,%s,ledger/%s.json\r\n' "$time" "$event" "$actor" "$door" "$object" "$number"
  done <"$tmp/acts"; } | cmp -s - data/timeline.csv ||
      fail "timeline (timeline.csv does not say what the record says)"

skeleton() { # what is left of a text without escapes of any kind, apostrophes and what is not ASCII
    printf '%s' "$1" | sed 's/\\[rbf]//g; s/\\x..//g; s/\\u....//g; s/\\U........//g' | tr -cd '!-&(-~'
}
sed 1d data/identifiers.csv | tr -d '\r' >"$tmp/identifiers"
while IFS= read -r line; do
    item=${line##*,} kind=${line%%,*}
    shown=${line#"$kind",} shown=${shown%,"$item"}
    case $shown in \"*) shown=$(printf '%s' "$shown" | sed 's/^"//; s/"$//; s/""/"/g') ;; esac
    act evidence:acquired "$item" && take "$text" kind && [ "$value" = "$kind" ] ||
        fail "identifiers ($item: no act by which it came in)"
    typed=${text#*,\"text\":\"}
    typed=$(printf '%s\n' "${typed%\",\"version\":*}" | unescaped)
    case $shown in "$typed" | "'$typed") continue ;; *\\*) ;; *) typed='' ;; esac
    [ "$(skeleton "$shown")" = "$(skeleton "$typed")" ] ||
        fail "identifiers ($item is not what the reporter typed)"
done <"$tmp/identifiers"

# 9. Each exhibit is the file that the reporter gave: its SHA-256 stands in the act by which it came in.
exhibits=0
exhibit_fact='^([{}]| "[a-z0-9_]+": ("([^"\\]|\\.)*"|[0-9]+|\[\]|\[),?|  "[0-9T:.Z-]+",?| \],?)$'
: >"$tmp/originals"; : >"$tmp/sha512"
for folder in data/exhibits/*/; do
    [ -d "$folder" ] || continue
    folder=${folder%/}
    facts=$folder/exhibit.json
    set -- "$folder"/*
    original=''
    case $* in "$facts $folder/original."*) [ $# -ne 2 ] || original=$2 ;; esac
    [ -n "$original" ] || fail "exhibits ($folder does not hold one original)"
    ! grep -qvE "$exhibit_fact" "$facts" || fail "exhibits ($facts cannot be read)"
    known=' ' looks=''
    while IFS= read -r line; do
        line=${line%,}
        case $line in
            '  "'*) looks="$looks${line#  } "; continue ;;
            ' "'*) ;;
            *) continue ;;
        esac
        name=${line#*\"} value=${line#*\": }
        name=${name%%\"*} value=${value#\"}
        case $known in *" $name "*) fail "exhibits ($facts cannot be read)" ;; esac
        known="$known$name "
        value=${value%\"}
        case $name in
            exhibit) exhibit=$value ;; item) item=$value ;; original_name) written=$value ;; size) size=$value ;;
            md5) md5=$value ;; sha1) sha1=$value ;; sha256) sha256=$value ;; sha512) sha512=$value ;;
            sha256_at_receipt) at_receipt=$value ;; received_utc) received=$value ;;
            person) person=$value ;; file_group) group=$value ;; vault_object) vault_object=$value ;;
            ciphertext_size) ciphertext_size=$value ;; ciphertext_sha256) ciphertext=$value ;;
        esac
    done <"$facts"
    for name in exhibit item original_name size md5 sha1 sha256 sha512 sha256_at_receipt received_utc \
        person file_group vault_object ciphertext_size ciphertext_sha256; do
        case $known in *" $name "*) ;; *) fail "exhibits ($facts names no $name)" ;; esac
    done
    act evidence:acquired "$item" || fail "exhibits ($original: no act by which it came in)"
    stored=$(printf '%s\n' file "$person" "$group" "$vault_object" "$ciphertext_size" "$ciphertext" |
        sha256 | sed 's/ .*//')
    take "$text" sha256 || fail "exhibits ($original: no act by which it came in)"
    echo "$value  $original" >>"$tmp/originals"
    echo "$sha512  $original" >>"$tmp/sha512"
    [ "$sha256" = "$value" ] && [ "$at_receipt" = "$value" ] && [ "$stored" = "$object_hash" ] &&
        [ "$received" = "$time" ] && [ "$exhibit" = "${folder##*/}" ] ||
        fail "exhibits ($facts does not agree with the act)"
    recorded=${text#*,\"size\":}
    [ "$size" = "${recorded%%,*}" ] || fail "exhibits ($facts: the size is not the recorded one)"
    case $text in '{"file_name":"'"$written"'","how":"'*) ;; *)
        fail "exhibits ($facts: the name is not the recorded one)" ;;
    esac
    case $prepared in *"\"$item\""*) ;; *) fail "exhibits ($original is not part of this referral)" ;; esac
    if act evidence:verified "$item" && take "$text" md5; then
        [ "$md5" = "$value" ] && take "$text" sha1 && [ "$sha1" = "$value" ] || fail "exhibits ($facts: MD5 or SHA-1)"
    fi
    looked=''
    [ ! -e "$tmp/looks/$item" ] || read -r looked <"$tmp/looks/$item" || [ -n "$looked" ]
    [ "$looked" = "${looks% }" ] || fail "exhibits ($facts: when the office looked at it)"
    exhibits=$((exhibits + 1))
done
odd=$(grep -vxFf manifest-sha256.txt "$tmp/originals" | head -n 1)
[ -z "$odd" ] || fail "exhibits (${odd#*  } is not the file that came in)"
odd=$(grep -vxFf manifest-sha512.txt "$tmp/sha512" | head -n 1)
[ -z "$odd" ] || fail "exhibits (${odd#*  }: exhibit.json names another SHA-512)"
[ "$(find data/exhibits -type f 2>/dev/null | wc -l)" -eq $((2 * exhibits)) ] ||
    fail "exhibits (files beside them)"

# 10. The newest act lies in the tree whose root the operator's ledger key signed (C2SP checkpoint, RFC 9162).
custody=data/custody
openssl pkey -pubin -in $custody/log-key.pem -outform DER -out "$tmp/log.der" 2>/dev/null ||
    fail "checkpoint (log-key.pem cannot be read)"
[ -z "$ledger" ] || cmp -s "$tmp/ledger.der" "$tmp/log.der" ||
    fail "checkpoint (not by the key in LEDGER.pub)"
signed "$tmp/log.der" $custody/checkpoint.body $custody/checkpoint.sig ||
    fail "checkpoint (not signed by the ledger's key)"
origin=$(head -n 1 $custody/checkpoint.body)
{ { printf '%s\n\001' "$origin"; tail -c 32 "$tmp/log.der"; } | openssl dgst -sha256 -binary | head -c 4
  cat $custody/checkpoint.sig; } | openssl base64 -A >"$tmp/line"
{ cat $custody/checkpoint.body; printf '\n— %s %s\n' "$origin" "$(cat "$tmp/line")"; } >"$tmp/note"
head -c "$(wc -c <"$tmp/note")" $custody/checkpoint.txt | cmp -s - "$tmp/note" ||
    fail "checkpoint (checkpoint.txt is another one)"
odd=$(tail -c +$(($(wc -c <"$tmp/note") + 1)) $custody/checkpoint.txt | grep -vE '^— [^ +]+ [A-Za-z0-9+/]+=*$' | head -n 1)
[ -z "$odd" ] || fail "checkpoint (checkpoint.txt holds something else: $odd)"
size=$(sed -n 2p $custody/checkpoint.body)
proof=$custody/newest.tlog-proof
index=$(sed -n '2s/^index \([0-9][0-9]*\)$/\1/p' $proof)
[ -n "$index" ] && [ "$index" -lt "$size" ] || fail "inclusion proof (its index)"
sed '1,2d; /^$/,$d' $proof >"$tmp/hashes"
{ printf 'c2sp.org/tlog-proof@v1\nindex %s\n' "$index"; cat "$tmp/hashes"; echo; cat $custody/checkpoint.txt; } | cmp -s - $proof ||
    fail "inclusion proof (not under this checkpoint)"
openssl dgst -sha256 -binary "$tmp/leaf/$(printf %08d $n)" >"$tmp/now"
fn=$index sn=$((size - 1))
join() { { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$tmp/next" && mv "$tmp/next" "$tmp/now"; }
while IFS= read -r sibling; do
    echo "$sibling" | openssl base64 -d -A >"$tmp/sibling" 2>/dev/null
    [ "$sn" -gt 0 ] || fail "inclusion proof (too long)"
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
        join "$tmp/sibling" "$tmp/now"
        while [ "$fn" -ne 0 ] && [ $((fn % 2)) -eq 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
        join "$tmp/now" "$tmp/sibling"
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
done <"$tmp/hashes"
[ "$sn" -eq 0 ] && [ "$(openssl base64 -A -in "$tmp/now")" = "$(sed -n 3p $custody/checkpoint.body)" ] ||
    fail "inclusion proof (the newest act is not under the checkpoint)"

openssl x509 -in "$tmp/signer.pem" -checkend 0 >/dev/null 2>&1 || echo "Note: the signing certificate has expired since; it was valid at the time of the stamp."
echo "VERIFIED-OPERATOR-TIME: unchanged since $stamp, sealed under your CA.pem; $n acts of custody in one unbroken chain, the details of $withheld withheld."
echo "$exhibits exhibits and the statement are what the record says came in; $signatures acts are signed with the reporter's own key."
if [ -e data/consent ]; then
    echo "The reporter's consent to this hand-over is signed with the reporter's own key."
    [ "$unknown" -eq 0 ] || echo "Note: $unknown later answers about consent are withheld; the office says that they concern other partners."
fi
if [ -n "$ledger" ]; then echo "The record lies under a checkpoint by the key in your LEDGER.pub."
else echo "Note: the ledger's key was taken from the package itself. Whoever holds the office's package and time stamp keys could have
made up the whole record; name LEDGER.pub as well to rule that out."; fi
[ -n "$ended" ] || echo "Note: no list of ended certificates was named; a certificate that was ended before its time would not be noticed."
echo "This does not prove that what is shown is true, nor who did it; the time is the operator's own clock."
