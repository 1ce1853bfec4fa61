// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_line.h"

#include <charconv>
#include <ctime>

#include "keys/hash.h"

namespace coffer {
namespace {

constexpr std::string_view kHashMember = ",\"hash\":\"";
constexpr std::string_view kSequenceMember = "{\"seq\":";

// RFC 8259: quotes, backslashes and control characters are escaped; a byte that is not ASCII becomes \u00XX,
// so that a path that is no UTF-8 still makes a valid line.
void append_string(std::string& out, std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += '"';
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte >= 0x20 && byte < 0x7f) {
            out += c;
        } else {
            out += "\\u00";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    out += '"';
}

void member(std::string& out, std::string_view name, std::string_view text) {
    out += ",\"";
    out += name;
    out += "\":";
    append_string(out, text);
}

void member(std::string& out, std::string_view name, std::integral auto number) {
    out += ",\"";
    out += name;
    out += "\":";
    detail::append_part(out, number);
}

void optional_member(std::string& out, std::string_view name, std::string_view text) {
    if (!text.empty()) member(out, name, text);
}

// "2026-01-31T12:00:00.123Z"
std::string rfc3339(AuditTime time) {
    using namespace std::chrono;
    auto since = time.time_since_epoch();
    std::time_t whole = static_cast<std::time_t>(floor<seconds>(since).count());
    auto millis = static_cast<int>(floor<milliseconds>(since).count() - whole * 1000);
    std::tm parts{};
    gmtime_r(&whole, &parts);
    char text[32];
    std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string out(text, size);
    out += '.';
    out += static_cast<char>('0' + millis / 100);
    out += static_cast<char>('0' + millis / 10 % 10);
    out += static_cast<char>('0' + millis % 10);
    return out + 'Z';
}

std::string start_line(std::uint64_t sequence, AuditTime time, std::string_view kind) {
    std::string out = concat(kSequenceMember, sequence);
    out.reserve(512);
    member(out, "time", rfc3339(time));
    member(out, "kind", kind);
    return out;
}

}  // namespace

std::string decision_line(std::uint64_t sequence, AuditTime time, const Caller& caller,
                          const AuditEvent& event) {
    std::string out = start_line(sequence, time, "decision");
    member(out, "decision", event.allow ? "allow" : "deny");
    member(out, "operation", event.operation);
    member(out, "path", event.path);
    if (event.version != 0) member(out, "version", event.version);
    optional_member(out, "scope", event.scope);
    optional_member(out, "rule", event.rule);
    optional_member(out, "reason", event.reason);
    if (event.resent) out += ",\"resent\":true";
    member(out, "tid", caller.tid);
    member(out, "tgid", caller.tgid);
    member(out, "uid", caller.ids.fsuid);
    member(out, "gid", caller.ids.fsgid);
    optional_member(out, "exe", caller.exe.path);
    if (caller.sha256) member(out, "sha256", caller.sha256->hex());
    optional_member(out, "unit", caller.cgroup.unit);
    optional_member(out, "user_unit", caller.cgroup.user_unit);
    optional_member(out, "invocation", caller.invocation_id);
    return out;
}

std::string repeat_line(std::uint64_t sequence, AuditTime time, std::uint64_t first, std::uint64_t count) {
    std::string out = start_line(sequence, time, "repeat");
    member(out, "of", first);
    member(out, "count", count);
    return out;
}

std::string note_line(std::uint64_t sequence, AuditTime time, std::string_view kind,
                      std::string_view detail) {
    std::string out = start_line(sequence, time, kind);
    member(out, "detail", detail);
    return out;
}

std::string continued_line(std::uint64_t sequence, AuditTime time, const Hash& previous) {
    std::string out = start_line(sequence, time, "continued");
    member(out, "previous", previous.hex());
    return out;
}

std::optional<Hash> continued_from(std::string_view line) {
    constexpr std::string_view kBefore = ",\"kind\":\"continued\",\"previous\":\"";
    constexpr std::size_t kDigits = 2 * Hash::kSize;
    if (line.size() < kBefore.size() + kDigits + 1 || !line.ends_with('"')) return std::nullopt;
    std::string_view tail = line.substr(line.size() - kBefore.size() - kDigits - 1);
    Hash hash;
    if (!tail.starts_with(kBefore) || !from_hex(tail.substr(kBefore.size(), kDigits), hash.bytes))
        return std::nullopt;
    return hash;
}

std::string_view kind_of(std::string_view line) {
    // The first one: only the number and the time come before it, and no string of a caller's.
    constexpr std::string_view kMember = ",\"kind\":\"";
    std::size_t at = line.find(kMember);
    if (at == line.npos) return {};
    line.remove_prefix(at + kMember.size());
    return line.substr(0, line.find('"'));
}

Hash audit_hash(const Hash& previous, std::string_view line) {
    return hash256("coffer/audit/1", {previous.view(), as_bytes(line)});
}

std::string sealed_line(std::string line, const Hash& hash) {
    line += kHashMember;
    line += hash.hex();
    line += "\"}\n";
    return line;
}

Result<AuditLink> read_link(std::string_view line) {
    constexpr std::size_t kTail = 9 + 64 + 2;  // ,"hash":" then 64 digits then "}
    static_assert(kHashMember.size() == 9);
    bool good = line.size() > kTail && line.ends_with("\"}") && line.starts_with(kSequenceMember) &&
                line.substr(line.size() - kTail).starts_with(kHashMember);
    AuditLink link;
    if (good) {
        link.body = line.substr(0, line.size() - kTail);
        good = from_hex(line.substr(line.size() - 66, 64), link.hash.bytes);
    }
    if (good) {
        std::string_view digits = link.body.substr(kSequenceMember.size());
        auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), link.sequence);
        good = error == std::errc() && end != digits.data() + digits.size() && *end == ',';
    }
    if (!good) return fail(Code::tampered, "not a line of an audit log");
    return link;
}

}  // namespace coffer
