// SPDX-License-Identifier: Apache-2.0
//
// VerifiedStore: a log, the view of it and the watermark, for a reader or a writer. Everything that serves or
// shows a secret goes through here, so that nobody forgets to verify. One thread at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "log/backend.h"
#include "view/view.h"
#include "view/watermark.h"

namespace coffer {

struct StoreOptions {
    std::filesystem::path state_dir;  // holds view.db and watermark; made with mode 0700
    Pin pin;
    const Identity* watermark_identity = nullptr;  // a daemon's: authenticates the watermark. Not owned
    std::optional<Watermark> seed;                 // for a reader that has no watermark yet
};

// Why the log's tail is not believed. Serving goes on with what was verified before it.
struct Alarm {
    std::uint64_t revision = 0;  // the first one that is not believed
    Error error;
};

// What a reader says of a damaged page, or of a schema that is not ours: the log is believed as far as it can
// be read. Gives the backend's error a rule where it has none.
[[nodiscard]] Error unreadable_log(Error error);

class VerifiedStore {
  public:
    // Verifies what is new since the last run. Code::tampered for a log below or beside the watermark; a tail
    // that does not verify is no error but alarm().
    [[nodiscard]] static Result<VerifiedStore> open(std::unique_ptr<Backend> backend, StoreOptions options);
    VerifiedStore(VerifiedStore&&) noexcept = default;
    VerifiedStore& operator=(VerifiedStore&&) noexcept = default;

    // Verifies and folds what was appended since; calls `applied` for each commit, after it is in the view.
    // Never fails for what the log says (that is alarm()), only for what the machine does.
    using Applied = std::function<void(const CommitBody&)>;
    [[nodiscard]] Result<void> catch_up(const Applied& applied = {});

    [[nodiscard]] View& view() { return view_; }
    [[nodiscard]] const View& view() const { return view_; }
    [[nodiscard]] Backend& backend() { return *backend_; }
    [[nodiscard]] const std::optional<Alarm>& alarm() const { return alarm_; }
    [[nodiscard]] const std::optional<Watermark>& watermark() const { return watermark_; }

    // Takes the view's head as believed, after an append of one's own.
    void advance_watermark();
    // Writes the watermark if it is behind, at most one write per 100 ms unless `now`.
    [[nodiscard]] Result<void> persist_watermark(bool now);
    // Moves the watermark by hand to this head, which the log must have; for an old backup put back.
    [[nodiscard]] static Result<void> accept_rollback(Backend& backend, const StoreOptions& options,
                                                      const Head& head);

    // The payload of a version, checked against its hash. Code::tampered when missing or different.
    [[nodiscard]] Result<Bytes> payload(const Version& version);
    // The private half of a scope key by the newest grant to `identity` that opens to it. Code::no_key.
    [[nodiscard]] Result<SecretBuffer> scope_key(const Identity& identity, const ScopeKeyId& id);

  private:
    VerifiedStore(std::unique_ptr<Backend> backend, View view, StoreOptions options);
    [[nodiscard]] Result<void> rebuild_if_forked();
    [[nodiscard]] Result<void> ingest_batch(const Applied& applied);
    [[nodiscard]] Result<void> check_watermark(const StoredCommit& next) const;
    std::unique_ptr<Backend> backend_;
    View view_;
    StoreOptions options_;
    std::optional<Watermark> watermark_;  // as last believed
    std::uint64_t persisted_revision_ = 0;
    std::chrono::steady_clock::time_point persisted_at_{};
    std::optional<Alarm> alarm_;
};

// The daemon's and the tool's file names within a state folder.
inline constexpr const char* kViewFile = "view.db";
inline constexpr const char* kWatermarkFile = "watermark";

}  // namespace coffer
