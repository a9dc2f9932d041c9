#!/bin/sh
# copy_shim.sh SHIM_INCLUDE TO STAMP: a copy of the shim as its next version would be, under another inline namespace.
set -eu
rm -rf "$2"
mkdir -p "$2"
cp -R "$1/sidecar" "$2/"
find "$2" -name '*.h' -exec sed -i 's/inline namespace v1 {/inline namespace v2 {/' {} +
echo '// The copy is complete.' >"$3"
