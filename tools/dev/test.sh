# shellcheck shell=bash
# The test suites. Each writes JUnit XML to build/results; the last line adds them up.

readonly suites=(lint cpp python e2e web)
readonly results=build/results
readonly pytest_found_nothing=5

run_tests() {
  local name=${1:-} suite codes=() chosen=("${suites[@]}")
  if is_suite "$name"; then
    chosen=("$name")
    name=''
  fi
  rm -rf "$results"
  mkdir -p "$results"
  need_venv
  for suite in "${chosen[@]}"; do
    prepare_"$suite"
  done
  for suite in "${chosen[@]}"; do
    local code=0
    suite_"$suite" "$name" || code=$?
    codes+=("$suite=$code")
  done
  "$venv/bin/python" tools/dev/summary.py "$results" "${codes[@]}"
}

is_suite() {
  local suite
  for suite in "${suites[@]}"; do
    [[ $suite != "$1" ]] || return 0
  done
  return 1
}

prepare_cpp() {
  build_preset dev
  need_servers
}

prepare_python() {
  build
  need_servers
  need_packages pgbouncer
  need_aside sqlalchemy-2.0
}

prepare_e2e() {
  build
  need_servers
  need_clients
  need_http_fuzz
  need_mcp_client
  need_packages faketime zstd dpkg-dev
}

prepare_web() {
  [[ -f web/package.json ]] || return 0
  build
  need_servers
  need_packages chromium
}

# Tests wait more than they compute, so several at a time are worth it even on two cores. With four, the end-to-end
# tests take 31 minutes in place of 35, and one of very large rows runs out of its time.
readonly side_by_side=(--numprocesses "${BEMI_TEST_JOBS:-2}" --dist worksteal)

# The package's tests, with the newest SQLAlchemy and with the oldest series that it supports.
suite_python() {
  local code=0
  run_pytest python python/tests "$1" "${side_by_side[@]}" || code=$?
  PYTHONPATH=$PWD/build/sqlalchemy-2.0 \
    run_pytest python-sqlalchemy-2.0 python/tests "$1" "${side_by_side[@]}" || code=$?
  return "$code"
}

# `./dev matrix` and `./dev attack` run each of these on every major that it is written for.
suite_e2e() { BEMI_TEST_SOME_MAJORS=1 run_pytest e2e tests "$1" "${side_by_side[@]}"; }

# run_pytest SUITE FOLDER NAME FLAGS...
run_pytest() {
  local suite=$1 folder=$2 name=$3
  shift 3
  try_step "Tests: $suite" "test-$suite" allow_nothing_found \
    env BEMI_SERVERS_IN_MEMORY=1 "$venv/bin/python" -m pytest "$folder" --junitxml "$results/$suite.xml" \
    ${name:+-k "$name"} "$@"
}

# A name that narrows the run rarely has a test in every suite.
allow_nothing_found() {
  local code=0
  "$@" || code=$?
  ((code == pytest_found_nothing)) || return "$code"
}

suite_cpp() {
  local ctest=(ctest --test-dir build/dev --no-tests=ignore ${1:+-R "$1"})
  local launcher=()
  # Tests with the label `pg` find running servers in BEMI_TEST_SERVERS; others need not wait for them.
  if ! "${ctest[@]}" --show-only --label-regex pg | grep -q 'Total Tests: 0'; then
    launcher=("$venv/bin/python" tests/support/with_servers.py --)
  fi
  try_step "Tests: cpp" test-cpp \
    env ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1 \
    "${launcher[@]}" "${ctest[@]}" --output-on-failure --parallel "$(nproc)" \
    --output-junit "$PWD/$results/cpp.xml"
}

# The dashboard's own tests: `npm test` writes JUnit XML to $BEMI_JUNIT.
suite_web() {
  [[ -f web/package.json ]] || return 0
  try_step "Tests: web" test-web env BEMI_JUNIT="$PWD/$results/web.xml" npm --prefix web test \
    ${1:+-- -t "$1"}
}
