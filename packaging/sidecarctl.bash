# Completion of sidecarctl for bash.
_sidecarctl() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  if [[ $before == --socket ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ $before == log-level ]]; then
    mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$word")
  elif [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " == *" status "* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--json --help" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "status reload log-level --socket --help --version" -- "$word")
  fi
}
complete -F _sidecarctl sidecarctl
