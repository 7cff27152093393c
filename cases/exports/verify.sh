#!/bin/sh
# Verifies an unpacked package offline, with sh, coreutils, sed, grep, find and openssl (3.0 or
# newer):
#   sh verify.sh DIR CA.pem [LEDGER.pub] [ENDED.crl]
# DIR: the unpacked package. CA.pem, LEDGER.pub (the ledger's public key) and ENDED.crl (the list of
# certificates that ended before their time) reached you by another road, and so must this script: a
# copy inside a package proves nothing.
# Exit 0: every layer holds. 1: one does not; it is named. 2: wrong use. 3: this machine cannot
# check it.
set -u
LC_ALL=C; export LC_ALL
unset SSL_CERT_FILE SSL_CERT_DIR CDPATH
package_purpose=2.25.231477064040573834902869997059194076302.1
# Of the README-VERIFY.txt that packages hold; a newer text is added.
known_readmes='e4540e2753c6ae07035461b4fe2013dab1c4569e6ecd2c5194ca419a37614287'
exec 3>&1 # what fails inside a redirected loop is said here as well
fail() { # what a package says goes to no terminal as it is
    printf '%s\n' "NOT VALID. Layer: $*" | tr -cd '\n -~' >&3
    exit 1
}
bad() {
    echo "$1" >&2
    echo "use: sh verify.sh DIR CA.pem [LEDGER.pub] [ENDED.crl]" >&2
    exit 2
}
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
hash_of() { sha256 "$@" | sed 's/ .*//'; }
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
    if openssl pkey -pubin -in "$file" -outform DER -out "$tmp/named" 2>/dev/null; then
        mv "$tmp/named" "$tmp/ledger.der"
        ledger=$file
    elif openssl crl -in "$file" -out "$tmp/ended.pem" 2>/dev/null; then ended=$file
    else bad "$file is neither a public key nor a list of ended certificates."; fi
done
if [ -n "$ended" ]; then
    openssl crl -in "$tmp/ended.pem" -CAfile "$tmp/ca.pem" -noout 2>&1 | grep -q 'verify OK' ||
        bad "$ended is not by the CA of CA.pem."
    openssl crl -in "$tmp/ended.pem" -noout -text >"$tmp/ended"
fi
cmp -s "$0" "$dir/verify.sh" && own_copy=true || own_copy=false
cd "$dir" || bad "$dir cannot be entered."

# 1. Every listed file is unchanged, and nothing was added or removed; a package has no other files
# than these.
cat >"$tmp/names" <<'END'
(README-VERIFY\.txt|SUMMARY\.pdf|bag-info\.txt|bagit\.txt|verify\.sh)
((tag)?manifest-sha256|manifest-sha512)\.txt
seal/(chain\.pem|tagmanifest\.p7s(\.tsr)?)
data/(identifiers\.csv|timeline\.csv|case/withheld\.json|reports/report\.pdf)
data/certificates/(handover-receipt|hash-certificate)\.txt
data/consent/(consent\.json|consent\.sig|key\.pem)
data/custody/(checkpoint\.(body|sig|txt)|details-withheld\.txt|log-key\.pem|newest\.tlog-proof)
data/custody/ledger/[0-9]{8}\.(json|detail)
data/exhibits/E[0-9]{4,}/(exhibit\.json|original\.[a-z0-9]+)
data/statement/(statement\.(json|txt)|answers/A-[0-9A-Z]{12}\.json)
END
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
    fail "$3 ($odd is not part of the package; if your own machine put it there, remove it and" \
        "try again)"
}
find data -type f | sort >"$tmp/found"
same_files "$tmp/found" "$tmp/manifest-sha256.txt" "payload files"
cmp -s "$tmp/manifest-sha256.txt" "$tmp/manifest-sha512.txt" ||
    fail "tag files (the two manifests name different files)"
find . -type f ! -path './data/*' | sed 's|^\./||' | sort >"$tmp/found"
{ cat "$tmp/tagmanifest-sha256.txt"; echo tagmanifest-sha256.txt
  printf 'seal/%s\n' tagmanifest.p7s tagmanifest.p7s.tsr chain.pem; } | sort >"$tmp/listed"
same_files "$tmp/found" "$tmp/listed" "tag files"
broken() { grep -v ': OK$' "$tmp/out" | head -n 1; }
sha256 -c tagmanifest-sha256.txt >"$tmp/out" 2>&1 || fail "tag files ($(broken))"
sha256 -c manifest-sha256.txt >"$tmp/out" 2>&1 || fail "payload files ($(broken))"
sha512 -c manifest-sha512.txt >"$tmp/out" 2>&1 || fail "payload files, SHA-512 ($(broken))"
odd=$(cat "$tmp/listed" manifest-sha256.txt | sed 's/^[0-9a-f]*  //' | grep -vxEf "$tmp/names" |
    head -n 1)
