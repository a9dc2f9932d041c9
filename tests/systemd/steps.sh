# What the tests in the machine are made of.
set -euo pipefail
cd /opt/test
export DEBIAN_FRONTEND=noninteractive
step=start
trap 'code=$?; [ $code = 0 ] || { echo "FAILED: $step"; systemctl status --no-pager sw-sidecar.service sw-sidecar.socket sw-sidecar-control.socket || true; journalctl --no-pager -n 60 -u sw-sidecar.service -u sw-sidecar.socket -u collector.service; }' EXIT
it() { step="$*"; echo "- it $* (at $SECONDS s)"; }
fail() { echo "$*"; exit 1; }
# until SECONDS COMMAND: waits for what must come
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || fail "not in time: $*"; read -rt 0.1 <> <(:) || true; done
}
property() { systemctl show -P "$1" "${2:-sw-sidecar.service}"; }
status() { sidecarctl status --json; }
arrived() { curl -sS http://127.0.0.1:12801/traces.json | python3 -c '
import json, sys
print(sum(1 for t in json.load(sys.stdin)["traces"] if sys.argv[1] in json.dumps(t)))' "$1"; }
have() { [ "$(arrived "$1")" = "$2" ]; }
# 10 more of the idle program; all it has finished must arrive: N. It looks at its connection when it is used.
arrived_after_flush() { echo "flush 100" >&7; have "$@"; }
finish_more() { echo "more 10" >&7; until_true 60 arrived_after_flush "$@"; }
# What bears our names, outside of what a purge has nothing to do with.
ours() {
  find / -xdev \( -path /proc -o -path /sys -o -path /opt/test -o -path /tmp -o -path /var/cache \) -prune -o \
    \( -name '*sw-sidecar*' -o -name '*sidecarctl*' \) -print | sort
  find /run -name '*sw-sidecar*' | sort
}
stored() { [ "$(property NFileDescriptorStore)" -ge "$1" ]; }
restarted_by_itself() { [ "$(property NRestarts)" = 1 ]; }
names_collector() { [[ $(property StatusText) == *127.0.0.1:11800* && $(sidecarctl status) == *127.0.0.1:11800* ]]; }
as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
units="sw-sidecar.service sw-sidecar.socket sw-sidecar-control.socket"
install_packages() {
  apt-get install -y ./sw-sidecar_*.deb ./sw-sidecar-dev_*.deb ./libsw-sidecar-shim1_*.deb >apt.log 2>&1 || { cat apt.log; exit 1; }
}
# The package as its next version.
make_next() {
  mkdir next
  dpkg-deb -R ./sw-sidecar_*.deb next/tree
  sed -i 's/^Version: .*/&+next/' next/tree/DEBIAN/control
  dpkg-deb -b next/tree next >/dev/null
}
start_collector() {
  systemd-run -q --unit=collector /opt/test/test-collector --port 11800 --http-port 12801
  until_true 20 curl -sS http://127.0.0.1:12801/traces.json
}
# A program that does what the lines written to descriptor 7 say; its first COUNT segments have arrived. PID in $app.
start_idle() {
  mkfifo commands
  "${as_user[@]}" ./app idle "$1" --idle <commands >answers 2>&1 & app=$!
  exec 7>commands
  until_true 60 have idle "$1"
}
# The idle program is on the connection that it made first.
never_reconnected() { echo stats >&7; until_true 20 grep -q created answers; ! grep -q '"reconnects":[^0]' answers; }
