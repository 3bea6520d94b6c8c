# git, within limits on what it takes: repositories that it reads are hostile. CHOO_GIT_MEMORY_KIB: its own memory; packs that it
# maps do not count. A lower limit of choo's own stays.
ulimit -c 0 2>/dev/null
ulimit -d "$CHOO_GIT_MEMORY_KIB" 2>/dev/null
exec git "$@"
