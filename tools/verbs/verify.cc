// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "input/number_option.h"
#include "input/prompt.h"
#include "inspection.h"
#include "keys/identity_file.h"
#include "names/name.h"
#include "session.h"

namespace coffer {
namespace {

// "REVISION:HASH", as the message about a rollback prints it.
Result<Head> parse_head(std::string_view text) {
    std::size_t colon = text.find(':');
    if (colon == text.npos)
        return fail(Code::invalid, "expected --accept-rollback REVISION:HASH, found \"", printable(text),
                    '"');
    Head head;
    COFFER_TRY(head.revision, parse_number("the revision", text.substr(0, colon)));
    COFFER_TRY(head.hash, Hash::parse(text.substr(colon + 1)));
    return head;
}

class Verify final : public Command {
  public:
    Verify() : Command("verify", "Check the whole store anew, every commit and every payload") {}

    void add_options(OptionSet& options) override {
        auto repair = options.add_flag("--repair", repair_, "Cut the commits at the end that do not verify");
        options.add("--accept-rollback", accept_, "Believe an older head again, after restoring a backup")
            .type_name("REVISION:HASH")
            .excludes(repair);
        options.add_flag("--daemon", daemon_, "With --accept-rollback: for cofferd's state, not the tool's");
        options.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto config, find_and_load_config(common));
        if (daemon_ && !accept_) return fail(Code::invalid, "--daemon goes with --accept-rollback");
        if (accept_) return accept(config, out);
        return repair_ ? repair(config, out) : look(config, out);
    }

  private:
    Result<void> look(const Config& config, Output& out) const {
        COFFER_TRY(auto backend, open_for_reading(config));
        COFFER_TRY(auto found, inspect(*backend, config.pin));
        return report(config, std::move(found), out);
    }

    Result<void> repair(const Config& config, Output& out) const {
        COFFER_TRY(auto backend, open_for_writing(config));
        COFFER_TRY(auto found, inspect(*backend, config.pin));
        if (found.good.revision == 0)
            return fail(Code::tampered, "not even revision 1 verifies (", found.broken->message,
                        "): nothing would be left; put a good copy of the store back");
        if (found.broken) {
            COFFER_CHECK(confirm(concat("Revision ", found.good.revision + 1, " does not verify (",
                                        found.broken->message, "). Cut it and everything after it?"),
                                 yes_));
            // The answer may have taken long; what is cut is what does not verify now.
            COFFER_TRY(found, inspect(*backend, config.pin));
            if (found.broken) {
                COFFER_CHECK(backend->cut_after(found.good.revision));
                out.note("cut revision ", found.good.revision + 1, " to ", found.end);
            }
            COFFER_TRY(found, inspect(*backend, config.pin));
        }
        for (const auto& hashes : {found.leftovers, found.orphans}) {
            for (const Hash& hash : hashes) COFFER_CHECK(backend->drop_payload(hash));
        }
        COFFER_TRY(found, inspect(*backend, config.pin));
        return report(config, std::move(found), out);
    }

    Result<void> accept(const Config& config, Output& out) const {
        COFFER_TRY(auto head, parse_head(*accept_));
        StoreOptions options;
        options.pin = config.pin;
        std::optional<Identity> host;
        if (daemon_) {
            options.state_dir = config.state / "daemon";
            COFFER_TRY(host, load_identity(config.host_identity, [] {
                           return Result<SecretBuffer>(
                               fail(Code::invalid, "a host's identity is not under a passphrase"));
                       }));
            options.watermark_identity = &*host;
        } else {
            COFFER_TRY(options.state_dir, tool_state_dir(config));
        }
        COFFER_CHECK(
            confirm(concat("Believe revision ", head.revision, " although a newer one was seen?"), yes_));
        COFFER_TRY(auto backend, open_for_reading(config));
        COFFER_TRY(auto found, inspect(*backend, config.pin));
        if (head.revision > found.good.revision && found.broken)
            return fail(Code::tampered, "revision ", found.good.revision + 1, " does not verify (",
                        found.broken->message, "); only a head that verifies can be accepted");
        COFFER_CHECK(VerifiedStore::accept_rollback(*backend, options, head));
        out.line("the watermark is at revision ", head.revision, " now");
        out.document({{"revision", head.revision}, {"hash", head.hash.hex()}});
        return {};
    }

    // The watermark, and the view that was kept: does this user's memory of the store agree with it?
    static Result<void> check_memory(const Config& config, Inspection& found) {
        StoreOptions options;
        options.pin = config.pin;
        COFFER_TRY(options.state_dir, tool_state_dir(config));
        COFFER_TRY(auto backend, open_for_reading(config));
        auto store = VerifiedStore::open(std::move(backend), std::move(options));
        if (store) return {};
        if (store.error().code != Code::tampered) return tl::make_unexpected(std::move(store).error());
        found.problems.push_back(std::move(store).error().message);
        return {};
    }

    static Result<void> report(const Config& config, Inspection found, Output& out) {
        COFFER_CHECK(check_memory(config, found));
        if (found.broken) {
            std::string rule = found.broken->rule.empty() ? "" : concat(" [", found.broken->rule, ']');
            found.problems.insert(found.problems.begin(),
                                  concat("revision ", found.good.revision + 1,
                                         " does not verify: ", found.broken->message, rule));
        }
        for (const std::string& problem : found.problems) out.line("problem: ", problem);
        // Behind a broken commit, what its payloads are cannot be known.
        std::size_t orphans = found.broken ? 0 : found.orphans.size();
        if (orphans > 0)
            out.line("note: ", counted(orphans, "payload"),
                     " that no commit names; harmless, --repair removes them");
        out.line("revision ", found.good.revision, " (", found.good.hash.hex(), ")");
        out.line(counted(found.good.revision, "commit"), ", ", counted(found.secrets, "secret"), ", ",
                 counted(found.versions, "version"), ", ", counted(found.payloads, "payload"), " verified");
        out.document({{"ok", found.problems.empty()},
                      {"revision", found.good.revision},
                      {"hash", found.good.hash.hex()},
                      {"stored_revision", found.end},
                      {"secrets", found.secrets},
                      {"versions", found.versions},
                      {"payloads", found.payloads},
                      {"orphans", orphans},
                      {"problems", found.problems}});
        if (found.problems.empty()) return {};
        COFFER_CHECK(out.finish());
        return fail(Code::tampered, "the store does not hold: ", counted(found.problems.size(), "problem"),
                    "; the first: ", found.problems.front());
    }

    bool repair_ = false, yes_ = false, daemon_ = false;
    std::optional<std::string> accept_;
};

}  // namespace

std::unique_ptr<Command> make_verify() {
    return std::make_unique<Verify>();
}

}  // namespace coffer
