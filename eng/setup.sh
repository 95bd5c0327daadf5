# shellcheck shell=bash
# Sourced by ./test and ./run: what both need to know about the machine.

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

# Ends with instructions where the .NET 10 SDK is missing. Takes the per-user place of Microsoft's install script too, whether or not it is on PATH.
need_dotnet() {
    if ! command -v dotnet >/dev/null && [ -x "${HOME:-}/.dotnet/dotnet" ]; then
        export PATH="$HOME/.dotnet:$PATH" DOTNET_ROOT="$HOME/.dotnet"
    fi
    if command -v dotnet >/dev/null && dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
        return
    fi
    fail "The .NET 10 SDK is missing (dotnet --list-sdks shows no 10.x). Install it for this user, without root, by
    wget -qO- https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0
and run this again; it is found in ~/.dotnet. On Debian the SDK also needs: apt-get install ca-certificates libicu72 (Debian 12) or libicu76 (Debian 13).
Other ways: https://learn.microsoft.com/dotnet/core/install/linux-debian"
}

# Whether Debian's packages can be had here: Debian 12 and 13 are proven, its relatives are likely to work.
is_debian() {
    [ -r /etc/os-release ] && command -v apt-get >/dev/null && (
        # shellcheck disable=SC1091 # the machine's own file
        . /etc/os-release
        case " $ID ${ID_LIKE:-} " in *" debian "*) true ;; *) false ;; esac
    )
}

is_installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

# missing_packages FILE: of a list "package reason...", the packages that are not installed, a line each. A line may begin with "?program": the package
# is wanted only where no such program is on PATH.
missing_packages() {
    local package reason
    while read -r package reason; do
        case $package in '' | '#'*) continue ;; esac
        if [[ $package == \?* ]]; then
            command -v "${package#\?}" >/dev/null && continue
            read -r package reason <<<"$reason"
        fi
        is_installed "$package" || printf '%s %s\n' "$package" "$reason"
    done <"$1"
}

# With SYSTEMD_OFFLINE systemctl starts nothing: the tests run servers of their own and want none of the system's.
apt_install=(env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 apt-get -q -q install -y --no-install-recommends -o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0)

# download_packages [sudo] -- package...: fetches the lists and the packages.
download_packages() {
    local as=()
    [ "$1" = -- ] || { as=("$1"); shift; }
    shift
    "${as[@]}" apt-get -q -q -o DPkg::Lock::Timeout=900 update
    "${as[@]}" "${apt_install[@]}" --download-only "$@" >/dev/null
}

# install_packages [sudo] -- package...: from what was fetched.
install_packages() {
    local as=()
    [ "$1" = -- ] || { as=("$1"); shift; }
    shift
    "${as[@]}" "${apt_install[@]}" "$@" >/dev/null
}

# newer FILE PATH...: whether anything under the paths is newer than the file, or the file is missing. The page is not the compiler's.
newer() {
    local file=$1
    shift
    [ ! -e "$file" ] || [ -n "$(find "$@" -newer "$file" -type f -not -path '*/web/*' -not -path '*/wwwroot/*' -print -quit)" ]
}
