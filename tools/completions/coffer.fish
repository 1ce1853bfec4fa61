# SPDX-License-Identifier: Apache-2.0
# fish completion for coffer; `coffer completion fish` prints it. Paths are completed a segment at a time by
# `coffer completion paths`, which asks for no passphrase and says nothing where there is no store.

function __coffer_secrets
    coffer completion paths (string unescape -- (commandline -ct)) 2>/dev/null
end

function __coffer_scopes
    coffer completion scopes (string unescape -- (commandline -ct)) 2>/dev/null
end

function __coffer_verb
    __fish_seen_subcommand_from $argv
end

set -l verbs init set get ls rm history restore purge import export log verify scope member host identity rotate audit policy watch render status doctor exec task redact completion
complete -c coffer -f
complete -c coffer -n "not __coffer_verb $verbs" -a init -d 'Make a store, its owner, this host and a configuration'
complete -c coffer -n "not __coffer_verb $verbs" -a set -d 'Seal a value, new or anew'
complete -c coffer -n "not __coffer_verb $verbs" -a get -d "Show a secret's facts, or reveal a masked value"
complete -c coffer -n "not __coffer_verb $verbs" -a ls -d 'List secrets'
complete -c coffer -n "not __coffer_verb $verbs" -a rm -d 'Remove a secret'
complete -c coffer -n "not __coffer_verb $verbs" -a history -d 'Show the versions of a secret'
complete -c coffer -n "not __coffer_verb $verbs" -a restore -d 'Make an earlier version the live one again'
complete -c coffer -n "not __coffer_verb $verbs" -a purge -d 'Destroy the sealed value of a version that is not live'
complete -c coffer -n "not __coffer_verb $verbs" -a import -d 'Seal the secrets of a file or folder'
complete -c coffer -n "not __coffer_verb $verbs" -a export -d 'Write the values of masked secrets'
complete -c coffer -n "not __coffer_verb $verbs" -a log -d 'Show the commits, the newest first'
complete -c coffer -n "not __coffer_verb $verbs" -a verify -d 'Check the whole store anew'
complete -c coffer -n "not __coffer_verb $verbs" -a scope -d 'Scopes and their keys'
complete -c coffer -n "not __coffer_verb $verbs" -a member -d 'Owners, admins and editors'
complete -c coffer -n "not __coffer_verb $verbs" -a host -d 'Hosts, which unseal what they serve'
complete -c coffer -n "not __coffer_verb $verbs" -a identity -d 'Identity files'
complete -c coffer -n "not __coffer_verb $verbs" -a rotate -d 'Make new generations of scope keys'
complete -c coffer -n "not __coffer_verb $verbs" -a audit -d 'The record of who asked for what'
complete -c coffer -n "not __coffer_verb $verbs" -a policy -d 'Rules: which processes may read which secrets'
complete -c coffer -n "not __coffer_verb $verbs" -a watch -d 'Show changes as they come'
complete -c coffer -n "not __coffer_verb $verbs" -a render -d 'Write out a template, with secrets of the mount'
complete -c coffer -n "not __coffer_verb $verbs" -a status -d 'Is the mount served, and how well'
complete -c coffer -n "not __coffer_verb $verbs" -a doctor -d 'What is wrong on this host, and what to do'
complete -c coffer -n "not __coffer_verb $verbs" -a completion -d "Print a shell's completion script"
complete -c coffer -n '__coffer_verb completion' -a 'bash zsh fish'
complete -c coffer -n "not __coffer_verb $verbs" -a exec -d 'Run a program with secrets in its environment'
complete -c coffer -n "not __coffer_verb $verbs" -a task -d 'Run a program in the slice of its project and domain'
complete -c coffer -n "not __coffer_verb $verbs" -a redact -d 'Copy stdin to stdout without secrets'
complete -c coffer -n '__coffer_verb exec redact' -l scope -x -d 'org/project/domain'
complete -c coffer -n '__coffer_verb exec' -l env -x -d 'The variable NAME is this KEY'
complete -c coffer -n '__coffer_verb exec' -l file -x -d 'The variable NAME is the path of this KEY'
complete -c coffer -n '__coffer_verb redact' -l file -r -F -d 'The whole of FILE is a value'
complete -c coffer -n '__coffer_verb exec' -l only -x -d 'Of all secrets, these'
complete -c coffer -n '__coffer_verb exec' -l prefix -x -d "In front of each variable's name"
complete -c coffer -n '__coffer_verb exec' -l pristine -d 'No other variables'
complete -c coffer -n '__coffer_verb exec' -l flyte -d 'As Flyte looks for them'
complete -c coffer -n '__coffer_verb exec' -l flyte-group -x -d 'The group, with --flyte'
complete -c coffer -n '__coffer_verb exec' -l kestra -d 'As Kestra looks for them'
complete -c coffer -n '__coffer_verb exec' -l no-redact -d 'Leave the output alone'
complete -c coffer -n '__coffer_verb task' -l org -x -d 'The organisation'
complete -c coffer -n '__coffer_verb task' -l project -x -d 'The project'
complete -c coffer -n '__coffer_verb task' -l domain -x -d 'The domain'
complete -c coffer -n '__coffer_verb task' -l slice -x -d 'How slices are named'
complete -c coffer -n '__coffer_verb watch' -l since -x -d 'What came after this revision'
complete -c coffer -n '__coffer_verb watch' -l exec -x -d 'Run this for each change'
complete -c coffer -n '__coffer_verb watch' -l reload -d 'Reload the units that on_change names'
complete -c coffer -n '__coffer_verb watch' -l touch -x -a '(__fish_complete_directories)' -d 'Inotify fires there'
complete -c coffer -n '__coffer_verb watch' -l audit -r -F -d 'An audit log'
complete -c coffer -n '__coffer_verb status exec redact render' -l mount -x -a '(__fish_complete_directories)' -d 'Another mount'
complete -c coffer -n '__coffer_verb render' -F
complete -c coffer -n '__coffer_verb render' -l scope -x -d 'Where secrets are looked for first'
complete -c coffer -n '__coffer_verb render' -l out -r -F -d 'Write to this file'
complete -c coffer -n '__coffer_verb render' -l mode -x -d 'Of the file, in octal'
complete -c coffer -n "not __coffer_verb $verbs" -l version -d 'Show the version'

