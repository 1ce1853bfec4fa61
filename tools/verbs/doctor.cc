// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <utility>

#include "access/attest/attest.h"
#include "access/policy/policy_folder.h"
#include "access/policy/policy_rule.h"
#include "command.h"
#include "host/host_service.h"
#include "host/served_mount.h"
#include "keys/identity_file.h"
#include "service/stored_log.h"
#include "session.h"

namespace coffer {
namespace {

using State = ServedMount::State;

// What one look has found, and what to do about it.
struct Finding {
    enum class Weight { good, note, problem };
    Weight weight = Weight::good;
    std::string found, advice;
};

Finding good(std::string found) {
    return {Finding::Weight::good, std::move(found), {}};
}
Finding note(std::string found, std::string advice) {
    return {Finding::Weight::note, std::move(found), std::move(advice)};
}
Finding problem(std::string found, std::string advice) {
    return {Finding::Weight::problem, std::move(found), std::move(advice)};
}

std::string_view to_text(Finding::Weight weight) {
    return weight == Finding::Weight::good ? "ok" : weight == Finding::Weight::note ? "note" : "PROBLEM";
}

// ---- the host

Finding look_at_fuse() {
    struct stat status {};
    if (::stat("/dev/fuse", &status) != 0 || !S_ISCHR(status.st_mode))
        return problem("there is no /dev/fuse",
                       "load the kernel's fuse module, or give the container the device");
    if (::access("/dev/fuse", R_OK | W_OK) != 0)
        return problem("this user may not open /dev/fuse", "run `chmod 666 /dev/fuse` as root, as udev does");
    return good("/dev/fuse is there");
}

// What mounts for a user without the right to mount.
Finding look_at_fusermount() {
    struct stat status {};
    if (::stat("/usr/bin/fusermount3", &status) != 0)
        return problem("there is no /usr/bin/fusermount3, which mounts for ordinary users",
                       "install the package fuse3");
    if ((status.st_mode & S_ISUID) == 0 || status.st_uid != 0)
        return problem("/usr/bin/fusermount3 is not setuid root, so that it cannot mount",
                       "install the package fuse3 anew");
    return good("fusermount3 mounts for this user");
}

// How this user's daemon is started.
std::string start_daemon() {
    return ::geteuid() == 0 ? "start cofferd" : "start cofferd: `systemctl --user start cofferd`";
}

Finding look_at_attestation() {
    if (Attestor::create(AttestMethod::pidfd)) return good("callers are identified by pidfd");
    return note("this kernel has no PIDFD_GET_INFO: callers are identified through /proc",
                "nothing has to be done; each request costs some 20 us more than on Linux 6.13 or later");
}

// FUSE_NOTIFY_RESEND came with Linux 6.9, and no system call tells whether it is there.
Finding look_at_resending() {
    utsname kernel{};
    (void)::uname(&kernel);
    const char *at = kernel.release, *end = at + std::strlen(at);
    std::array<unsigned, 2> version{};  // "6.9.7-amd64": 6, 9
    for (unsigned& part : version) {
        at = std::from_chars(at, end, part).ptr;
        if (at != end) ++at;
    }
    if (version >= std::array{6u, 9u})
        return good("the kernel sends again what a killed daemon has left unanswered");
    return note(concat("Linux ", kernel.release, " does not send again what a killed daemon has left"),
                "nothing has to be done: a kill of cofferd fails the reads that it was at, a restart none; "
                "Linux 6.9 or later loses none");
}

Finding look_at_locked_memory(const Config& config) {
    const std::uint64_t needed = config.locked_bytes_needed();
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_max == RLIM_INFINITY || ::geteuid() == 0)
        return good("locked memory is not limited for this user");
    if (limit.rlim_max >= needed) return good(concat("locked memory: ", limit.rlim_max >> 10, " KiB"));
    return problem(
        concat("this user may lock ", limit.rlim_max >> 10, " KiB, a daemon of its own wants ", needed >> 10),
        "raise it (LimitMEMLOCK=, limits.conf(5)), or lower cached_versions");
}

// ---- what the configuration names

Finding look_at_policy(const Config& config) {
    auto policy = load_policy_folder(config.policy);
    if (!policy && policy.error().code == Code::not_allowed)
        return note(policy.error().message, "look again as root, or as the daemon's user");
    if (!policy) return problem(policy.error().message, "run `coffer policy check`");
    const std::size_t rules = (*policy)->rules().size();
    if (rules == 0)
        return note("the policy has no rule: nobody reads anything", "write one: coffer-policy(5)");
    return good(
        concat("the policy parses: ", counted(rules, "rule"), "; `coffer policy check` looks closer"));
}

Finding look_at_host(const Config& config, Session* session) {
    if (::access(config.host_identity.c_str(), F_OK) != 0 && ::access(kSealedIdentity, F_OK) == 0)
        return good(concat("the host's identity is sealed in ", kSealedIdentity));
    auto recipient = load_recipient(config.host_identity);
    if (!recipient &&
        (recipient.error().code == Code::not_allowed || ::access(config.host_identity.c_str(), R_OK) != 0))
        return note(concat("the host identity ", config.host_identity.native(),
                           " cannot be read: ", recipient.error().message),
                    "look again as root, or as the daemon's user");
    if (!recipient)
        return problem(recipient.error().message, "make one with `coffer init --join` on this host");
    if (!session)
        return note("the host identity is there; the store is not, to compare it with", "see above");
    auto host = session->roster().find_host(recipient->id());
    if (!host) return problem(host.error().message, "let host_identity name the identity of a living host");
    return good(concat("the host is ", (*host)->name, ", for ", (*host)->pattern.text()));
}

// Only who writes needs it.
Finding look_at_service(const Config& config) {
    auto service = StoredLog::connect(config.store_socket);
    if (!service && service.error().code == Code::not_allowed)
        return note(service.error().message, "needed for changing the store, and for nothing else");
    if (!service) return problem(service.error().message, "start coffer-stored: coffer-stored(8)");
    if ((*service)->store_file() != config.store.native())
        return problem(concat("coffer-stored writes ", (*service)->store_file(), ", the configuration names ",
                              config.store.native()),
                       "correct `store` or `store_socket`");
    return good(concat("coffer-stored listens at ", config.store_socket.native()));
}

Finding look_at_audit(const Config& config) {
    if (config.audit_file.empty()) return good("the audit goes to the journal alone");
    const std::filesystem::path folder = config.audit_file.parent_path();
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0)
        return problem(concat("the folder of the audit log, ", folder.native(), ": ", errno_text()),
                       "make it, owned by the daemon's user");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return problem(concat("others can write in ", folder.native(), ", the folder of the audit log"),
                       concat("run `chmod go-w ", folder.native(), '`'));
    return good(concat("the audit log is ", config.audit_file.native()));
}

