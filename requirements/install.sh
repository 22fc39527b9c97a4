#!/bin/sh
# install.sh FOLDER NAME: make the virtual environment FOLDER and install requirements/NAME.txt in it.
#
# For `make`, from the root of the checkout. Every package is pinned by version and hash. A folder that
# an interrupted run left half made, or that was made elsewhere, is made again from nothing.
# PYTHON=... names the Python to use; otherwise the first of 3.11 to 3.14 that runs is taken.
set -eu

folder=$1
name=$2
here=$(pwd -P) # as make has it, however the checkout was reached
requirements=requirements/$name.txt
fits='import sys; sys.exit(not (3, int(sys.argv[1])) <= sys.version_info[:2] <= (3, 14))'
version='import sys; print("Python %d.%d.%d" % sys.version_info[:3])'

say() { printf '· %s\n' "$*"; }
fail() {
    printf '✗ %s\n' "$@" >&2
    exit 3
}

# first_of OLDEST PYTHON...: the first that is 3.OLDEST or newer. Being on PATH is not enough: a pyenv
# shim may refuse to run, and Debian splits venv off.
first_of() {
    oldest=$1
    shift
    for python; do
        if "$python" -c "$fits" "$oldest" 2>/dev/null &&
            "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            printf '%s\n' "$python"
            return
        fi
    done
    false
}

# The emulator runs the functions with its own Python, and one of them wants 3.12 or newer.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        first_of 11 "$PYTHON"
        return
    fi
    if [ "$name" = emulator ]; then
        first_of 12 python3 python3.14 python3.13 python3.12 \
            "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.1[234].*/bin/python3 && return
    fi
    first_of 11 python3 python3.14 python3.13 python3.12 python3.11
}

explain_missing_python() {
    found=$("${PYTHON:-python3}" -c "$version" 2>/dev/null || echo nothing that runs)
    fail "Python 3.11 to 3.14 with its venv module is needed; ${PYTHON:-python3} is $found" \
        "Debian and Ubuntu: apt install python3-venv   macOS: brew install python@3.13" \
        "or name one: make tour PYTHON=/path/to/python3.13"
}

is_whole() {
    [ ! -e "$folder/unfinished" ] &&
        [ "$("$folder/bin/python" -c 'import pip, sys; print(open(sys.argv[1]).read())' \
            "$folder/made-at" 2>/dev/null)" = "$here" ]
}

make_venv() {
    python=$(find_python) || :
    [ -n "$python" ] || explain_missing_python
    if [ -e "$folder" ]; then
        say "$folder is not whole, or was not made here by make: making it anew"
        rm -rf "$folder"
    fi
    say "making $folder with $("$python" -c "$version")"
    mkdir "$folder"
    : >"$folder/unfinished"
    "$python" -m venv "$folder" || fail "$folder could not be made"
    printf '%s' "$here" >"$folder/made-at"
}

# The list is complete, so pip need not look for dependencies. -qq leaves errors.
pip_install() {
    "$folder/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-deps "$@" ||
        fail "the packages could not be installed; the reason stands above" \
            "type the same command again to go on"
}

# What the deployed functions import, in the versions of run.txt: sam build then needs no network.
fetch_wheels() {
    say "fetching what the deployed functions import, for builds without a network"
    rm -rf "$folder/wheels"
    sed -n 's/ \\$//; /^[a-z].*==/p' requirements/run.txt >"$folder/versions.txt"
    set --
    for list in solutions/*/requirements.txt; do
        [ ! -e "$list" ] || set -- "$@" -r "$list"
    done
    [ "$#" -gt 0 ] || return 0
    "$folder/bin/python" -m pip --disable-pip-version-check --no-input download -qq \
        --only-binary :all: --dest "$folder/wheels" --constraint "$folder/versions.txt" "$@" ||
        fail "the functions' packages could not be fetched; the reason stands above" \
            "type the same command again to go on"
}

unset PYTHONHOME PYTHONPATH
export PIP_USER=0 # a user's own pip settings must not lead out of the virtual environment
is_whole || make_venv
: >"$folder/unfinished"
say "installing $(grep -c '^[a-z].*==' "$requirements") pinned packages from $requirements (up to a minute)"
pip_install --require-hashes -r "$requirements"
case $name in
run | dev | notebooks)
    say "installing this checkout itself"
    pip_install --no-build-isolation -e .
    : >"$folder/run.stamp" # the larger set holds the smaller one
    ;;
emulator)
    fetch_wheels
    ;;
esac
: >"$folder/$name.stamp"
rm "$folder/unfinished"
