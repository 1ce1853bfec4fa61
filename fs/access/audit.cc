// SPDX-License-Identifier: Apache-2.0
#include "access/audit.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "access/audit_line.h"
#include "base/descriptor.h"

namespace coffer {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kRepeatWindow{1};
constexpr std::size_t kMaxRepeats = 4096;      // decisions that are being counted at once
constexpr std::size_t kTailBytes = 64u << 10;  // more than any line has

// What makes two decisions the same: who, what, how it ended.
std::string repeat_key(const Caller& caller, const AuditEvent& event) {
    std::string key;
    key.reserve(160);
    for (std::uint64_t number :
         {static_cast<std::uint64_t>(caller.tgid), caller.start_ticks, event.version,
          static_cast<std::uint64_t>(event.allow), static_cast<std::uint64_t>(caller.exe.inode),
          static_cast<std::uint64_t>(caller.ids.fsuid)})
        key.append(reinterpret_cast<const char*>(&number), sizeof number);
    for (std::string_view part : {event.operation, event.path, event.rule, event.reason}) {
        key += part;
        key += '\0';
    }
    return key;
}

struct Repeat {
    std::uint64_t first = 0;  // sequence of the line that was written
    std::uint64_t count = 0;  // after that line
    Steady::time_point until;
};

Result<Descriptor> open_file(const std::filesystem::path& path) {
    Descriptor file(::open(
        path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600));
    if (!file) return fail(Code::failed, "cannot open the audit log ", path.string(), ": ", errno_text());
    struct stat status {};
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail(Code::not_allowed, "the audit log ", path.string(), " is no regular file");
    if (status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return fail(Code::not_allowed, "the audit log ", path.string(), " must belong to uid ", geteuid(),
                    " and be closed to others; run `chmod 0600`, or name another in audit_file");
    // Two writers would tear each other's chain.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(Code::unavailable, "the audit log ", path.string(),
                    " is being written by another process; stop it, or name another in audit_file");
    return file;
}

// The end of the file: enough to hold its last line.
Result<std::string> read_tail(int file, const std::string& name) {
    struct stat status {};
    if (fstat(file, &status) != 0) return fail(Code::failed, "cannot examine ", name, ": ", errno_text());
    auto size = static_cast<std::size_t>(status.st_size);
    std::string tail(std::min(size, kTailBytes), '\0');
    ssize_t got = ::pread(file, tail.data(), tail.size(), static_cast<off_t>(size - tail.size()));
    if (got != static_cast<ssize_t>(tail.size()))
        return fail(Code::failed, "cannot read ", name, ": ", errno_text());
    return tail;
}

class FileAuditLog final : public AuditLog {
  public:
    explicit FileAuditLog(std::filesystem::path path) : path_(std::move(path)) {}
    ~FileAuditLog() override { (void)flush(true); }

    Result<void> start() {
        std::lock_guard lock(mutex_);
        COFFER_TRY(file_, open_file(path_));
        return continue_chain();
    }

    Result<void> record(const Caller& caller, const AuditEvent& event) override {
        std::string key = repeat_key(caller, event);
        auto now = Steady::now();
        std::lock_guard lock(mutex_);
        if (auto found = repeats_.find(key); found != repeats_.end()) {
            if (now < found->second.until) {
                ++found->second.count;
                return {};
            }
            COFFER_CHECK(write_repeat(found->second));
            repeats_.erase(found);
        }
        if (repeats_.size() >= kMaxRepeats) COFFER_CHECK(write_due(now, true));
        COFFER_TRY(std::uint64_t sequence, next_sequence());
        COFFER_CHECK(append(decision_line(sequence, std::chrono::system_clock::now(), caller, event)));
        repeats_.emplace(std::move(key), Repeat{sequence, 0, now + kRepeatWindow});
        return {};
    }

    // A file that is still the same one stays open: its lock is ours.
    Result<void> reopen() override {
        std::lock_guard lock(mutex_);
        struct stat held {
        }, named{};
        if (fstat(file_.get(), &held) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
            held.st_dev == named.st_dev && held.st_ino == named.st_ino)
            return {};
        COFFER_TRY(auto file, open_file(path_));
        COFFER_TRY(auto tail, read_tail(file.get(), path_.string()));
        file_ = std::move(file);
        partial_ = !tail.empty() && tail.back() != '\n';
        COFFER_TRY(std::uint64_t sequence, next_sequence());
        return append(continued_line(sequence, std::chrono::system_clock::now(), previous_));
    }