[ -z "$odd" ] || fail "files (no package has a file $odd)"
printf 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n' | cmp -s - bagit.txt ||
    fail "tag files (bagit.txt)"
case " $known_readmes " in *" $(hash_of README-VERIFY.txt) "*) ;; *)
    fail "tag files (README-VERIFY.txt is not the text that packages hold)" ;;
esac

# 2. The time stamp says when; certificates are judged at that time, so this still works after they
# expire.
# YEAR MONTH DAY HOUR MINUTE SECOND as seconds since 1970, in $seconds: no date program does this
# everywhere.
seconds() {
    m=$((${2#0} - 3)) y=$1
    [ "$m" -ge 0 ] || { m=$((m + 12)); y=$((y - 1)); }
    days=$((365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + ${3#0} - 719469))
    seconds=$((days * 86400 + ${4#0} * 3600 + ${5#0} * 60 + ${6#0}))
}
printed_seconds() { # "Nov 22 21:05:07 2026 GMT", as openssl prints it
    case $1 in
        Jan) m=1 ;; Feb) m=2 ;; Mar) m=3 ;; Apr) m=4 ;; May) m=5 ;; Jun) m=6 ;; Jul) m=7 ;;
        Aug) m=8 ;; Sep) m=9 ;; Oct) m=10 ;; Nov) m=11 ;; Dec) m=12 ;; *) return 1 ;;
    esac
    clock=${3%%.*}; minute=${clock#*:}
    seconds "$4" "$m" "$2" "${clock%%:*}" "${minute%%:*}" "${clock##*:}"
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
stamp=$(openssl ts -reply -in seal/tagmanifest.p7s.tsr -text 2>/dev/null |
    sed -n 's/^Time stamp: //p')
[ -n "$stamp" ] || fail "time stamp (cannot be read)"
# shellcheck disable=SC2086
printed_seconds $stamp || fail "time stamp (its time cannot be read)"
at=$seconds
openssl ts -verify -data seal/tagmanifest.p7s -in seal/tagmanifest.p7s.tsr -CAfile "$tmp/ca.pem" \
    -attime "$at" >"$tmp/out" 2>&1 ||
    fail "time stamp (not over this seal, or not by the time stamp authority under your CA.pem)"
[ "$at" -le $(($(date +%s) + 86400)) ] ||
    fail "time stamp ($stamp lies in the future; if this machine's clock is wrong, set it and try" \
        "again)"

# 3. The seal over the tag manifest, by a key under your CA.pem whose certificate is one for
# packages.
openssl cms -verify -binary -inform DER -in seal/tagmanifest.p7s -content tagmanifest-sha256.txt \
    -CAfile "$tmp/ca.pem" -no-CApath -no-CAstore -purpose any -attime "$at" \
    -signer "$tmp/signer.pem" -out /dev/null >"$tmp/out" 2>&1 ||
    fail "seal (changed, or not signed under your CA.pem)"
[ "$(grep -c 'BEGIN CERTIFICATE' "$tmp/signer.pem")" = 1 ] || fail "seal (not by one signer)"
purpose=$(openssl x509 -in "$tmp/signer.pem" -noout -ext extendedKeyUsage 2>/dev/null |
    sed -n '2s/^ *//p')
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

# 4. The custody record: one subject, acts numbered without gap, each after the one before it, and
# every opened detail is the one that was recorded. Rows are canonical JSON: each is taken apart at
# its quotes and put together again.
mkdir "$tmp/leaf" "$tmp/act" "$tmp/about"
log=data/custody/ledger
n=0 first_subject=''
for list in rows withheld entries details previous acts; do : >"$tmp/$list"; done
for row in "$log"/*.json; do
    n=$((n + 1))
    number=$(printf %08d $n)
    [ "$row" = "$log/$number.json" ] || fail "custody record (act $n is missing)"
    IFS= read -r line <"$row" || [ -n "$line" ] || fail "custody record ($row cannot be read)"
    IFS='"' read -r _ _ _ actor _ _ _ time _ _ _ detail _ _ _ sealed _ _ _ door _ _ _ event _ _ id \
        _ _ object _ _ _ object_hash _ _ _ previous _ _ _ _ _ subject _ <<END
$line
END
    id=${id#:}
    id=${id%,}
    again="{\"actor\":\"$actor\",\"at\":\"$time\",\"detail_hash\":\"$detail\""
    again="$again,\"detail_sealed_sha256\":\"$sealed\",\"door\":\"$door\",\"event\":\"$event\""
    again="$again,\"id\":$id,\"object\":\"$object\",\"object_sha256\":\"$object_hash\""
    again="$again,\"previous\":\"$previous\",\"seq\":$n,\"subject\":\"$subject\"}"
    [ "$line" = "$again" ] || fail "custody record ($row is not act $n)"
    case $actor$detail$door$event$id$object$object_hash$subject in *[!A-Za-z0-9:_-]*)
        fail "custody record ($row)" ;;
    esac
    iso_seconds "$time" || fail "custody record ($row: its time)"
    [ "$subject" = "${first_subject:=$subject}" ] ||
        fail "custody record ($row is of another report)"
    printf '%s\n' "$line" >>"$tmp/rows"
    printf '\000%s' "$line" >"$tmp/leaf/$number"
    echo "$previous" >>"$tmp/previous"
    parts="$number $event $object $actor $door $time $object_hash $previous"
    echo "$parts" >>"$tmp/acts"
    echo "$parts" >"$tmp/act/$number"
    echo "$time" >>"$tmp/about/$event $object"
    if [ -e "$log/$number.detail" ]; then
        echo "$detail  $log/$number.detail" >>"$tmp/details"
        echo "$parts" >"$tmp/act/$event $object" # the newest one whose detail is here stays
    else
        echo "$number" >>"$tmp/withheld"
        entry="{\"commitment\":\"detail_hash $detail\",\"what\":\"detail of act $n ($event)\""
        echo "$entry" >>"$tmp/entries"
    fi
done
withheld=$(grep -c . "$tmp/withheld")
[ "$(cat "$log"/*.json | wc -c)" -eq $(($(wc -c <"$tmp/rows") - n)) ] ||
    fail "custody record (bytes beside the acts)"
[ "$(find "$log" -type f | wc -l)" -eq $((2 * n - withheld)) ] ||
    fail "custody record (files beside the acts)"
sha256 -c "$tmp/details" >"$tmp/out" 2>&1 || fail "custody record ($(broken))"
{ printf '%064d\n' 0; hash_of "$tmp"/leaf/*; } >"$tmp/leaves"
head -n "$n" "$tmp/leaves" | cmp -s - "$tmp/previous" ||
    fail "custody record (an act does not follow the one before it)"
sed 's/^\([^ ]* \)\{5\}\([^ ]*\).*/\2/' "$tmp/acts" | sort -c 2>/dev/null ||
    fail "custody record (an act is older than the one before it)"
cmp -s "$tmp/withheld" data/custody/details-withheld.txt ||
    fail "withheld details (details-withheld.txt does not name those that are missing)"

act() { # NUMBER, or NAME OBJECT: the parts of an act (the newest) with its detail in $text
    [ -e "$tmp/act/$*" ] || return 1
    read -r number event object actor door time object_hash previous <"$tmp/act/$*"
    [ -e "$log/$number.detail" ] || return 1
    IFS= read -r text <"$log/$number.detail" || [ -n "$text" ]
    text=${text#????????????????????????????????} # the salt
}
# JSON KEY: the plain string under KEY into $value; KEY stands once (a quote inside a string has a
# backslash).
take() {
    value=${1#*[,\{]\"$2\":\"}
    [ "$value" != "$1" ] || return 1
    case $value in *[,\{]\"$2\":*) return 1 ;; esac
    value=${value%%\"*}
    case $value in *\\*) return 1 ;; esac
}
between() { # JSON KEY NEXT: the string under KEY as JSON writes it; NEXT is the key after it
    value=${1#*[,\{]\"$2\":\"}
    [ "$value" != "$1" ] || return 1
    value=${value%%\",\"$3\":*}
}
escape=$(printf '\001')
# JSON strings as text; other control characters stay as JSON writes them, and what is not seen is
# written out (README-VERIFY.txt).
unescaped() {
    sed -e "s/\\\\\\\\/$escape/g" -e 's/\\"/"/g' -e "s/\\\\t/$(printf '\t')/g" -e 's/\\n/\
/g' -e "s/$escape/\\\\/g" -f "$tmp/marks"
}
unseen="7f-9f ad-ad 61c-61c 180e-180e 200b-200b 200e-200f 202a-202e 2060-206f feff-feff fff9-fffb"
unseen="$unseen e0001-e0001 e0020-e007f"
mark() { # CODE BYTE…: a line for sed that writes a character out, with its bytes as \ooo
    code=$1
    shift
    printf s/
    printf '\\%03o' "$@"
    if [ "$code" -lt 65536 ]; then printf '/\\\\\\\\u%04x/g\\n' "$code"
    else printf '/\\\\\\\\U%08x/g\\n' "$code"; fi
}
# shellcheck disable=SC2059
printf "$(
    for range in $unseen; do
        c=$((0x${range%-*})) last=$((0x${range#*-}))
        while [ $c -le $last ]; do
            tail=$((128 + c % 64)) middle=$((128 + c / 64 % 64)) second=$((128 + c / 4096 % 64))
            if [ $c -lt 128 ]; then mark $c $c
            elif [ $c -lt 2048 ]; then mark $c $((192 + c / 64)) $tail
            elif [ $c -lt 65536 ]; then mark $c $((224 + c / 4096)) $middle $tail
            else mark $c $((240 + c / 262144)) $second $middle $tail; fi
            c=$((c + 1))
        done
    done
)" >"$tmp/marks"

# What is withheld, one entry a line: the details that are missing, each with its hash, and answers
# and items, each with what the record has of it.
listed=data/case/withheld.json
sed -n 's/^\({"commitment":"detail_hash .*\),"why":".*/\1/p' $listed | cmp -s - "$tmp/entries" ||
    fail "withheld details (case/withheld.json does not name those that are missing)"
string='"([^"\[:cntrl:]]|\\(["\bfnrt]|u00[01][0-9a-f]))*"'
sed '1d;$d' $listed | sed '$!s/,$//' >"$tmp/entries"
odd=$(grep -vxE "\\{\"commitment\":$string,\"what\":$string,\"why\":$string\\}" "$tmp/entries" |
    head -n 1)
[ -z "$odd" ] && { echo '{"withheld":['; sed '$!s/$/,/' "$tmp/entries"; echo ']}'; } |
    cmp -s - $listed || fail "withheld things (case/withheld.json cannot be read: $odd)"
sed -n '/^{"commitment":"detail_hash /d
s/^{"commitment":"\([^"]*\)","what":"[a-z]* \([AE]-[0-9A-Z]*\)[ "].*/\1 \2/p' "$tmp/entries" \
    >"$tmp/left_out"
sed -n 's/^[0-9]* evidence:acquired \([^ ]*\) [^ ]* [^ ]* [^ ]* \([^ ]*\) .*/object_sha256 \2 \1/p
s/^[0-9]* answer:saved \([^ ]*\) .*/act answer:saved about \1 \1/p' "$tmp/acts" >"$tmp/commitments"
odd=$(grep -vxFf "$tmp/commitments" "$tmp/left_out" |
    grep -vxE 'none: no act is about it [AE]-[0-9A-Z]{12}' | head -n 1)
others=$(($(grep -c . "$tmp/entries") - withheld))
[ -z "$odd" ] && [ "$(grep -c . "$tmp/left_out")" -eq "$others" ] ||
    fail "withheld things (case/withheld.json names what is not in the record: $odd)"
sed 's/.* /none: no act is about it /' "$tmp/commitments" >"$tmp/recorded"
odd=$(grep -xFf "$tmp/recorded" "$tmp/left_out" | head -n 1)
[ -z "$odd" ] || fail "withheld things (case/withheld.json denies an act: $odd)"
left_out() { grep -qE -e " $1\$" "$tmp/left_out"; }

# 5. The referral: an act packed exactly this for this partner; two people prepared and approved it.
one_line() { # a JSON string as bag-info.txt has it
    printf '%s\n' "$1" |
        sed -e "s/\\\\\\\\/$escape/g" -e 's/\\r\\n/ /g' -e 's/\\[rn]/ /g' \
            -e "s/$escape/\\\\\\\\/g" | unescaped
}
referral=$(sed -n 's/^External-Identifier: .*-F-/F-/p' bag-info.txt)
case $referral in '' | *[!A-Z0-9-]*) fail "referral (bag-info.txt names none)" ;; esac
act package:built "$referral" || fail "referral (no act of packing it is in the record)"
iso_seconds "$time" && [ "$seconds" -le $((at + 300)) ] ||
    fail "time stamp (older than the act of packing)"
built=$time
take "$text" partner && partner=$value && take "$text" referral && [ "$value" = "$referral" ] ||
    fail "referral (the act of packing is about another one)"
take "$text" profile && profile=$value && between "$text" office partner && office=$value &&
    between "$text" recipient referral && recipient=$value ||
    fail "referral (the act of packing cannot be read)"
take "$text" public_key && key=$value ||
    fail "referral (the act of packing names no key of the partner)"
act referral:prepared "$referral" || fail "referral (nobody prepared it)"
preparer=$actor prepared=$text
take "$text" partner && [ "$value" = "$partner" ] || fail "referral (prepared for another partner)"
take "$text" public_key && [ "$value" = "$key" ] ||
    fail "referral (prepared for another key of the partner)"
between "$text" basis case || fail "referral (prepared without a basis)"
basis=$value
act referral:approved "$referral" || fail "referral (nobody approved it)"
[ "$actor" != "$preparer" ] || fail "referral (prepared and approved by one person)"
take "$text" partner && [ "$value" = "$partner" ] || fail "referral (approved for another partner)"
take "$text" case || fail "referral (approved without a case)"
name=EVP-$value-$referral
words=$(one_line "${basis#*: }")
case $basis in
    K-*)
        [ -e data/consent ] || fail "consent (it is the basis and is missing)"
        consent=$(cat data/consent/consent.json)
        take "$consent" expires_at && iso_seconds "$value" && valid_until=$seconds ||
            fail "consent (it does not say until when)"
        basis_words="Consent $basis of the reporter, valid until ${value%%T*}" ;;
    court_order:*) basis_words="An order of a court or prosecutor: $words" ;;
    duty_to_report:*) basis_words="A law obliges us to report it: $words" ;;
    threat_to_life:*) basis_words="A life is in danger: $words" ;;
    other:*) basis_words="Another legal basis: $words" ;;
    *) fail "referral (its basis is none that is known)" ;;
esac
case $basis in K-*) ;; *)
    [ ! -e data/consent ] || fail "consent (it is not the basis of this referral)" ;;