// ---- the mount

std::vector<std::pair<std::string, Finding>> look_at_daemon(const Config& config, Session* session) {
    if (config.mount.empty())
        return {{"mount",
                 note("the configuration names no mount", "set `mount`, or start cofferd with --mount")}};
    auto found = look_at_mount(config.mount);
    if (!found) return {{"mount", problem(found.error().message, "")}};
    const std::string& mount = config.mount.native();
    switch (found->state) {
        case State::absent:
            return {{"mount", problem(concat("nothing is mounted on ", mount), start_daemon())}};
        case State::foreign:
            return {{"mount", problem(concat("a file system of type ", found->type, " is mounted on ", mount),
                                      "unmount it, or set another `mount`")}};
        case State::silent:
            return {{"mount", problem(concat(mount, " is mounted and nobody answers"),
                                      concat("start cofferd; a mount that coffer-mount does not hold is "
                                             "taken away before, by: fusermount3 -u -z ",
                                             mount))}};
        case State::closed:
            return {
                {"mount", note(concat(mount, " is mounted; what cofferd says of itself is not for this user"),
                               "look again as root, or as a member of the admin group")}};
        case State::serving:
            break;
    }
    std::vector<std::pair<std::string, Finding>> out{{"mount", good(concat(mount, " is served"))}};
    for (const std::string& one : found->problems())
        out.emplace_back("daemon", problem(one, "see the log of cofferd"));
    const std::uint64_t served = found->report->value("revision", std::uint64_t{0});
    const std::uint64_t head = session ? session->view().head().revision : served;
    if (served < head)
        out.emplace_back("daemon", problem(concat("revision ", served, " is served, the store has ", head),
                                           "look again; if it stays so, see the log of cofferd"));
    return out;
}

class Doctor final : public Command {
  public:
    Doctor() : Command("doctor", "Look at everything that serving takes, and say what to do") {}

    void add_options(OptionSet&) override {}

    Result<void> run(const CommonOptions& common, Output& out) override {
        add("fuse", look_at_fuse());
        if (::geteuid() != 0) add("fusermount3", look_at_fusermount());
        add("callers", look_at_attestation());
        add("kernel", look_at_resending());
        auto config = find_and_load_config(common);
        if (!config) {
            add("configuration",
                problem(config.error().message, "make one with `coffer init`, or name it with --config"));
            return report(out);
        }
        add("configuration", good(config->file));
        add("memory", look_at_locked_memory(*config));
        auto session = Session::read(common, out);
        Session* store = session ? &*session : nullptr;
        add("store", store
                         ? good(concat(config->store.native(), ", revision ", store->view().head().revision))
                         : problem(session.error().message, "run `coffer verify`"));
        if (!config->store_socket.empty()) add("service", look_at_service(*config));
        add("host", look_at_host(*config, store));
        add("policy", look_at_policy(*config));
        add("audit", look_at_audit(*config));
        for (auto& [what, finding] : look_at_daemon(*config, store)) add(std::move(what), std::move(finding));
        return report(out);
    }

  private:
    void add(std::string what, Finding finding) {
        findings_.emplace_back(std::move(what), std::move(finding));
    }

    Result<void> report(Output& out) const {
        Json list = Json::array();
        std::size_t problems = 0;
        for (const auto& [what, one] : findings_) {
            problems += one.weight == Finding::Weight::problem;
            out.line(to_text(one.weight), "  ", what, ": ", one.found);
            if (!one.advice.empty()) out.line("    ", one.advice);
            list.push_back({{"what", what},
                            {"weight", to_text(one.weight)},
                            {"found", one.found},
                            {"advice", one.advice}});
        }
        out.document({{"ok", problems == 0}, {"findings", list}});
        if (problems == 0) return {};
        COFFER_CHECK(out.finish());
        return fail(Code::failed, counted(problems, "problem"));
    }

    std::vector<std::pair<std::string, Finding>> findings_;
};

}  // namespace

std::unique_ptr<Command> make_doctor() {
    return std::make_unique<Doctor>();
}

}  // namespace coffer