    Result<void> note(std::string_view kind, std::string_view detail) override {
        std::lock_guard lock(mutex_);
        COFFER_TRY(std::uint64_t sequence, next_sequence());
        return append(note_line(sequence, std::chrono::system_clock::now(), kind, detail));
    }

    Result<void> flush(bool all) override {
        std::lock_guard lock(mutex_);
        return write_due(Steady::now(), all);
    }

  private:
    // Goes on after the last whole line of the file; a half one is closed by a line feed and said so.
    Result<void> continue_chain() {
        COFFER_TRY(auto tail, read_tail(file_.get(), path_.string()));
        if (tail.empty()) return {};
        bool half = tail.back() != '\n';
        tail.erase(tail.find_last_of('\n') == tail.npos ? 0 : tail.find_last_of('\n'));
        std::string_view last = std::string_view(tail).substr(
            tail.find_last_of('\n') == tail.npos ? 0 : tail.find_last_of('\n') + 1);
        if (!last.empty()) {
            auto link = read_link(last);
            if (!link)
                return fail(Code::tampered, "the audit log ", path_.string(),
                            " does not end in a line of an audit log; move it away, and a new chain begins");
            sequence_ = link->sequence;
            previous_ = link->hash;
        }
        partial_ = half;
        COFFER_CHECK(next_sequence());
        return {};
    }

    // The number of the line that comes next; before it a half line is closed with a record that says so.
    Result<std::uint64_t> next_sequence() {
        if (partial_)
            COFFER_CHECK(
                append(note_line(sequence_ + 1, std::chrono::system_clock::now(), "torn",
                                 "the line before this one was cut short, by a crash or a full disk")));
        return sequence_ + 1;
    }

    Result<void> append(std::string line) {
        Hash hash = audit_hash(previous_, line);
        std::string whole = sealed_line(std::move(line), hash);
        if (partial_) whole.insert(0, 1, '\n');
        ssize_t written = ::write(file_.get(), whole.data(), whole.size());
        if (written != static_cast<ssize_t>(whole.size())) {
            int error = errno;
            partial_ = partial_ || written > 0;  // the next line starts on a line of its own
            return fail(Code::failed, "cannot write the audit log ", path_.string(), ": ",
                        written < 0 ? errno_text(error) : "the disk is full");
        }
        partial_ = false;
        previous_ = hash;
        ++sequence_;
        return {};
    }

    Result<void> write_repeat(const Repeat& repeat) {
        if (repeat.count == 0) return {};
        COFFER_TRY(std::uint64_t sequence, next_sequence());
        return append(repeat_line(sequence, std::chrono::system_clock::now(), repeat.first, repeat.count));
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

    const std::filesystem::path path_;
    std::mutex mutex_;  // guards all below; held across one write(2), which the chain's order needs
    Descriptor file_;
    std::uint64_t sequence_ = 0;
    Hash previous_;
    bool partial_ = false;  // the file does not end in a line feed
    std::unordered_map<std::string, Repeat> repeats_;
};

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& file) {
    auto log = std::make_unique<FileAuditLog>(file);
    COFFER_CHECK(log->start());
    return log;
}

Result<std::uint64_t> verify_audit(std::string_view text) {
    Hash previous;
    std::uint64_t records = 0, line_number = 0, sequence = 0;
    bool torn = false;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        ++line_number;
        auto link = read_link(line);
        if (!link) {
            // A line that a crash cut short is followed by one that says so, and is the only kind that is
            // passed.
            if (torn || text.find("\"kind\":\"torn\"") == text.npos)
                return fail(Code::tampered, "line ", line_number, " is not a line of an audit log");
            torn = true;
            continue;
        }
        if (torn && link->body.find("\"kind\":\"torn\"") == link->body.npos)
            return fail(Code::tampered, "line ", line_number - 1,
                        " is cut short, and the next one does not say why");
        torn = false;
        // The first line after a rotation names the hash that it follows, so that its file can be checked
        // alone as well as after the one before.
        if (std::optional<Hash> named = continued_from(link->body); named && records == 0) previous = *named;
        if (audit_hash(previous, link->body) != link->hash)
            return fail(Code::tampered, "line ", line_number,
                        " does not follow the line before it: one of them was changed, "
                        "or lines are missing");
        if (records > 0 && link->sequence != sequence + 1)
            return fail(Code::tampered, "line ", line_number, " has number ", link->sequence, ", expected ",
                        sequence + 1);
        previous = link->hash;
        sequence = link->sequence;
        ++records;
    }
    return records;
}

}  // namespace coffer
