# shellcheck shell=bash
# How ./dev talks: one line a step, the noise in build/log, the end of that noise when a step fails.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

readonly log_dir=build/log
readonly log_tail_lines=80

say() { printf '%s\n' "$*"; }

die() {
  printf '%sdev: %s%s\n' "$red" "$1" "$plain" >&2
  [[ $# -lt 2 ]] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

# step TEXT LOG COMMAND...: runs the command quietly; its failure ends ./dev.
step() {
  try_step "$@" || exit 1
}

# try_step TEXT LOG COMMAND...: the same, but hands the exit code back.
try_step() {
  local text=$1 log=$log_dir/$2.log started=$SECONDS code=0
  shift 2
  mkdir -p "$log_dir"
  [[ ! -t 1 ]] || printf '%s  %s ...%s' "$dim" "$text" "$plain"
  "$@" >"$log" 2>&1 </dev/null || code=$?
  [[ ! -t 1 ]] || printf '\r\e[K'
  local took="$dim$((SECONDS - started)) s$plain"
  if ((code == 0)); then
    say "$green✓$plain $text $took"
  else
    say "$red✗$plain $text $took"
    tail -n "$log_tail_lines" "$log" | sed 's/^/    /'
    say "    ${dim}all of it: $log$plain"
  fi
  return "$code"
}
