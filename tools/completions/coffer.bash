# SPDX-License-Identifier: Apache-2.0
# bash completion for coffer. Secrets are completed from `coffer ls`, which asks for no passphrase.

_coffer_paths() {
    local path
    # `*` is a segment here, never a glob.
    coffer ls --json ${config:+--config "$config"} 2>/dev/null | sed -n 's/^ *"secret": "\([^"]*\)",\{0,1\}$/\1/p' |
        while IFS= read -r path; do
            [[ $path == "$cur"* ]] && printf '%s\n' "$path"
        done
}

_coffer() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local verb=${COMP_WORDS[1]} second=${COMP_WORDS[2]} config='' options='' i
    local common="--config --identity --passphrase-file --json --help"
    local scope="--org --project --domain"
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --config ]] && config=${COMP_WORDS[i + 1]}
    done

    case $prev in
        --config | --identity | --passphrase-file | --from-file | --store | --audit | --policy)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        --dir | --touch)
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return
            ;;
        --visibility)
            mapfile -t COMPREPLY < <(compgen -W "masked restricted" -- "$cur")
            return
            ;;
        --key)
            mapfile -t COMPREPLY < <(compgen -W "host tpm2 host+tpm2 auto" -- "$cur")
            return
            ;;
        --role)
            mapfile -t COMPREPLY < <(compgen -W "owner admin editor" -- "$cur")
            return
            ;;
    esac
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "init set get ls rm history restore purge log verify scope member
            host identity rotate audit policy watch status doctor --help --version" -- "$cur")
        return
    fi
    if ((COMP_CWORD == 2)); then
        case $verb in
            scope) options="add ls" ;;
            member) options="add rm ls" ;;
            host) options="add rm ls seal-identity" ;;
            identity) options="new show" ;;
            audit) options="verify show" ;;
            policy) options="check explain learn" ;;
        esac
        if [[ $options ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
            return
        fi
    fi
    if [[ $cur != -* ]]; then
        [[ $verb == policy && $second == explain ]] && verb=get
        case $verb in
            set | get | rm | history | restore | purge | ls) mapfile -t COMPREPLY < <(_coffer_paths) ;;
            host | identity | audit | policy) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        esac
        return
    fi
    case $verb in
        init) options="--org --dir --owner --host --no-passphrase --join --store" ;;
        set) options="$scope --value --from-file --visibility --expires --if-version" ;;
        get) options="$scope --version --reveal" ;;
        ls) options="$scope --removed" ;;
        rm) options="$scope --if-version --yes" ;;
        history) options="$scope" ;;
        restore) options="$scope --if-version" ;;
        purge) options="$scope --yes" ;;
        log) options="--limit" ;;
        watch) options="--since --exec --reload --touch --audit" ;;
        status) options="--mount" ;;
        verify) options="--repair --accept-rollback --daemon --yes" ;;
        rotate) options="$scope --all --reseal" ;;
        scope) [[ $second == add ]] && options="$scope" ;;
        identity) [[ $second == new ]] && options="--no-passphrase" ;;
        audit)
            case $second in
                verify) options="--head" ;;
                show) options="--denied --path --uid --follow" ;;
            esac
            ;;
        policy)
            case $second in
                check) options="--strict" ;;
                explain) options="--pid --as --audit --seq --policy" ;;
                learn) options="--observed --widen --policy" ;;
            esac
            ;;
        member | host)
            case $second in
                add) options="--pattern" && [[ $verb == member ]] && options+=" --role" ;;
                rm) options="--yes" ;;
                ls) options="--removed" ;;
                seal-identity) options="--key --remove-plain --yes" ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options $common" -- "$cur")
}

complete -F _coffer coffer
