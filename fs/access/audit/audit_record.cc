// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_record.h"

#include <map>
#include <nlohmann/json.hpp>

namespace coffer {
namespace {

constexpr std::size_t kMaxLine = 64u << 10;  // more than any line has

// A line is written byte for byte as U+0000 to U+00FF; JSON hands that out as UTF-8.
std::optional<std::string> bytes_of(std::string_view utf8) {
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        auto byte = static_cast<unsigned char>(utf8[i]);
        if (byte < 0x80) {
            out += utf8[i];
        } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < utf8.size()) {
            out += static_cast<char>(((byte & 3) << 6) | (static_cast<unsigned char>(utf8[++i]) & 0x3f));
        } else {
            return std::nullopt;
        }
    }
    return out;
}

// Takes the members of a line; the first one that is not as it should be makes the whole bad.
class Members {
  public:
    explicit Members(const nlohmann::json& object) : object_(object) {}

    std::string text(const char* name, bool required = false) {
        auto found = object_.find(name);
        if (found == object_.end()) {
            good_ = good_ && !required;
            return {};
        }
        auto bytes = found->is_string() ? bytes_of(found->get_ref<const std::string&>()) : std::nullopt;
        good_ = good_ && bytes;
        return std::move(bytes).value_or(std::string());
    }
    template <class Number>
    Number number(const char* name, bool required = false) {
        auto found = object_.find(name);
        if (found == object_.end()) {
            good_ = good_ && !required;
            return {};
        }
        bool fits = found->is_number_unsigned() &&
                    std::in_range<Number>(found->get_ref<const nlohmann::json::number_unsigned_t&>());
        good_ = good_ && fits;
        return fits ? found->get<Number>() : Number{};
    }
    [[nodiscard]] bool good() const { return good_; }
    void bad() { good_ = false; }

  private:
    const nlohmann::json& object_;
    bool good_ = true;
};

Failure not_a_line() {
    return fail(Code::invalid, "not a line of an audit log");
}

Result<nlohmann::json> parse_line(std::string_view line) {
    if (line.size() > kMaxLine) return not_a_line();
    auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) return not_a_line();
    return object;
}

void read_caller(Members& members, Caller& caller) {
    caller.tid = members.number<pid_t>("tid", true);
    caller.tgid = members.number<pid_t>("tgid", true);
    const uid_t uid = members.number<uid_t>("uid", true);
    const gid_t gid = members.number<gid_t>("gid", true);
    caller.ids = {uid, uid, uid, uid, gid, gid, gid, gid};
    caller.exe.path = members.text("exe");
    caller.cgroup.unit = members.text("unit");
    caller.cgroup.user_unit = members.text("user_unit");
    caller.invocation_id = members.text("invocation");
    if (std::string hex = members.text("sha256"); !hex.empty()) {
        if (auto hash = Hash::parse(hex))
            caller.sha256 = *hash;
        else
            members.bad();
    }
}

Result<AuditRecord> read_decision(Members& members) {
    AuditRecord record;
    record.sequence = members.number<std::uint64_t>("seq", true);
    record.time = record.last_time = members.text("time", true);
    std::string decision = members.text("decision", true);
    record.allow = decision == "allow";
    record.operation = members.text("operation", true);
    record.path = members.text("path", true);
    record.version = members.number<std::uint64_t>("version");
    record.scope = members.text("scope");
    record.rule = members.text("rule");
    record.reason = members.text("reason");
    read_caller(members, record.caller);
    if (!members.good() || (!record.allow && decision != "deny")) return not_a_line();
    return record;
}

struct Repeat {
    std::uint64_t of = 0, count = 0;
    std::string time;
};

Result<Repeat> read_repeat(Members& members) {
    Repeat repeat{members.number<std::uint64_t>("of", true), members.number<std::uint64_t>("count", true),
                  members.text("time", true)};
    if (!members.good()) return not_a_line();
    return repeat;
}

}  // namespace

Result<std::optional<AuditRecord>> read_audit_record(std::string_view line) {
    COFFER_TRY(auto object, parse_line(line));
    Members members(object);
    if (members.text("kind", true) != "decision" || !members.good()) {
        if (!members.good()) return not_a_line();
        return std::optional<AuditRecord>();
    }
    COFFER_TRY(auto record, read_decision(members));
    return std::optional(std::move(record));
}

Result<std::vector<AuditRecord>> read_audit_records(std::string_view text) {
    std::vector<AuditRecord> records;
    std::map<std::uint64_t, std::size_t> by_sequence;
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        auto object = parse_line(line);
        // Cut short by a crash or a full disk: the next line says so, and the chain proves it.
        if (!object && text.substr(0, text.find('\n')).find("\"kind\":\"torn\"") != text.npos) continue;
        if (!object) return wrap(std::move(object).error(), "line ", number);
        Members members(*object);
        std::string kind = members.text("kind", true);
        if (kind == "decision") {
            auto record = read_decision(members);
            if (!record) return wrap(std::move(record).error(), "line ", number);
            by_sequence.insert_or_assign(record->sequence, records.size());
            records.push_back(*std::move(record));
        } else if (kind == "repeat") {
            auto repeat = read_repeat(members);
            if (!repeat) return wrap(std::move(repeat).error(), "line ", number);
            // The decision may stand in the file before this one.
            auto found = by_sequence.find(repeat->of);
            if (found == by_sequence.end()) continue;
            records[found->second].times += repeat->count;
            records[found->second].last_time = repeat->time;
        }
    }
    return records;
}

}  // namespace coffer
