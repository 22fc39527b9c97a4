#!/bin/sh
# install.sh [optional]: set up what the slides are built with, in slides/node_modules, by `npm ci`.
#
# For `make`. A second run is instant. With `optional`, a machine without Node is told so, and no more.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$@" >&2; }
ingredients() { cat package-lock.json package.json .npmrc; }

major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$major" -lt 20 ] || ! command -v npm >/dev/null; then
    say "· the slides want Node 20 or newer with npm; here is $(node --version 2>/dev/null || echo none)" \
        "  Debian and Ubuntu: apt install nodejs npm   macOS: brew install node" \
        "  without it, everything but the slides works"
    [ "${1:-}" = optional ] && exit 0
    exit 3
fi
if [ -e node_modules/made-of ] && ingredients | cmp -s - node_modules/made-of; then
    exit 0
fi
echo "· installing what the slides are built with (a minute or two, 600 MB)"
rm -f node_modules/made-of
npm ci --no-progress --loglevel=error >/dev/null || {
    say "✗ npm ci did not end well; the reason stands above" "  type the same command again to go on"
    exit 3
}
ingredients >node_modules/made-of