esac
octets=0
while IFS= read -r file; do octets=$((octets + $(wc -c <"$file"))); done <"$tmp/manifest-sha256.txt"
office=$(one_line "$office")
to=$(one_line "$recipient")
sed '/: $/d' >"$tmp/info" <<END
External-Identifier: $name
Source-Organization: $office
Recipient: $to
Recipient-Identifier: $partner
Legal-Basis: $basis_words
Export-Profile: $profile
Bagging-Date: ${built%%T*}
Payload-Oxum: $octets.$(grep -c . "$tmp/manifest-sha256.txt")
END
odd=$(sort "$tmp/info" bag-info.txt | uniq -u | grep -vxFf "$tmp/info" | head -n 1)
cmp -s "$tmp/info" bag-info.txt ||
    fail "referral (bag-info.txt does not say what the record says: $odd)"

# 6. What the reporter did is signed with the reporter's own key, which stands in the first act.
act 00000001 || fail "reporter's signature (the first act is withheld)"
take "$text" signing_key && [ ${#value} -eq 64 ] ||
    fail "reporter's signature (the first act holds no key)"
public_key "$value" >"$tmp/reporter.der"
signed_by_reporter() { # the act that was taken: RFC 8785 JSON of what it is, signed
    take "$text" sha256 && hash=$value && take "$text" signed_at && signed_at=$value &&
        take "$text" signature || return 1
    decoded "$value" >"$tmp/signature"
    printf '{"act":"%s","at":"%s","object":"%s","previous":"%s","report":"%s","sha256":"%s"}' \
        "$event" "$signed_at" "$object" "$previous" "$subject" "$hash" >"$tmp/data"
    signed "$tmp/reporter.der" "$tmp/data" "$tmp/signature" || return 1
    iso_seconds "$time" && apart=$seconds && iso_seconds "$signed_at" || return 1
    apart=$((apart - seconds))
    [ "$apart" -le 301 ] && [ "$apart" -ge -301 ]
}
signatures=0 not_checked=0
grep -E '^[0-9]+ [^ ]+ [^ ]+ [^ ]+ public ' "$tmp/acts" |
    grep -vE ' (report:started|evidence:quarantined) ' >"$tmp/reporter"
while read -r number _; do
    act "$number" || { not_checked=$((not_checked + 1)); continue; }
    signed_by_reporter || fail "reporter's signature ($log/$number.json)"
    signatures=$((signatures + 1))
done <"$tmp/reporter"

# 7. The reporter's consent, where it is the basis: a yes to this partner, not replaced and not
# expired at the stamp.
if [ -e data/consent ]; then
    signed "$tmp/reporter.der" data/consent/consent.json data/consent/consent.sig ||
        fail "consent (not signed by the reporter's key)"
    openssl pkey -pubin -in data/consent/key.pem -outform DER 2>/dev/null |
        cmp -s - "$tmp/reporter.der" || fail "consent (key.pem is not the key in the first act)"
    take "$consent" answer && [ "$value" = yes ] || fail "consent (it is not a yes)"
    take "$consent" report && [ "$value" = "$subject" ] || fail "consent (of another report)"
    take "$consent" partner && [ "$value" = "$partner" ] || fail "consent (to another partner)"
    between "$consent" partner_name person && [ "$value" = "$recipient" ] ||
        fail "consent (to a partner of another name)"
    take "$consent" purpose && [ "$value" = "hand over a full package" ] ||
        fail "consent (to something else)"
    [ "$valid_until" -gt "$at" ] || fail "consent (expired at the time of the stamp)"
    act consent:answered "$basis" || fail "consent (no act recorded it)"
    given=$number
    hash=$(cat data/consent/consent.json data/consent/consent.sig | hash_of)
    [ "$hash" = "$object_hash" ] || fail "consent (not the one that was recorded)"
    take "$text" partner && [ "$value" = "$partner" ] ||
        fail "consent (recorded for another partner)"
    unknown=0
    grep -e '^[0-9]* consent:answered ' "$tmp/acts" >"$tmp/consents"
    while read -r number _; do
        [ "$number" \> "$given" ] || continue
        act "$number" || { unknown=$((unknown + 1)); continue; }
        take "$text" partner || fail "consent ($log/$number.detail)"
        [ "$value" != "$partner" ] || fail "consent (answered anew later: $log/$number.json)"
    done <"$tmp/consents"
fi

# 8. The statement is what the reporter signed: each answer is the record whose hash stands in its
# act.
act report:submitted "$subject" && sent=$time || sent=9
mkdir "$tmp/ages"
sed -n 's/.*"id":"\(A-[0-9A-Z]*\)".*/\1/p' data/statement/statement.json >"$tmp/ids"
while read -r id; do
    [ -f "data/statement/answers/$id.json" ] && act answer:saved "$id" && take "$text" question ||
        continue
    later=false
    [ ! "$time" \> "$sent" ] || later=true
    printf '{"act":%s,"added_after_sending":%s,"at":"%s","id":"%s","question":"%s"}\n' "$number" \
        $later "$time" "$id" "$value" | sed 's/"act":0*/"act":/'
done <"$tmp/ids" >"$tmp/statement"
{ echo '{"answers":['; sed '$!s/$/,/' "$tmp/statement"; echo '],"translated":false}'; } |
    cmp -s - data/statement/statement.json ||
    fail "statement (statement.json does not agree with the record)"
[ "$(find data/statement -type f | wc -l)" -eq $(($(grep -c . "$tmp/ids") + 2)) ] ||
    fail "statement (files beside it)"
separator=''
while read -r id; do
    record=data/statement/answers/$id.json
    act answer:saved "$id"
    take "$text" sha256 && grep -qxF -e "$value  $record" manifest-sha256.txt ||
        fail "statement ($record is not what the reporter signed)"
    line=$(cat "$record")
    choices=${line%%,\"language\":*} given=${line#*,\"value\":}
    wording=${given##*,\"version\":1,\"wording\":\"} given=${given%%,\"version\":1,\"wording\":*}
    clock=${time#*T} later=''
    [ ! "$time" \> "$sent" ] || later=" (added ${time%%T*} ${clock%:*} UTC, after sending)"
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
      printf '%s,%s,%s,%s,%s,ledger/%s.json\r\n' "$time" "$event" "$actor" "$door" "$object" \
          "$number"
  done <"$tmp/acts"; } | cmp -s - data/timeline.csv ||
      fail "timeline (timeline.csv does not say what the record says)"

# Links and accounts, except what was taken out before sending or is named as withheld.
line_break='
'
grep '^[0-9]* evidence:acquired ' "$tmp/acts" >"$tmp/came_in"
{ printf 'type,as typed,item\r\n'
  while read -r number _ item _; do
      act "$number" && take "$text" kind && [ "$value" != file ] && ! left_out "$item" &&
          [ ! -e "$tmp/act/evidence:taken_out $item" ] || continue
      kind=$value
      between "$text" text version || fail "identifiers ($item cannot be read)"
      typed=$(printf '%s.\n' "$value" | unescaped) # the dot keeps line breaks at the end
      case $typed in . | [A-Za-z0-9]*) ;; *) typed="'$typed" ;; esac
      case $typed in *[\",]* | *"$line_break"*)
          typed=$(printf '%s\n' "$typed" | sed 's/"/""/g')
          typed="\"${typed%.}\"." ;;
      esac
      printf '%s,%s,%s\r\n' "$kind" "${typed%.}" "$item"
  done <"$tmp/came_in"; } >"$tmp/identifiers"
odd=$(sort "$tmp/identifiers" data/identifiers.csv | uniq -u | head -n 1)
cmp -s "$tmp/identifiers" data/identifiers.csv ||
    fail "identifiers (identifiers.csv does not say what the reporter gave: $odd)"

# 9. Each exhibit is the file that the reporter gave: its SHA-256 stands in the act by which it came
# in, and exhibit.json says what the acts say.
for number in $(sed 's/ .*//' "$tmp/acts"); do
    act "$number" && [ "$event" = answer:saved ] && take "$text" group || continue
    case $value in '' | *[!A-Z0-9-]*) ;; *) echo "$object" >>"$tmp/ages/$value" ;; esac
done
day_and_clock() { clock=${1#*T}; echo "${1%%T*} ${clock%%.*}"; }
fact() { sed -n "s/^ \"$1\": \"\{0,1\}\([A-Za-z0-9-]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$facts"; }
facts_list() { # NAME FILE: a list in exhibit.json, of the lines of a file that may be missing
    [ -f "$2" ] || { printf ' "%s": [],\n' "$1"; return; }
    printf ' "%s": [\n' "$1"
    sed 's/.*/  "&",/; $s/,$//' "$2"
    echo ' ],'
}
digest() { # NAME: the one that was taken when the item was verified, else of the file
    act evidence:verified "$item" && take "$text" "$1" && return
    value=$(openssl dgst "-$1" -r "$original" 2>/dev/null) || cannot "this openssl takes no $1"
    value=${value%% *}
}
: >"$tmp/exhibits"
for folder in data/exhibits/*/; do
    [ -d "$folder" ] || continue
    folder=${folder%/}
    facts=$folder/exhibit.json exhibit=${folder##*/}
    set -- "$folder"/*
    original=''
    case $* in "$facts $folder/original."*) [ $# -ne 2 ] || original=$2 ;; esac
    [ -n "$original" ] || fail "exhibits ($folder does not hold one original)"
    item=$(fact item)
    case $prepared in *"\"$item\""*) ;; *)
        fail "exhibits ($original is not part of this referral)" ;;
    esac
    ! grep -qxF -e "$item" "$tmp/exhibits" || fail "exhibits ($original is there twice)"
    act evidence:acquired "$item" && take "$text" sha256 && between "$text" file_name how ||
        fail "exhibits ($original: no act by which it came in)"
    written=$value received=$time
    take "$text" sha256
    sha256=$value size=${text#*,\"size\":}
    between "$text" how item
    how=$value
    grep -qxF -e "$sha256  $original" manifest-sha256.txt ||
        fail "exhibits ($original is not the file that came in)"
    group=$(fact file_group)
    stored=$(printf '%s\n' file "$(fact person)" "$group" "$(fact vault_object)" \
        "$(fact ciphertext_size)" "$(fact ciphertext_sha256)" | hash_of)
    [ "$stored" = "$object_hash" ] || fail "exhibits ($facts does not agree with the act)"
    digest md5
    md5=$value
    digest sha1
    { echo '{'
      facts_list answers_about_ages "$tmp/ages/$group"
      cat <<END
 "ciphertext_sha256": "$(fact ciphertext_sha256)",
 "ciphertext_size": $(fact ciphertext_size),
 "exhibit": "$exhibit",
 "file_group": "$group",
 "how_received": "$how",
 "item": "$item",
END
      facts_list looked_at_by_the_office_utc "$tmp/about/evidence:revealed $item"
      cat <<END
 "md5": "$md5",
 "original_name": "$written",
 "person": "$(fact person)",
 "received_utc": "$received",
END
      facts_list released_from_quarantine_utc "$tmp/about/quarantine:released $item"
      cat <<END
 "sha1": "$value",
 "sha256": "$sha256",
 "sha256_at_receipt": "$sha256",
 "sha512": "$(sed -n "s|  $original\$||p" manifest-sha512.txt)",
 "size": ${size%%,*},
 "vault_object": "$(fact vault_object)"
END
      printf '}'; } >"$tmp/facts"
    odd=$(sort "$tmp/facts" "$facts" | uniq -u | grep -vxFf "$tmp/facts" | head -n 1)
    cmp -s "$tmp/facts" "$facts" || fail "exhibits ($facts does not agree with the record: $odd)"
    echo "$item" >>"$tmp/exhibits"
    printf '   %s  received %s UTC\n          SHA-256 at receipt %s\n' "$exhibit" \
        "$(day_and_clock "$received")" "$sha256" >>"$tmp/received"
done
[ -e "$tmp/received" ] || echo '   (no files)' >"$tmp/received"
exhibits=$(grep -c . "$tmp/exhibits")
chosen=${prepared#*,\"items\":[}
for item in $(echo "${chosen%%]*}" | tr '",' '  '); do
    if grep -qxF -e "$item" "$tmp/exhibits" || left_out "$item"; then continue; fi
    act evidence:acquired "$item" && take "$text" kind && [ "$value" != file ] ||
        fail "exhibits ($item was to go, and is neither here nor named as withheld)"
done

fingerprint=$(openssl x509 -in "$tmp/ca.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
certificate() { # NAME: compares with what comes in
    cmp -s - "data/certificates/$1" ||
        fail "certificates ($1 does not say what the record says)"
}
certificate handover-receipt.txt <<END
HAND-OVER RECEIPT                                     $name

From          $office
To            $to
Basis         $basis_words
Profile       $profile
Built         $(day_and_clock "$built") UTC
CA.pem        SHA-256 fingerprint $fingerprint

Handed over by (name, signature) ____________________________   on ____________

Received by    (name, signature) ____________________________   on ____________

Your reference ____________________________

END
certificate hash-certificate.txt <<END
DRAFT: CERTIFICATE OF A QUALIFIED PERSON (for example under Fed. R. Evid. 902(13) and (14)).
To be completed and signed by a person.

I, ____________________ (name, role, training), state:

1. Holdfast takes in files over the internet, computes SHA-256 while the bytes arrive, and seals
   them at once. I understand how it works.
2. The files listed below were received by $office
   at the times given, from the reporter of report $subject.
3. On ____________ I computed the SHA-256 of each file in this package with ____________________
   (tool, version) and compared it with the value recorded at receipt. They were identical.

$(cat "$tmp/received")

4. Custody: acts 1 to $n of report $subject, in data/custody/ledger.
5. I do not attest who wrote or made these files, or that what they show is true.

I declare under penalty of perjury that the foregoing is true and correct.

Date ____________    Signature ____________________

END

# 10. The newest act lies in the tree whose root the operator's ledger key signed (C2SP checkpoint,
# RFC 9162).
custody=data/custody
openssl pkey -pubin -in $custody/log-key.pem -outform DER -out "$tmp/log.der" 2>/dev/null ||
    fail "checkpoint (log-key.pem cannot be read)"
[ -z "$ledger" ] || cmp -s "$tmp/ledger.der" "$tmp/log.der" ||
    fail "checkpoint (not by the key in LEDGER.pub)"
signed "$tmp/log.der" $custody/checkpoint.body $custody/checkpoint.sig ||
    fail "checkpoint (not signed by the ledger's key)"
origin=$(head -n 1 $custody/checkpoint.body)
{ { printf '%s\n\001' "$origin"; tail -c 32 "$tmp/log.der"; } | openssl dgst -sha256 -binary |
      head -c 4
  cat $custody/checkpoint.sig; } | openssl base64 -A >"$tmp/line"
{ cat $custody/checkpoint.body
  printf '\n— %s %s\n' "$origin" "$(cat "$tmp/line")"; } >"$tmp/note"
head -c "$(wc -c <"$tmp/note")" $custody/checkpoint.txt | cmp -s - "$tmp/note" ||
    fail "checkpoint (checkpoint.txt is another one)"
odd=$(tail -c +$(($(wc -c <"$tmp/note") + 1)) $custody/checkpoint.txt |
    grep -vE '^— [^ +]+ [A-Za-z0-9+/]+=*$' | head -n 1)
[ -z "$odd" ] || fail "checkpoint (checkpoint.txt holds something else: $odd)"
size=$(sed -n 2p $custody/checkpoint.body)
proof=$custody/newest.tlog-proof
index=$(sed -n '2s/^index \([0-9][0-9]*\)$/\1/p' $proof)
[ -n "$index" ] && [ "$index" -lt "$size" ] || fail "inclusion proof (its index)"
sed '1,2d; /^$/,$d' $proof >"$tmp/hashes"
{ printf 'c2sp.org/tlog-proof@v1\nindex %s\n' "$index"; cat "$tmp/hashes"; echo
  cat $custody/checkpoint.txt; } | cmp -s - $proof ||
    fail "inclusion proof (not under this checkpoint)"
openssl dgst -sha256 -binary "$tmp/leaf/$(printf %08d $n)" >"$tmp/now"
fn=$index sn=$((size - 1))
join() {
    { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$tmp/next"
    mv "$tmp/next" "$tmp/now"
}
while IFS= read -r sibling; do
    decoded "$sibling" >"$tmp/sibling"
    [ "$sn" -gt 0 ] || fail "inclusion proof (too long)"
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
        join "$tmp/sibling" "$tmp/now"
        while [ "$fn" -ne 0 ] && [ $((fn % 2)) -eq 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
        join "$tmp/now" "$tmp/sibling"
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
done <"$tmp/hashes"
root=$(sed -n 3p $custody/checkpoint.body)
[ "$sn" -eq 0 ] && [ "$(openssl base64 -A -in "$tmp/now")" = "$root" ] ||
    fail "inclusion proof (the newest act is not under the checkpoint)"

openssl x509 -in "$tmp/signer.pem" -checkend 0 >/dev/null 2>&1 ||
    echo "Note: the signing certificate has expired since; it was valid at the time of the stamp."
cat <<END
VERIFIED-OPERATOR-TIME: unchanged since $stamp, sealed under your CA.pem;
$n acts of custody in one unbroken chain, the details of $withheld withheld.
$exhibits exhibits, the statement and the identifiers are what the record says came in; $signatures
acts are signed with the reporter's own key.
END
if [ -e data/consent ]; then
    echo "The reporter's consent to this hand-over is signed with the reporter's own key."
    [ "$unknown" -eq 0 ] ||
        echo "Note: $unknown later answers about consent are withheld; the office says that they" \
            "concern other partners."
fi
[ "$not_checked" -eq 0 ] ||
    echo "Note: $not_checked acts in the reporter's name have no detail here, so that nobody can" \
        "tell here whether the reporter signed them; nothing but the timeline rests on them."
if [ -n "$ledger" ]; then echo "The record lies under a checkpoint by the key in your LEDGER.pub."
else cat <<END
Note: the ledger's key was taken from the package itself. Whoever holds the office's package and
time stamp keys could have made up the whole record; name LEDGER.pub as well to rule that out.
END
fi
[ -n "$ended" ] ||
    echo "Note: no list of ended certificates was named; a certificate that was ended before its" \
        "time would not be noticed."
$own_copy || echo "Note: verify.sh in the package is another script than this one. Do not run it."
cat <<END
NOT CHECKED against the record, the office's own words: SUMMARY.pdf, data/reports/report.pdf, and
the questions and reasons in data/case/withheld.json.
This does not prove that what is shown is true, nor who did it; the time is the operator's own
clock.
END
