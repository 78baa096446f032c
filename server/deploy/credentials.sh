#!/bin/sh
# Makes what a server needs to be reached by other machines: an authority of its own, a certificate for the server, and one for a
# client that is admin. For trying and for small set-ups; where there is an authority already, take certificates of that.
#
#   credentials.sh FOLDER [NAME...]     NAME: how callers reach the server, a DNS name or an address; localhost and 127.0.0.1 always
#
# Needs OpenSSL 3. Run as root it gives the server's key to uid 10001, as whom the image runs, and the others to who called sudo; else do
# that yourself. It never writes over what is there.
set -eu

[ $# -ge 1 ] || { echo "usage: $0 FOLDER [NAME...]" >&2; exit 2; }
folder=$1
shift
for file in ca.pem ca.key server.pem server.key; do
  [ ! -e "$folder/$file" ] || { echo "$folder has credentials already ($file); name another folder to make new ones" >&2; exit 1; }
done

names="DNS:localhost,IP:127.0.0.1"
for name in "$@"; do
  case $name in
    *:*) names="$names,IP:$name" ;;
    *[!0-9.]*) names="$names,DNS:$name" ;;
    *) names="$names,IP:$name" ;;
  esac
done

umask 077
mkdir -p "$folder"
# What is not whole is not left behind.
made=$(mktemp -d "$folder/.new.XXXXXX")
trap 'rm -rf "$made"' EXIT

# A self-signed certificate, or one signed by the authority: certificate NAME DAYS SUBJECT OPTION...
certificate() {
  name=$1 days=$2 subject=$3
  shift 3
  said=$(cd "$made" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days "$days" -subj "$subject" \
    -keyout "$name.key" -out "$name.pem" "$@" 2>&1) || { echo "openssl could not make $name.pem: $said" >&2; exit 1; }
}

certificate ca 3650 "/CN=Genesis authority" \
  -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
certificate server 365 "/CN=genesis" -CA ca.pem -CAkey ca.key \
  -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=serverAuth" -addext "subjectAltName=$names"
certificate admin 365 "/CN=genesis admin" -CA ca.pem -CAkey ca.key \
  -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=clientAuth" -addext "subjectAltName=URI:spiffe://genesis/admin"

cat > "$made/identities.toml" << 'END'
# Who the holders of client certificates are; the first that fits wins.
[[identities]]
name = "spiffe://genesis/admin"
tenant = "default"
roles = ["admin"]
END

mv "$made"/* "$folder"
cd "$folder"
chmod 755 .
chmod 644 ca.pem server.pem admin.pem identities.toml
if [ "$(id -u)" = 0 ]; then
  chown 10001:10001 server.key
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" ca.key admin.key
else
  echo "the image runs as uid 10001: let it read the key, sudo chown 10001 $folder/server.key"
fi
