// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_journal.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "base/socket_address.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr timeval kPatience{2, 0};

Failure unreachable(const std::filesystem::path& path, int error) {
    return fail(Code::unavailable, "cannot write to the journal at ", path.native(), ": ",
                error == EAGAIN ? "it takes nothing" : errno_text(error));
}

// syslog's levels, as PRIORITY has them.
constexpr int kWarning = 4, kNotice = 5, kInfo = 6;

JournalEntry start_entry(std::string_view kind, int priority, std::string_view message) {
    JournalEntry entry;
    entry.add("MESSAGE", message);
    entry.add("MESSAGE_ID", kAuditMessageId);
    entry.add("PRIORITY", priority);
    entry.add("SYSLOG_IDENTIFIER", "cofferd");
    entry.add("COFFER_KIND", kind);
    return entry;
}

// "deny open acme/checkout/production/KEY to uid 1001, /usr/bin/cat, checkout.service: no rule allows it"
std::string message_of(const Caller& caller, const AuditEvent& event) {
    std::string out = concat(event.allow ? "allow " : "deny ", event.operation, ' ', event.path, " to uid ",
                             caller.ids.fsuid);
    if (!caller.exe.path.empty()) out += concat(", ", printable(caller.exe.path));
    if (!caller.cgroup.unit.empty()) out += concat(", ", printable(caller.cgroup.unit));
    if (!event.reason.empty()) out += concat(": ", event.reason);
    if (!event.rule.empty()) out += concat(" by rule ", event.rule);
    return out;
}

}  // namespace

// A value with a line feed in it has its size in front, 64 bits little-endian, so that it cannot pose as more
// fields: a program's name is the caller's to choose.
void JournalEntry::add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    datagram_ += name;
    if (value.find('\n') == value.npos) {
        datagram_ += '=';
    } else {
        ByteWriter size;
        size.u64(value.size());
        datagram_ += '\n';
        datagram_ += as_text(size.bytes());
    }
    datagram_ += value;
    datagram_ += '\n';
}

JournalEntry decision_entry(const Caller& caller, const AuditEvent& event) {
    JournalEntry entry = start_entry("decision", event.allow ? kInfo : kNotice, message_of(caller, event));
    entry.add("COFFER_DECISION", event.allow ? "allow" : "deny");
    entry.add("COFFER_OPERATION", event.operation);
    entry.add("COFFER_PATH", event.path);
    if (event.version != 0) entry.add("COFFER_VERSION", event.version);
    entry.add("COFFER_SCOPE", event.scope);
    entry.add("COFFER_RULE", event.rule);
    entry.add("COFFER_REASON", event.reason);
    if (event.resent) entry.add("COFFER_RESENT", "true");
    entry.add("COFFER_TID", caller.tid);
    entry.add("COFFER_TGID", caller.tgid);
    entry.add("COFFER_UID", caller.ids.fsuid);
    entry.add("COFFER_GID", caller.ids.fsgid);
    entry.add("COFFER_EXE", caller.exe.path);
    if (caller.sha256) entry.add("COFFER_SHA256", caller.sha256->hex());
    entry.add("COFFER_UNIT", caller.cgroup.unit);
    entry.add("COFFER_USER_UNIT", caller.cgroup.user_unit);
    entry.add("COFFER_INVOCATION_ID", caller.invocation_id);
    return entry;
}

JournalEntry repeat_entry(std::uint64_t first, std::uint64_t count) {
    JournalEntry entry =
        start_entry("repeat", kInfo, concat("the decision of record ", first, " again, ", count, " times"));
    entry.add("COFFER_OF", first);
    entry.add("COFFER_COUNT", count);
    return entry;
}

JournalEntry note_entry(std::string_view kind, std::string_view detail) {
    JournalEntry entry =
        start_entry(kind, kind == "alarm" ? kWarning : kInfo, concat("audit: ", kind, ": ", detail));
    entry.add("COFFER_DETAIL", detail);
    return entry;
}

void add_chain(JournalEntry& entry, std::uint64_t sequence, const Hash& hash, std::string_view line) {
    entry.add("COFFER_SEQ", sequence);
    entry.add("COFFER_HASH", hash.hex());
    entry.add("COFFER_RECORD", line.substr(0, line.find('\n')));
}

Result<AuditJournal> AuditJournal::open(const std::filesystem::path& socket) {
    AuditJournal out;
    out.path_ = socket;
    COFFER_TRY(auto address, socket_address(socket));
    Descriptor probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    out.socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!probe || !out.socket_) return fail(Code::failed, "cannot make a socket: ", errno_text());
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return unreachable(socket, errno);
    if (::setsockopt(out.socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) != 0)
        return fail(Code::failed, "cannot limit how long the journal is waited for: ", errno_text());
    return out;
}

// Addressed each time and never connected: a journal that was started anew listens at another socket.
Result<void> AuditJournal::send(const JournalEntry& entry) {
    COFFER_TRY(auto address, socket_address(path_));
    const std::string& datagram = entry.datagram();
    ssize_t sent;
    do {
        sent = ::sendto(socket_.get(), datagram.data(), datagram.size(),
                        MSG_NOSIGNAL | (full_ ? MSG_DONTWAIT : 0),
                        reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } while (sent < 0 && errno == EINTR);
    full_ = sent < 0 && errno == EAGAIN;
    if (sent < 0) return unreachable(path_, errno);
    return {};
}

}  // namespace coffer
