// SPDX-License-Identifier: Apache-2.0
//
// AuditJournal: records of the audit log as entries of the systemd journal, by its native protocol
// (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram an entry, "NAME=value" lines in it. Not thread-safe.
//
// Not by sd_journal_sendv(3): that reports success when there is no journal, and waits without a limit for
// one that takes nothing, and both have to end in a refusal here. It would also load four compressors and a
// crypto library into the process that holds the keys.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "access/audit/audit.h"
#include "base/bytes.h"
#include "base/descriptor.h"

namespace coffer {

inline constexpr std::string_view kJournalSocket = "/run/systemd/journal/socket";
// MESSAGE_ID of every entry: journalctl MESSAGE_ID=...
inline constexpr std::string_view kAuditMessageId = "a19f496893fd4728ae4c99d83152be7d";

// One entry as it is sent. Pure.
class JournalEntry {
  public:
    void add(std::string_view name, std::string_view value);  // an empty value: the field is left out
    void add(std::string_view name, std::integral auto value) { add(name, concat(value)); }
    [[nodiscard]] const std::string& datagram() const { return datagram_; }

  private:
    std::string datagram_;
};

// The fields of a record but for those of the chain, which every record has.
[[nodiscard]] JournalEntry decision_entry(const Caller& caller, const AuditEvent& event);
[[nodiscard]] JournalEntry repeat_entry(std::uint64_t first, std::uint64_t count);
[[nodiscard]] JournalEntry note_entry(std::string_view kind, std::string_view detail);
// `line`: as it stands in the file, with or without its line feed.
void add_chain(JournalEntry& entry, std::uint64_t sequence, const Hash& hash, std::string_view line);

class AuditJournal {
  public:
    // Code::unavailable when nothing listens there.
    [[nodiscard]] static Result<AuditJournal> open(const std::filesystem::path& socket);
    // On return the kernel has queued it for the journal. Waits at most two seconds for room in that queue,
    // and after that not at all until there was room once.
    [[nodiscard]] Result<void> send(const JournalEntry& entry);

  private:
    std::filesystem::path path_;
    Descriptor socket_;
    bool full_ = false;
};

}  // namespace coffer
