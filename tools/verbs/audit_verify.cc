// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_chain.h"
#include "command.h"
#include "input/audit_lines.h"

namespace coffer {
namespace {

Json hash_or_null(const std::optional<Hash>& hash) {
    return hash ? Json(hash->hex()) : Json(nullptr);
}

class AuditVerify final : public Command {
  public:
    AuditVerify() : Command("audit verify", "Check the chain of the audit log") {}

    void add_options(OptionSet& options) override {
        options.add("FILE", files_, "The log, or its rotated files, the oldest first; - is stdin");
        options.add("--head", head_, "A last hash that was kept elsewhere: its record has to be there")
            .type_name("HASH");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        std::optional<Hash> anchor;
        if (head_) {
            auto hash = Hash::parse(*head_);
            if (!hash) return wrap(std::move(hash).error(), "--head");
            anchor = *hash;
        }
        COFFER_TRY(auto files, audit_files(common, files_));
        AuditChain chain(anchor);
        for (const std::string& file : files) {
            COFFER_TRY(bool holds, read(file, chain));
            if (!holds) break;
        }
        return report(chain, anchor, files.size(), out);
    }

  private:
    static Result<bool> read(const std::string& file, AuditChain& chain) {
        COFFER_TRY(auto lines, AuditLines::open(file));
        chain.begin_file(file);
        for (;;) {
            COFFER_TRY(auto line, lines.next());
            if (!line) break;
            if (!chain.take(*line)) return false;
        }
        if (!lines.rest().empty() && !chain.take(lines.rest(), false)) return false;
        return chain.end_file();
    }

    static Result<void> report(const AuditChain& chain, const std::optional<Hash>& anchor, std::size_t files,
                               Output& out) {
        const auto& broken = chain.broken();
        std::string problem;
        if (broken)
            problem = concat(broken->file, ":", broken->line, ": ", broken->problem);
        else if (!chain.anchor_found())
            problem = concat("no record has the hash ", anchor->hex(),
                             ": the end was cut off, or the log was written anew");
        print(chain, problem, out);
        Json document{{"ok", problem.empty()},
                      {"files", files},
                      {"records", chain.records()},
                      {"first", chain.first_sequence()},
                      {"last", chain.last_sequence()},
                      {"head", chain.head().hex()},
                      {"follows", hash_or_null(chain.follows())},
                      {"unfinished", chain.unfinished()}};
        if (!problem.empty()) document["problem"] = problem;
        if (broken) {
            document["file"] = broken->file;
            document["line"] = broken->line;
            document["expected"] = hash_or_null(broken->expected);
            document["found"] = hash_or_null(broken->found);
        }
        out.document(document);
        if (problem.empty()) return {};
        COFFER_CHECK(out.finish());
        return fail(Code::tampered, "the audit log does not hold: ", problem);
    }

    static void print(const AuditChain& chain, std::string_view problem, Output& out) {
        if (!problem.empty()) out.line("problem: ", problem);
        if (const auto& broken = chain.broken(); broken && broken->expected) {
            out.line("expected: ", broken->expected->hex());
            out.line("found:    ", broken->found->hex());
        }
        if (chain.follows()) out.line("note: begins after ", chain.follows()->hex(), ", in an earlier file");
        if (chain.unfinished()) out.line("note: the last line is cut short, or is being written");
        out.line(
            counted(chain.records(), "record"), " verified",
            chain.records() > 0 ? concat(", ", chain.first_sequence(), " to ", chain.last_sequence()) : "");
        if (chain.records() > 0) out.line("head ", chain.head().hex());
    }

    std::vector<std::string> files_;
    std::optional<std::string> head_;
};

}  // namespace

std::unique_ptr<Command> make_audit_verify() {
    return std::make_unique<AuditVerify>();
}

}  // namespace coffer
