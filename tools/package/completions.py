"""Completions of the command line for bash, zsh and fish."""

from __future__ import annotations

from program import Command, Option, inner_commands

FILE_VALUES = {"FILE", "DIRECTORY", "FOLDER"}


def quoted(text: str) -> str:
    """For a shell, in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def flags_of(command: Command) -> list[tuple[str, Option]]:
    return [(flag, option) for option in command.options for flag in option.flags]


# ---- bash


def bash_values(command: Command) -> list[str]:
    """What follows the flags that take one of a few words, or a file."""
    lines = []
    for option in command.options:
        flags = "|".join(option.flags)
        if option.words:
            lines.append(f"        {flags}) values={quoted(' '.join(option.words))} ;;")
        elif option.value in FILE_VALUES and flags:
            lines.append(f"        {flags}) values=FILE ;;")
        elif option.value and flags:
            lines.append(f"        {flags}) values=NONE ;;")
    return ['      case "$previous" in', *lines, "      esac ;;"] if lines else ["      ;;"]


def bash_case(name: str, commands: list[Command]) -> list[str]:
    command = next((one for one in commands if one.name == name), Command("", "", []))
    words = [one.name.rpartition(" ")[2] for one in inner_commands(commands, name)]
    flags = [flag for flag, _ in flags_of(command)] or ["--help", "--version"]
    return [
        f"    {quoted(name)})",
        f"      words={quoted(' '.join(words))}",
        f"      flags={quoted(' '.join(flags))}",
        *bash_values(command),
    ]


def bash(commands: list[Command]) -> str:
    cases = [line for name in ("", *(one.name for one in commands)) for line in bash_case(name, commands)]
    return "\n".join(
        [
            "# bash completion for bemi",
            "# What may stand behind the command $1: its own commands, its flags, the values of the flag before.",
            "_bemi_about() {",
            "  words='' flags='' values=''",
            '  case "$1" in',
            *cases,
            "  esac",
            "}",
            "",
            "_bemi() {",
            "  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}",
            "  local path='' words flags values i",
            "  COMPREPLY=()",
            "  _bemi_about ''",
            "  for ((i = 1; i < COMP_CWORD; i++)); do",
            '    [[ " $words " == *" ${COMP_WORDS[i]} "* ]] || continue',
            '    path="${path:+$path }${COMP_WORDS[i]}"',
            '    _bemi_about "$path"',
            "  done",
            '  case "$values" in',
            "    NONE) ;;",
            '    FILE) COMPREPLY=($(compgen -f -- "$word")) ;;',
            '    ?*) COMPREPLY=($(compgen -W "$values" -- "$word")) ;;',
            "    *)",
            "      if [[ $word == -* || -z $words ]]; then",
            '        COMPREPLY=($(compgen -W "$flags" -- "$word"))',
            "      else",
            '        COMPREPLY=($(compgen -W "$words" -- "$word"))',
            "      fi ;;",
            "  esac",
            "}",
            "complete -F _bemi bemi",
            "",
        ]
    )


# ---- zsh


def zsh_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_argument(option: Option) -> str:
    action = (
        f"({' '.join(option.words)})" if option.words else "_files" if option.value in FILE_VALUES else " "
    )
    return f":{zsh_text(option.value)}:{action}" if option.value else ""


def zsh_options(command: Command) -> list[str]:
    lines = []
    for flag, option in flags_of(command):
        again = "*" if option.is_list else ""
        lines.append(quoted(f"{again}{flag}[{zsh_text(option.text)}]{zsh_argument(option)}"))
    for number, option in enumerate(command.arguments, 1):
        lines.append(quoted(f"{number}:{zsh_text(option.name)}: "))
    return lines


def zsh_function(name: str, commands: list[Command]) -> list[str]:
    label = "_bemi" + "".join("_" + part.replace("-", "_") for part in name.split())
    inner = inner_commands(commands, name)
    command = next((one for one in commands if one.name == name), None)
    options = zsh_options(command) if command else [quoted("--version[Print the version and exit]")]
    if not inner:
        return [
            f"{label}() {{",
            "  _arguments \\",
            *(f"    {one} \\" for one in options),
            "    && return",
            "}",
            "",
        ]
    described = [quoted(f"{one.name.rpartition(' ')[2]}:{one.text}") for one in inner]
    calls = [
        f"        {one.name.rpartition(' ')[2]}) {label}_{one.name.rpartition(' ')[2].replace('-', '_')} ;;"
        for one in inner
    ]
    return [
        f"{label}() {{",
        "  local state line",
        "  local -a commands",
        f"  commands=({' '.join(described)})",
        "  _arguments -C \\",
        *(f"    {one} \\" for one in options),
        "    '1: :->command' '*:: :->rest'",
        "  case $state in",
        "    command) _describe command commands ;;",
        "    rest)",
        "      case $line[1] in",
        *calls,
        "      esac ;;",
        "  esac",
        "}",
        "",
    ]


def zsh(commands: list[Command]) -> str:
    lines = ["#compdef bemi", ""]
    for name in ("", *(one.name for one in commands)):
        lines += zsh_function(name, commands)
    return "\n".join([*lines, '_bemi "$@"', ""])


# ---- fish


def fish(commands: list[Command]) -> str:
    lines = ["# fish completion for bemi", "complete -c bemi -f"]
    top = " ".join(one.name for one in inner_commands(commands, ""))
    for command in commands:
        outer, _, word = command.name.rpartition(" ")
        siblings = " ".join(one.name.rpartition(" ")[2] for one in inner_commands(commands, outer))
        where = (
            f"not __fish_seen_subcommand_from {top}"
            if not outer
            else f"__fish_seen_subcommand_from {outer}; and not __fish_seen_subcommand_from {siblings}"
        )
        lines.append(f"complete -c bemi -n {quoted(where)} -a {quoted(word)} -d {quoted(command.text)}")
        seen = "; and ".join(f"__fish_seen_subcommand_from {part}" for part in command.name.split())
        for flag, option in flags_of(command):
            kind = "-l" if flag.startswith("--") else "-s"
            more = ""
            if option.words:
                more = f" -x -a {quoted(' '.join(option.words))}"
            elif option.value:
                more = " -r -F" if option.value in FILE_VALUES else " -x"
            lines.append(
                f"complete -c bemi -n {quoted(seen)} {kind} {flag.lstrip('-')}{more} -d {quoted(option.text)}"
            )
    return "\n".join([*lines, ""])
