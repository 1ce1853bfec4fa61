// SPDX-License-Identifier: Apache-2.0
#include "output/next_step.h"

#include <algorithm>

namespace coffer {
namespace {

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
    return std::ranges::find(verbs, verb) != verbs.end();
}

bool is_about_secrets(std::string_view verb) {
    return is_one_of(verb, {"get", "set", "rm", "history", "restore", "purge"});
}

bool changes_store(std::string_view verb) {
    return is_one_of(verb, {"set", "rm", "restore", "purge", "rotate", "scope add", "member add", "member rm",
                            "host add", "host rm"});
}

std::string help_of(std::string_view verb) {
    return concat("see `coffer ", verb, verb.empty() ? "" : " ", "--help`");
}

// Empty: there is nothing that would help.
std::string step(const Error& error, std::string_view verb) {
    switch (error.code) {
        case Code::invalid:
            return help_of(verb);
        case Code::not_found:
        case Code::revoked:
            return is_about_secrets(verb) ? "see `coffer ls`" : help_of(verb);
        case Code::not_allowed:
        case Code::no_key:
            // What the policy refuses is explained there already.
            if (verb == "policy explain") return {};
            // A rule of the store, or a role that may not do this; else a file that is another's.
            if (!error.rule.empty() || changes_store(verb)) return "`coffer member ls` says who may do what";
            return "run `coffer doctor`";
        case Code::conflict:
            // Another writer was first; else something is there that would be overwritten.
            return changes_store(verb) || verb == "import" ? "`coffer log` says what was changed and by whom"
                                                           : help_of(verb);
        case Code::tampered:
            if (verb == "verify")
                return "`coffer verify --repair` cuts what does not verify, and nothing else";
            return "run `coffer verify`";
        case Code::unavailable:
        case Code::read_only:
        case Code::limit:
            return "run `coffer doctor`";
        case Code::expired:
        case Code::failed:
            break;
    }
    return {};
}

}  // namespace

std::string with_next_step(const Error& error, std::string_view verb) {
    const bool names_one = error.message.find('`') != std::string::npos;
    const std::string next = names_one ? std::string() : step(error, verb);
    return next.empty() ? error.message : concat(error.message, "; ", next);
}

}  // namespace coffer
