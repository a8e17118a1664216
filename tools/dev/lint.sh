# shellcheck shell=bash
# The lints. Each is a function check_NAME, is quick, and runs in `./dev test` too; clang-tidy looks there
# at what the last commit and the working tree changed, and in `./dev lint` at all that it has not passed.

readonly lints=(layers format tidy ruff ruff_format mypy pyright shell sql web)

prepare_lint() {
  need_compiler
  need_packages "${lint_packages[@]}"
  need_venv
  need_web
  configure_preset unit # clang-tidy reads what the compiler would be told, and generated sources
}

# lint [NAME...]
lint() {
  local name failed=0 chosen=("$@")
  (($#)) || chosen=("${lints[@]}")
  for name in "${chosen[@]}"; do
    declare -F "check_$name" >/dev/null || die "there is no lint '$name'" "./dev lint [${lints[*]}]"
  done
  prepare_lint
  for name in "${chosen[@]}"; do
    try_step "Lint: $name" "lint-$name" "check_$name" || failed=1
  done
  return "$failed"
}

# suite_lint [NAME]: the same as a suite of `./dev test`, and the tests of our own lints.
suite_lint() {
  local name code=0 result
  {
    printf '<testsuite name="lint">\n'
    for name in "${lints[@]}"; do
      [[ $name == *${1:-}* ]] || continue
      result=''
      tidy_scope=--changed try_step "Lint: $name" "lint-$name" "check_$name" >&2 || result='<failure/>' code=1
      printf '<testcase classname="lint" name="%s">%s</testcase>\n' "$name" "$result"
    done
    printf '</testsuite>\n'
  } >"$results/lint.xml"
  run_pytest lint-tools tools "${1:-}" || code=$?
  return "$code"
}

check_layers() { "$venv/bin/python" tools/lint/layers.py; }

check_format() { cpp_sources | xargs -r clang-format-19 --dry-run -Werror; }

check_tidy() { "$venv/bin/python" tools/lint/tidy.py ${tidy_scope:+"$tidy_scope"}; }

check_ruff() { each_ruff check; }

check_ruff_format() { each_ruff format --check; }

check_mypy() {
  # Tests find tests/support by its path.
  export MYPYPATH=$PWD/tests:$PWD/tools/dev:$PWD/tools/lint:$PWD/tools/docs:$PWD/tools/mutate:$PWD/tools/package
  "$venv/bin/mypy" --config-file tools/lint/mypy.ini tests tools || return
  (cd python && "../$venv/bin/mypy" .)
}

check_pyright() { (cd python && "../$venv/bin/pyright" --pythonpath "../$venv/bin/python"); }

check_shell() { shellcheck --external-sources --check-sourced dev .ci/run tools/hooks/* tools/package/*.sh packaging/debian/*; }

check_sql() { "$venv/bin/python" tools/lint/sql.py; }

check_web() { npm --prefix web run --silent --if-present lint; }

cpp_sources() { find src -name '*.cpp' -o -name '*.hpp'; }

# each_ruff VERB FLAGS...: on our Python; the package in python/ brings its own settings.
each_ruff() {
  local code=0
  "$venv/bin/ruff" "$@" --config tools/lint/ruff.toml tests tools bench examples || code=1
  "$venv/bin/ruff" "$@" python || code=1
  return "$code"
}

fmt() {
  need_packages clang-format-19
  need_venv
  need_web
  cpp_sources | xargs -r clang-format-19 -i
  each_ruff check --quiet --fix-only
  each_ruff format --quiet
  npm --prefix web run --silent --if-present fmt
}
