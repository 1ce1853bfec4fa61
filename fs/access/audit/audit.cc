// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "access/audit/audit_file.h"
#include "access/audit/audit_journal.h"
#include "access/audit/audit_line.h"

namespace coffer {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kRepeatWindow{1};
constexpr std::size_t kMaxRepeats = 4096;  // decisions that are being counted at once

// What makes two decisions the same: who, what, how it ended.
std::string repeat_key(const Caller& caller, const AuditEvent& event) {
    std::string key;
    key.reserve(192);
    // Who could not be attested has a thread only.
    for (std::uint64_t number :
         {static_cast<std::uint64_t>(caller.tgid ? caller.tgid : caller.tid), caller.start_ticks,
          event.version, static_cast<std::uint64_t>(event.allow),
          static_cast<std::uint64_t>(caller.exe.device), static_cast<std::uint64_t>(caller.exe.inode),
          std::uint64_t{caller.ids.fsuid}, std::uint64_t{caller.ids.fsgid}, caller.cgroup_id,
          std::uint64_t{event.resent}})
        key.append(reinterpret_cast<const char*>(&number), sizeof number);
    for (std::string_view part : {event.operation, event.path, event.scope, event.rule, event.reason}) {
        key += part;
        key += '\0';
    }
    return key;
}

struct Repeat {
    std::uint64_t first = 0;  // sequence of the record that was written
    std::uint64_t count = 0;  // after that record
    Steady::time_point until;
    std::optional<Error> refused;  // what the first was told, if it did not reach every sink
};

class ChainedLog final : public AuditLog {
  public:
    explicit ChainedLog(AuditSinks sinks) : sinks_(std::move(sinks)) {}
    ~ChainedLog() override { (void)flush(true); }

    Result<void> start() {
        std::lock_guard lock(mutex_);
        if (sinks_.file.empty() && sinks_.journal.empty())
            return fail(Code::invalid, "the audit log has neither a file nor the journal to go to");
        if (!sinks_.journal.empty()) {
            COFFER_TRY(journal_, AuditJournal::open(sinks_.journal));
        }
        if (sinks_.file.empty()) return {};
        COFFER_TRY(file_, AuditFile::open(sinks_.file));
        COFFER_TRY(auto last, file_->last());
        if (last) {
            sequence_ = last->sequence;
            previous_ = last->hash;
        }
        return outcome(settle_file());
    }

    Result<void> record(const Caller& caller, const AuditEvent& event) override {
        std::string key = repeat_key(caller, event);
        std::lock_guard lock(mutex_);
        unsent_.reset();
        return outcome(record_once(std::move(key), caller, event));
    }

    Result<void> note(std::string_view kind, std::string_view detail) override {
        std::lock_guard lock(mutex_);
        unsent_.reset();
        return outcome(append(
            [&](std::uint64_t sequence, AuditTime time) { return note_line(sequence, time, kind, detail); },
            [&] { return note_entry(kind, detail); }));
    }

    Result<void> flush(bool all) override {
        std::lock_guard lock(mutex_);
        unsent_.reset();
        return outcome(write_due(Steady::now(), all));
    }

    // A file that is still the same one stays open: its lock is ours.
    Result<void> reopen() override {
        std::lock_guard lock(mutex_);
        unsent_.reset();
        if (!file_) return {};
        // Counts belong beside the records that they count; those that cannot be written go to the next file.
        if (!file_->is_at_its_path()) (void)write_due(Steady::now(), true);
        if (!file_->is_at_its_path()) COFFER_CHECK(open_again());
        return outcome(settle_file());
    }

  private:
    // What the caller is told: a record that is in the file alone, although the journal should have it too,
    // does not count.
    [[nodiscard]] Result<void> outcome(Result<void> written) const {
        if (written && unsent_) return tl::make_unexpected(*unsent_);
        return written;
    }

    Result<void> record_once(std::string key, const Caller& caller, const AuditEvent& event) {
        const auto now = Steady::now();
        if (auto found = repeats_.find(key); found != repeats_.end()) {
            if (now < found->second.until) return count(found->second);
            COFFER_CHECK(write_repeat(found->second));
            repeats_.erase(found);
        }
        if (repeats_.size() >= kMaxRepeats) COFFER_CHECK(write_due(now, true));
        COFFER_CHECK(append([&](std::uint64_t sequence,
                                AuditTime time) { return decision_line(sequence, time, caller, event); },
                            [&] { return decision_entry(caller, event); }));
        // Counted from here on even if the journal did not take it: a program that tries again and again
        // must not fill the disk with what it is refused.
        repeats_.emplace(std::move(key), Repeat{written_, 0, now + kRepeatWindow, unsent_});
        return {};
    }

