// SPDX-License-Identifier: Apache-2.0
//
// ServedStore: what a daemon serves and whom, but for its mount and its threads: a real store, and two real
// processes, each of which may read something else by the policy. The value of a secret is one byte over and
// over, its mark, so that any piece of it is known wherever it comes to light.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/pipe.h"
#include "serve/gate.h"
#include "serve/key_ring.h"
#include "serve/past_versions.h"
#include "serve/rendered_files.h"
#include "serve/unsealer.h"
#include "serve/worker.h"
#include "support/puppet.h"
#include "support/test_store.h"

namespace coffer::test {

inline constexpr std::string_view kFolder = "acme/checkout/production";

// Who may read a secret by policies 0 and 1: a bit for each caller, and all of them where the rule says that
// others may read through an opener's descriptor.
inline constexpr unsigned kNobody = 0, kSelf = 1, kOther = 2, kBoth = 3;
struct ServedSecret {
    std::string_view key;
    std::size_t size;
    std::array<unsigned, 2> readers;
    bool inherit = false;

    [[nodiscard]] std::uint8_t mark() const;
};
inline constexpr std::array<ServedSecret, 10> kSecrets{{
    {"ALPHA", 41, {kSelf, kOther}},
    {"BRAVO", 64, {kOther, kOther}},
    {"BOTH", 1025, {kBoth, kNobody}},
    {"HIDDEN", 50, {kNobody, kNobody}},
    {"LARGE", 20000, {kSelf, kSelf}},
    {"INHERIT", 30, {kSelf, kNobody}, true},
    {"CACHED", 300, {kSelf, kBoth}},
    {"EXPIRED", 33, {kNobody, kNobody}},  // allowed by the policy, and past its time
    {"GONE", 34, {kNobody, kNobody}},     // allowed likewise, and removed
    {"EMPTY", 0, {kSelf, kOther}},
}};
inline std::uint8_t ServedSecret::mark() const {
    return static_cast<std::uint8_t>(0xc1 + (this - kSecrets.data()));
}

// Rendered files, with the secrets that are in them: who reads one has to be allowed each.
struct ServedTemplate {
    std::string_view name, text;
    std::vector<std::string_view> keys;
};
inline const std::array<ServedTemplate, 3>& templates() {
    static const std::array<ServedTemplate, 3> all{{
        {"app.conf", "a={{ secret('ALPHA') }}\nb={{ secret('BOTH') }}\n", {"ALPHA", "BOTH"}},
        {"secret.conf", "a={{ secret('ALPHA') }}\nh={{ secret('HIDDEN') }}\n", {"ALPHA", "HIDDEN"}},
        {"lost.conf", "g={{ secret('GONE') }}\n", {"GONE"}},
    }};
    return all;
}

inline const ServedSecret* find_secret(std::string_view key) {
    for (const ServedSecret& one : kSecrets)
        if (one.key == key) return &one;
    return nullptr;
}

class ServedStore {
  public:
    ServedStore() {
        // /usr/bin/cat, which ends with this process: then nobody writes to it any more.
        if (other_.act(0) != Puppet::kExecuted) throw std::runtime_error("/usr/bin/cat does not run");
        fill();
        must(keys.learn(store, made_.host));
        must(catalogue.load(store.view()));
        std::vector<TemplateFile> files;
        for (const ServedTemplate& one : templates()) {
            TemplateFile file;
            file.path = must(SecretName::parse(concat(kFolder, '/', one.name)));
            file.source = made_.folder.write(one.name, one.text);
            std::filesystem::permissions(file.source, std::filesystem::perms(0644));
            files.push_back(file);
        }
        must(rendered.load(files));
        for (const auto& finding : rendered.refresh())
            if (finding.error && !finding.part.ends_with("lost.conf"))
                throw std::runtime_error(finding.error->message);
        policies_ = {policy(0), policy(1)};
        worker.scratch = must(Scratch::allocate());
        worker.payloads = must(SqliteLog::open_read_only(made_.path()));
        use_policy(0);
    }

