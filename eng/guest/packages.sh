# shellcheck shell=bash
# Sourced by eng/guest-image and eng/guest-media: packages that are unpacked beside and not installed. Wants say().

# Where guests are kept. QEMU may run as another user than root, who cannot look into root's home.
if [ "$(id -u)" = 0 ] && [ -z "${XDG_CACHE_HOME:-}" ]; then
    cache=/var/cache/hypervisor-sdk/guest
else
    cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/hypervisor-sdk/guest
fi

# Where nobody has fetched the package lists yet: root updates them, another user gets a private copy.
apt=()
[ "$(id -u)" != 0 ] || apt=(-o APT::Sandbox::User=root)
update_lists() {
    if [ "$(id -u)" != 0 ]; then
        mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
        apt=(-o Dir::State::lists="$cache/apt/lists" -o Dir::Cache="$cache/apt/cache")
    fi
    say "fetching the package lists"
    apt-get "${apt[@]}" -q -q -o DPkg::Lock::Timeout=900 update >&2
}

# A line "package version" for each.
candidates() { apt-cache "${apt[@]}" policy "$@" 2>/dev/null | sed -n -e 's/^\([^ ].*\):$/\1/p' -e 's/^  Candidate: //p' | paste -d' ' - -; }

# with_libraries PACKAGE...: they and the libraries beneath them. The shell and Perl programs among their dependencies are not needed.
with_libraries() {
    printf '%s\n' "$@"
    apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" 2>/dev/null |
        grep -E '^(zlib1g|lib[a-z0-9.+-]+)$' | grep -Ev -- '-perl$|^libperl|^libdb|^libgdbm' | sort -u
}

# download DIRECTORY PACKAGE...
download() {
    local directory=$1
    shift
    (cd "$directory" && apt-get "${apt[@]}" -q -q download "$@" >&2)
}
