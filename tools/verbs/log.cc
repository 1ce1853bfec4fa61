// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "command.h"
#include "input/moment.h"
#include "input/number_option.h"
#include "log/commit.h"
#include "output/operation_text.h"
#include "session.h"

namespace coffer {
namespace {

constexpr std::uint64_t kBatch = 500;

class Log final : public Command {
  public:
    Log() : Command("log", "Show the commits, the newest first: when, by whom, what") {}

    void add_options(OptionSet& options) override {
        limit_.add_to(options, "-n,--limit", "At most N commits");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto limit, limit_.value());
        COFFER_TRY(auto session, Session::read(common, out));
        rows_ = {{"REVISION", "TIME", "BY", "WHAT"}};
        COFFER_CHECK(walk(session, limit.value_or(UINT64_MAX)));
        out.table(rows_);
        out.document(list_);
        return {};
    }

  private:
    // From the verified head backwards: each commit names the hash of the one before it, so that what is
    // shown is what was verified, although the file may have changed since.
    Result<void> walk(Session& session, std::uint64_t limit) {
        Head at = session.view().head();
        while (at.revision > 0 && limit > 0) {
            std::uint64_t count = std::min({kBatch, at.revision, limit});
            COFFER_TRY(auto commits, read_block(session.store().backend(), at.revision - count + 1, count));
            for (; !commits.empty(); commits.pop_back()) {
                const StoredCommit& commit = commits.back();
                if (commit.revision != at.revision || commit_hash(commit.bytes) != at.hash)
                    return fail(Code::tampered, "revision ", at.revision,
                                " is not the commit that was verified; run `coffer verify`");
                COFFER_TRY(auto envelope, parse_envelope(commit.bytes));
                COFFER_TRY(auto body, decode_body(envelope.body));
                show(session, envelope.signer, body, at.hash);
                at = {at.revision - 1, body.previous};
                --limit;
            }
        }
        return {};
    }

    // A backend may give fewer at a time; what is missing shows as a wrong revision above.
    static Result<std::vector<StoredCommit>> read_block(Backend& backend, std::uint64_t from,
                                                        std::uint64_t count) {
        std::vector<StoredCommit> block;
        while (block.size() < count) {
            COFFER_TRY(auto more, backend.read(from + block.size(), count - block.size()));
            if (more.empty())
                return fail(Code::tampered, "revision ", from + block.size(),
                            " is missing from the store; run `coffer verify`");
            std::move(more.begin(), more.end(), std::back_inserter(block));
        }
        return block;
    }

    void show(const Session& session, const SigningPublic& signer, const CommitBody& body, const Hash& hash) {
        const Roster& roster = session.roster();
        const Principal* principal = roster.find_signer(signer);
        std::string who = principal ? principal->name : signer.hex();
        rows_.push_back({concat(body.revision), moment_text(body.time_ms), who,
                         operations_text(body.operations, roster)});
        Json operations = Json::array();
        for (const Operation& operation : body.operations)
            operations.push_back(operation_json(operation, roster));
        list_.push_back({{"revision", body.revision},
                         {"time", moment_text(body.time_ms)},
                         {"time_ms", body.time_ms},
                         {"signer", who},
                         {"hash", hash.hex()},
                         {"operations", std::move(operations)}});
    }

    NumberOption limit_;
    std::vector<std::vector<std::string>> rows_;
    Json list_ = Json::array();
};

}  // namespace

std::unique_ptr<Command> make_log() {
    return std::make_unique<Log>();
}

}  // namespace coffer