    [[nodiscard]] Requester self() const { return {getpid(), geteuid(), getegid()}; }
    [[nodiscard]] Requester other() const { return {other_.pid(), other_user(), other_user()}; }
    void use_policy(std::size_t number) { gate.set_policy(policies_[number]); }
    [[nodiscard]] const Pin& pin() const { return made_.pin; }
    [[nodiscard]] ByteView watermark_key() const { return made_.host.watermark_key(); }
    // The audit log of a long run would fill the disk. No mark is ever in it.
    void look_at_audit() {
        std::ifstream file(audit_file());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (const ServedSecret& one : kSecrets)
            if (text.find(std::string(4, static_cast<char>(one.mark()))) != text.npos)
                throw std::logic_error("a value is in the audit log");
        std::filesystem::remove(audit_file());
        must(audit->reopen());
    }

  private:
    [[nodiscard]] static uid_t other_user() { return geteuid() == 0 ? 65534 : geteuid(); }
    [[nodiscard]] std::filesystem::path audit_file() const { return made_.folder / "audit.jsonl"; }
    int become_other() {
        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
            return -1;
        if (dup2(line_.read_end.get(), 0) != 0) return -1;
        return execl("/usr/bin/cat", "cat", nullptr);
    }
    void fill() {
        for (const ServedSecret& one : kSecrets) {
            const std::string name = concat(kFolder, '/', one.key);
            const std::string value(one.size, static_cast<char>(one.mark()));
            // Two versions, so that a handle of an earlier daemon may have the first.
            for (int i = 0; i < 2; ++i)
                made_.set(store, name, value, Visibility::masked, one.key == "EXPIRED" ? 1 : 0);
            if (one.key == "GONE")
                must(remove_secret(store, made_.owner, must(SecretName::parse(name)), std::nullopt));
        }
        made_.set(store, "acme/checkout/*/WIDE", "of no interest");
        made_.set(store, "acme/other/staging/ELSEWHERE", "of no interest");
    }
    [[nodiscard]] std::string rule(std::size_t policy, unsigned who, std::string_view more = {}) const {
        const Requester caller = who == kSelf ? self() : other();
        const auto exe = std::filesystem::read_symlink(concat("/proc/", caller.tid, "/exe"));
        std::string secrets;
        for (const ServedSecret& one : kSecrets) {
            const bool taken_back = one.key == "EXPIRED" || one.key == "GONE";
            if (((one.readers[policy] & who) || taken_back) && one.inherit == more.starts_with("inherit") &&
                (one.key == "CACHED") == more.starts_with("cached"))
                secrets += concat(secrets.empty() ? "\"" : ", \"", kFolder, '/', one.key, '"');
        }
        if (secrets.empty()) return {};
        return concat("[[rule]]\nname = \"", who, ' ', more, "\"\nsecrets = [", secrets,
                      "]\nuid = ", caller.uid, "\nexe = \"", exe.string(), "\"\n", more, '\n');
    }
    [[nodiscard]] std::shared_ptr<const Policy> policy(std::size_t number) const {
        std::string text;
        for (unsigned who : {kSelf, kOther})
            for (std::string_view more : {"", "inherit = true", "cached = true"})
                text += rule(number, who, more);
        const PolicySource source{"fuzz.toml", text};
        return must(Policy::parse({&source, 1}));
    }

    TestStore made_;
    Pipe line_ = must(Pipe::make());
    Puppet other_{{[this] { return become_other(); }}};
    std::array<std::shared_ptr<const Policy>, 2> policies_;

  public:
    VerifiedStore store = must(made_.open("daemon"));
    Catalogue catalogue;
    KeyRing keys;
    Status status;
    std::unique_ptr<Attestor> attestor = must(Attestor::create(AttestMethod::automatic));
    std::unique_ptr<AuditLog> audit = must(AuditLog::open({audit_file(), {}}));
    Gate gate{*attestor, *audit, status, {Denial::hide, true, std::nullopt, std::nullopt, geteuid()}};
    Unsealer unsealer{keys, pin().store, 4};  // fewer than there are secrets, so that some are derived again
    PastVersions past_versions{made_.folder / "daemon" / kViewFile, pin(), catalogue};
    RenderedFiles rendered{catalogue};
    Worker worker;
};

}  // namespace coffer::test