complete -c coffer -s h -l help -d 'Show help'
complete -c coffer -l config -r -F -d 'The configuration'
complete -c coffer -l identity -r -F -d 'Who signs'
complete -c coffer -l passphrase-file -r -F -d "The identity's passphrase"
complete -c coffer -l json -d 'One JSON document on stdout'

complete -c coffer -n '__coffer_verb set get rm history restore purge ls; and not __coffer_verb scope member host' -a '(__coffer_secrets)'
complete -c coffer -n '__coffer_verb init set get ls rm history restore purge rotate scope' -l org -x -d 'The organisation'
complete -c coffer -n '__coffer_verb set get ls rm history restore purge rotate scope' -l project -x -d 'The project'
complete -c coffer -n '__coffer_verb set get ls rm history restore purge rotate scope' -l domain -x -d 'The domain'
complete -c coffer -n '__coffer_verb init' -l dir -r -a '(__fish_complete_directories)' -d 'Keep everything here'
complete -c coffer -n '__coffer_verb init' -l owner -x -d "The owner's name"
complete -c coffer -n '__coffer_verb init' -l host -x -d "This host's name"
complete -c coffer -n '__coffer_verb init' -l join -x -d 'A configuration from a pin'
complete -c coffer -n '__coffer_verb init' -l store -r -F -d 'With --join: the store file'
complete -c coffer -n '__coffer_verb init identity' -l no-passphrase -d 'Leave the key in the clear'
complete -c coffer -n '__coffer_verb set' -l value -x -d 'The value itself (avoid)'
complete -c coffer -n '__coffer_verb set' -l from-file -r -F -d 'Read the value from'
complete -c coffer -n '__coffer_verb set import' -l visibility -x -a 'masked restricted'
complete -c coffer -n '__coffer_verb set' -l expires -x -d '30d, 12h, or 2027-01-31T00:00:00Z'
complete -c coffer -n '__coffer_verb set rm restore' -l if-version -x -d 'Only if N is the last version'
complete -c coffer -n '__coffer_verb import' -F
complete -c coffer -n '__coffer_verb import export' -l scope -x -d 'org/project/domain'
complete -c coffer -n '__coffer_verb import export' -l format -x -a 'dotenv kestra json dir pass'
complete -c coffer -n '__coffer_verb import' -l dry-run -d 'Change nothing'
complete -c coffer -n '__coffer_verb import' -l rename -d 'Put _ for what a KEY may not have'
complete -c coffer -n '__coffer_verb import' -l skip-invalid -d 'Leave out what has no valid KEY'
complete -c coffer -n '__coffer_verb export' -l out -r -d 'The folder or file to make'
complete -c coffer -n '__coffer_verb export' -l mount -x -a '(__fish_complete_directories)' -d 'Through the mount'
complete -c coffer -n '__coffer_verb get' -l version -x -d 'An earlier version'
complete -c coffer -n '__coffer_verb get' -l reveal -d 'Write the value to stdout'
complete -c coffer -n '__coffer_verb ls member host' -l removed -d 'Removed ones as well'
complete -c coffer -n '__coffer_verb ls; and not __coffer_verb scope member host' -l find -x -d 'Those with this text'
complete -c coffer -n '__coffer_verb ls; and not __coffer_verb scope member host' -l expiring -x -d 'Those that expire until then'
complete -c coffer -n '__coffer_verb ls; and not __coffer_verb scope member host' -l names -d 'The paths alone'
complete -c coffer -n '__coffer_verb ls; and not __coffer_verb scope member host' -l tree -d 'As the mount has them'
complete -c coffer -n '__coffer_verb rm; and not __coffer_verb member host' -s r -l recursive -d 'Every secret of a scope'
complete -c coffer -n '__coffer_verb rotate' -a '(__coffer_scopes)'
complete -c coffer -n '__coffer_verb scope; and __coffer_verb add' -a '(__coffer_scopes)'
complete -c coffer -n '__coffer_verb rm purge export member host verify; and not __coffer_verb audit' -s y -l yes -d 'Do not ask'
complete -c coffer -n '__coffer_verb log' -s n -l limit -x -d 'At most N commits'
complete -c coffer -n '__coffer_verb verify; and not __coffer_verb audit' -l repair -d 'Cut what does not verify'
complete -c coffer -n '__coffer_verb verify; and not __coffer_verb audit' -l accept-rollback -x -d 'REVISION:HASH'
complete -c coffer -n '__coffer_verb verify; and not __coffer_verb audit' -l daemon -d "cofferd's state"
complete -c coffer -n '__coffer_verb rotate' -l all -d 'Stale or not'
complete -c coffer -n '__coffer_verb rotate' -l reseal -d 'Seal live values anew'
complete -c coffer -n '__coffer_verb member host' -l pattern -x -d 'org/project/domain'
complete -c coffer -n '__coffer_verb member' -l role -x -a 'owner admin editor'
complete -c coffer -n '__coffer_verb scope; and not __coffer_verb add ls' -a 'add ls'
complete -c coffer -n '__coffer_verb member; and not __coffer_verb add rm ls' -a 'add rm ls'
complete -c coffer -n '__coffer_verb host; and not __coffer_verb add rm ls seal-identity' -a 'add rm ls seal-identity'
complete -c coffer -n '__coffer_verb seal-identity' -F
complete -c coffer -n '__coffer_verb seal-identity' -l key -x -a 'host tpm2 host+tpm2 auto' -d 'What seals it'
complete -c coffer -n '__coffer_verb seal-identity' -l remove-plain -d 'Remove the identity file'
complete -c coffer -n '__coffer_verb identity; and not __coffer_verb new show' -a 'new show'
complete -c coffer -n '__coffer_verb audit; and not __coffer_verb verify show' -a 'verify show'
complete -c coffer -n '__coffer_verb audit' -F
complete -c coffer -n '__coffer_verb audit; and __coffer_verb verify' -l head -x -d 'A last hash that was kept elsewhere'
complete -c coffer -n '__coffer_verb audit; and __coffer_verb show' -l denied -d 'Refusals only'
complete -c coffer -n '__coffer_verb audit; and __coffer_verb show' -l path -x -d 'Decisions about these secrets'
complete -c coffer -n '__coffer_verb audit; and __coffer_verb show' -l uid -x -d 'Decisions about a user'
complete -c coffer -n '__coffer_verb audit; and __coffer_verb show' -l follow -d 'Go on with what is written'
complete -c coffer -n '__coffer_verb new show' -F
complete -c coffer -n '__coffer_verb policy; and not __coffer_verb check explain learn' -a 'check explain learn'
complete -c coffer -n '__coffer_verb check' -l strict -d 'Status 1 for a warning'
complete -c coffer -n '__coffer_verb explain' -l pid -x -a '(__fish_complete_pids)' -d 'The caller is this process'
complete -c coffer -n '__coffer_verb explain' -l as -x -d 'user=NAME,unit=NAME,exe=FILE,...'
complete -c coffer -n '__coffer_verb explain' -l audit -r -F -d 'Explain the refusals of an audit log'
complete -c coffer -n '__coffer_verb explain' -l seq -x -d 'This record alone'
complete -c coffer -n '__coffer_verb explain learn' -l policy -r -F -d 'A policy file or folder'
complete -c coffer -n '__coffer_verb explain; and not __coffer_verb scope member host' -a '(__coffer_secrets)'
complete -c coffer -n '__coffer_verb learn' -l observed -d 'From what was allowed as well'
complete -c coffer -n '__coffer_verb learn' -l widen -x -d 'More KEYs than this become a star'
complete -c coffer -n '__coffer_verb check learn' -F
