# SPDX-License-Identifier: Apache-2.0
# bash completion for coffer; `coffer completion bash` prints it. Paths are completed a segment at a time by
# `coffer completion paths`, which asks for no passphrase and says nothing where there is no store.

_coffer_words() { # paths|scopes
    # What was typed may have a backslash before its `*`, which is a segment here and never a glob.
    mapfile -t COMPREPLY < <(coffer completion "$1" "${cur//\\/}" ${config:+--config "$config"} 2>/dev/null)
    # As for files: they are quoted for the shell, and after a slash the word goes on.
    compopt -o filenames 2>/dev/null
    [[ ${COMPREPLY[0]-} == */ ]] && compopt -o nospace 2>/dev/null
    return 0
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
        --config | --identity | --passphrase-file | --from-file | --store | --audit | --policy | --out)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        --dir | --touch | --out | --mount)
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return
            ;;
        --visibility)
            mapfile -t COMPREPLY < <(compgen -W "masked restricted" -- "$cur")
            return
            ;;
        --format)
            mapfile -t COMPREPLY < <(compgen -W "dotenv kestra json dir pass" -- "$cur")
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
    # What comes after -- is another program's.
    if [[ $verb == exec || $verb == task ]]; then
        for ((i = 2; i < COMP_CWORD; i++)); do
            [[ ${COMP_WORDS[i]} == -- ]] || continue
            if ((i + 1 == COMP_CWORD)); then
                mapfile -t COMPREPLY < <(compgen -c -- "$cur")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            fi
            return
        done
    fi
    if [[ $verb == redact && $prev == --file ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "init set get ls rm history restore purge import export log verify scope member
            host identity rotate audit policy watch render status doctor exec task redact completion --help --version" -- "$cur")
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
            rm)
                if [[ " ${COMP_WORDS[*]} " =~ \ (-r|--recursive)\  ]]; then
                    _coffer_words scopes
                else
                    _coffer_words paths
                fi
                ;;
            set | get | history | restore | purge | ls) _coffer_words paths ;;
            scope | rotate) _coffer_words scopes ;;
            completion) mapfile -t COMPREPLY < <(compgen -W "bash zsh fish" -- "$cur") ;;
            host | identity | audit | policy | import | render) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        esac
        return
    fi
    case $verb in
        init) options="--org --dir --owner --host --no-passphrase --join --store" ;;
        set) options="$scope --value --from-file --visibility --expires --if-version" ;;
        get) options="$scope --version --reveal" ;;
        ls) options="$scope --find --expiring --removed --names --tree" ;;
        rm) options="$scope --if-version --recursive --yes" ;;
        history) options="$scope" ;;
        restore) options="$scope --if-version" ;;
        purge) options="$scope --yes" ;;
        import) options="--scope --format --visibility --dry-run --rename --skip-invalid" ;;
        export) options="--scope --format --out --mount --yes" ;;
        log) options="--limit" ;;
        watch) options="--since --exec --reload --touch --audit" ;;
        status) options="--mount" ;;
        exec) options="--scope --mount --env --file --only --prefix --pristine --flyte --flyte-group --kestra --no-redact" ;;
        task) options="--org --project --domain --slice" ;;
        redact) options="--scope --mount --file" ;;
        render) options="--scope --mount --out --mode" ;;
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
