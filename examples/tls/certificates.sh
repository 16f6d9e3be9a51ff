#!/bin/sh
# Makes an authority and three certificates that it signs: one for the gateway, one for the agent's collector, and one of a
# stranger's authority, to see a refusal. Needs openssl. The keys are for trying things out.
set -eu
folder=${1:-certificates}
mkdir -p "$folder"
cd "$folder"

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=$2" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

signed() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    printf 'basicConstraints=CA:FALSE\nsubjectAltName=%s\n' "$3" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$4.pem" -CAkey "$4.key" -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
    rm "$1.csr" "$1.ext"
}

authority ca "example authority"
authority stranger-ca "another authority"
signed gateway gateway "DNS:localhost,IP:127.0.0.1" ca
signed agent agent "DNS:agent" ca
signed stranger stranger "DNS:stranger" stranger-ca
rm -f ./*.srl
chmod 600 ./*.key
