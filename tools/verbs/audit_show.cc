// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <thread>
#include <unordered_set>

#include "access/policy/glob.h"
#include "command.h"
#include "input/audit_lines.h"
#include "input/number_option.h"

namespace coffer {
namespace {

constexpr std::chrono::milliseconds kTick{250};

// A program's name is the caller's to choose, and a terminal obeys what it is shown.
std::string visible(std::string text) {
    for (char& c : text) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    return text;
}

std::string text_of(const Json& record, const char* name) {
    auto member = record.find(name);
    if (member == record.end()) return {};
    return visible(member->is_string() ? member->get<std::string>() : member->dump());
}

std::string join(std::string first, std::string_view between, const std::string& second) {
    if (!first.empty() && !second.empty()) first += between;
    return first += second;
}

std::vector<std::string> row_of(const Json& record) {
    std::string kind = text_of(record, "kind");
    std::vector<std::string> row{text_of(record, "seq"), text_of(record, "time")};
    if (kind == "decision") {
        std::string version = text_of(record, "version");
        row.push_back(concat(text_of(record, "decision"), ' ', text_of(record, "operation")));
        row.push_back(concat(text_of(record, "path"), version.empty() ? "" : " v", version));
        row.push_back(text_of(record, "uid"));
        row.push_back(join(text_of(record, "exe"), " ", text_of(record, "unit")));
        row.push_back(join(text_of(record, "rule"), ": ", text_of(record, "reason")));
    } else if (kind == "repeat") {
        row.push_back(concat("again ", text_of(record, "count"), " times"));
        row.push_back(concat("as record ", text_of(record, "of")));
    } else {
        row.push_back(kind);
        row.push_back(join(text_of(record, "detail"), " ", text_of(record, "previous")));
    }
    return row;
}

class AuditShow final : public Command {
  public:
    AuditShow() : Command("audit show", "Show the records of the audit log, the oldest first") {}

    void add_options(OptionSet& options) override {
        options.add("FILE", files_, "The log, or its rotated files, the oldest first; - is stdin");
        options.add_flag("--denied", denied_, "Refusals only");
        options.add("--path", path_, "Decisions about these secrets: * for a segment, ** for any")
            .type_name("GLOB");
        uid_.add_to(options, "--uid", "Decisions about this user's processes");
        options.add_flag("--follow", follow_, "Go on with what is written from now on");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        if (follow_ && common.json)
            return fail(Code::invalid, "--follow has no end, and --json is one document; give one of them");
        if (path_) {
            COFFER_TRY(glob_, Glob::compile(*path_));
        }
        COFFER_TRY(wanted_uid_, uid_.value());
        COFFER_TRY(auto files, audit_files(common, files_));
        if (!follow_) rows_ = {{"SEQ", "TIME", "WHAT", "PATH", "UID", "BY", "WHY"}};
        std::optional<AuditLines> lines;
        for (const std::string& file : files) {
            COFFER_TRY(lines, AuditLines::open(file));
            COFFER_CHECK(read(*lines, out));
        }
        if (follow_) return follow(*std::move(lines), out);
        out.table(rows_);
        out.document(list_);
        return {};
    }

  private:
    Result<void> read(AuditLines& lines, Output& out) {
        for (;;) {
            COFFER_TRY(auto line, lines.next());
            if (!line) return {};
            Json record = Json::parse(*line, nullptr, false);
            // What is no record is `audit verify`'s to judge.
            if (record.is_object() && is_wanted(record)) show(std::move(record), out);
        }
    }

    // A file that was rotated away is read to its end first: what was written to it before the look at the
    // path is there.
    Result<void> follow(AuditLines lines, Output& out) {
        for (;;) {
            const bool rotated = lines.was_rotated();
            COFFER_CHECK(read(lines, out));
            COFFER_CHECK(out.finish());
            if (rotated) {
                // It may not be there yet.
                if (auto next = AuditLines::open(lines.name())) {
                    lines = *std::move(next);
                    continue;
                }
            }
            std::this_thread::sleep_for(kTick);
        }
    }

    // Counts of repeats go with the decision that they count; notes are shown when all is shown.
    bool is_wanted(const Json& record) {
        const bool all = !denied_ && !glob_ && !wanted_uid_;
        const std::string kind = text_of(record, "kind");
        if (all || kind == "repeat") return all || shown_.contains(text_of(record, "of"));
        if (kind != "decision") return false;
        if (denied_ && text_of(record, "decision") != "deny") return false;
        if (glob_ && !glob_->matches(text_of(record, "path"))) return false;
        if (wanted_uid_ && text_of(record, "uid") != concat(*wanted_uid_)) return false;
        shown_.insert(text_of(record, "seq"));
        return true;
    }

    void show(Json record, Output& out) {
        if (out.json()) {
            list_.push_back(std::move(record));
            return;
        }
        std::vector<std::string> row = row_of(record);
        if (!follow_) {
            rows_.push_back(std::move(row));
            return;
        }
        std::string text;
        for (const std::string& cell : row) text = join(std::move(text), "  ", cell);
        out.line(text);
    }

    std::vector<std::string> files_;
    std::optional<std::string> path_;
    NumberOption uid_;
    bool denied_ = false, follow_ = false;
    std::optional<Glob> glob_;
    std::optional<std::uint64_t> wanted_uid_;
    std::unordered_set<std::string> shown_;
    std::vector<std::vector<std::string>> rows_;
    Json list_ = Json::array();
};

}  // namespace

std::unique_ptr<Command> make_audit_show() {
    return std::make_unique<AuditShow>();
}

}  // namespace coffer