    Result<void> count(Repeat& repeat) {
        ++repeat.count;
        if (repeat.refused) return tl::make_unexpected(*repeat.refused);
        if (working_) return {};
        // What was written last did not arrive: nobody is served on the strength of a counter in memory.
        COFFER_CHECK(write_repeat(repeat));
        repeat.refused = unsent_;
        return {};
    }

    Result<void> write_repeat(Repeat& repeat) {
        if (repeat.count == 0) return {};
        COFFER_CHECK(
            append([&](std::uint64_t sequence,
                       AuditTime time) { return repeat_line(sequence, time, repeat.first, repeat.count); },
                   [&] { return repeat_entry(repeat.first, repeat.count); }));
        repeat.count = 0;
        return {};
    }

    Result<void> write_due(Steady::time_point now, bool all) {
        for (auto at = repeats_.begin(); at != repeats_.end();) {
            if (!all && now < at->second.until) {
                ++at;
                continue;
            }
            COFFER_CHECK(write_repeat(at->second));
            at = repeats_.erase(at);
        }
        return {};
    }

    // Makes the file ready for the next record: another one if it was deleted, a first line that names the
    // record before it if that is in another file, an end to half a line.
    Result<void> settle_file() {
        COFFER_TRY(auto fate, file_->fate());
        if (fate == AuditFile::Fate::deleted) COFFER_CHECK(open_again());
        if (fate == AuditFile::Fate::cut) continues_ = true;
        const auto now = std::chrono::system_clock::now();
        if (continues_) {
            COFFER_CHECK(write(continued_line(sequence_ + 1, now, previous_),
                               [&] { return note_entry("continued", previous_.hex()); }));
            continues_ = false;
        }
        if (!file_->torn()) return {};
        constexpr std::string_view kTorn =
            "the line before this one was cut short, by a crash or a full disk";
        return write(note_line(sequence_ + 1, now, "torn", kTorn), [&] { return note_entry("torn", kTorn); });
    }

    Result<void> open_again() {
        COFFER_TRY(auto next, AuditFile::open(sinks_.file));
        COFFER_TRY(auto last, next.last());
        if (last && last->hash != previous_)
            return fail(
                Code::tampered, "the audit log ", sinks_.file.native(),
                " holds other lines than the one that was written last; move it away and send SIGHUP");
        continues_ = !last;
        file_ = std::move(next);
        return {};
    }

    template <class Line, class Entry>
    Result<void> append(Line line, Entry entry) {
        working_ = false;
        if (file_) COFFER_CHECK(settle_file());
        return write(line(sequence_ + 1, std::chrono::system_clock::now()), entry);
    }

    // The file first, since it is what the chain is checked by: what it does not take is sent nowhere, and
    // what the journal does not take is on record in the file, with a line that says so.
    template <class Entry>
    Result<void> write(std::string line, Entry make_entry) {
        const Hash hash = audit_hash(previous_, line);
        const std::string whole = sealed_line(std::move(line), hash);
        working_ = false;
        if (file_) COFFER_CHECK(file_->append(whole));
        Result<void> sent;
        if (journal_) {
            JournalEntry entry = make_entry();
            add_chain(entry, sequence_ + 1, hash, whole);
            sent = journal_->send(entry);
        }
        if (!file_ && !sent) return sent;
        previous_ = hash;
        written_ = ++sequence_;
        working_ = sent.has_value();
        if (!sent) note_unsent(std::move(sent).error());
        return {};
    }

    void note_unsent(Error error) {
        std::string line =
            note_line(sequence_ + 1, std::chrono::system_clock::now(), "unsent", error.message);
        const Hash hash = audit_hash(previous_, line);
        if (file_->append(sealed_line(std::move(line), hash))) {
            previous_ = hash;
            ++sequence_;
        }
        unsent_ = std::move(error);
    }

    const AuditSinks sinks_;
    std::mutex mutex_;  // guards all below; held across one write(2) and send(2), for the chain's order
    std::optional<AuditFile> file_;
    std::optional<AuditJournal> journal_;
    std::uint64_t sequence_ = 0;  // of the last record
    std::uint64_t written_ = 0;   // of the last that is no `unsent` line
    Hash previous_;
    bool continues_ = false;       // the file's first line has yet to name the record before it
    bool working_ = true;          // the last record reached every sink
    std::optional<Error> unsent_;  // of this call: the journal did not take what the file took
    std::unordered_map<std::string, Repeat> repeats_;
};

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const AuditSinks& sinks) {
    auto log = std::make_unique<ChainedLog>(sinks);
    COFFER_CHECK(log->start());
    return log;
}

}  // namespace coffer
