// SPDX-License-Identifier: Apache-2.0
//
// Operations: what the file system answers, one method per kind of request, with nothing of libfuse in it.
// docs/design.md, "What a caller sees". Every method that discloses anything goes through the gate first;
// what the gate refuses and what does not exist get the same answer. Thread-safe.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "serve/gate.h"
#include "serve/handles.h"
#include "serve/node_ids.h"
#include "serve/past_versions.h"
#include "serve/rendered_files.h"
#include "serve/status_files.h"
#include "serve/worker.h"

namespace coffer {

struct FoundEntry {
    std::uint64_t node = 0;
    struct stat attributes {};
    double entry_timeout = 0.0;  // seconds
};

struct ReadReply {
    std::span<const std::uint8_t> bytes;
    std::size_t scratch_used = 0;      // to be wiped after the reply is written
    std::shared_ptr<const void> hold;  // keeps `bytes` alive until then
};

// One name of a listing. False: no more room, this one was not taken.
using EmitName =
    std::function<bool(std::string_view name, std::uint64_t node, bool directory, std::uint64_t next_cookie)>;

class Operations {
  public:
    struct Parts {
        const Catalogue& catalogue;
        NodeIds& nodes;
        Unsealer& unsealer;
        Handles& handles;
        Gate& gate;
        Status& status;
        AuditLog& audit;
        const StatusFiles& status_files;
        PastVersions& past_versions;
        RenderedFiles& rendered_files;
        bool fast_names = false;
    };
    explicit Operations(const Parts& parts);

    [[nodiscard]] Answer<FoundEntry> lookup(const Requester& who, std::uint64_t parent, std::string_view name,
                                            Worker& worker);
    // `handle`: of an open file, whose version is then described.
    [[nodiscard]] Answer<struct stat> attributes(const Requester& who, std::uint64_t node,
                                                 std::optional<std::uint64_t> handle, Worker& worker);
    [[nodiscard]] Answer<std::uint64_t> open(const Requester& who, std::uint64_t node, int flags,
                                             Worker& worker);
    // A size or, with none, a time is to be set. By the watcher, to the size that the file has, it changes
    // nothing and is good for inotify alone: the true attributes. All else is refused as by refuse_write().
    [[nodiscard]] Answer<struct stat> touch(const Requester& who, std::uint64_t node,
                                            std::optional<std::uint64_t> size,
                                            std::optional<std::uint64_t> handle, Worker& worker);
    // `lock_owner` 0: the kernel reads for its page cache (splice, sendfile, mmap, readahead).
    [[nodiscard]] Answer<ReadReply> read(const Requester& who, std::uint64_t node, std::uint64_t handle,
                                         std::size_t size, std::uint64_t offset, std::uint64_t lock_owner,
                                         Worker& worker);
    // True when the kernel's page cache may hold the file's bytes and must drop them.
    [[nodiscard]] bool release(std::uint64_t handle);

    [[nodiscard]] Answer<> open_directory(const Requester& who, std::uint64_t node);
    [[nodiscard]] Answer<> list(const Requester& who, std::uint64_t node, std::uint64_t cookie,
                                const EmitName& emit);
    [[nodiscard]] Answer<> access(const Requester& who, std::uint64_t node, int mask);
    [[nodiscard]] Answer<std::string> attribute(const Requester& who, std::uint64_t node,
                                                std::string_view name);
    // The names, each ended by a NUL.
    [[nodiscard]] Answer<std::string> attribute_names(const Requester& who, std::uint64_t node);
    // The errno for anything that would write to this node or within it: EROFS, or that of a hidden one.
    [[nodiscard]] Errno refuse_write(const Requester& who, std::uint64_t node);
    [[nodiscard]] Errno refuse_link_read(const Requester& who, std::uint64_t node);  // there are no links

  private:
    [[nodiscard]] Answer<FoundEntry> lookup_key(const Requester& who, const Place& place, Worker& worker);
    [[nodiscard]] tl::unexpected<Errno> refuse_long_name(const Requester& who, const Place& parent);
    [[nodiscard]] tl::unexpected<Errno> find_nothing(const Requester& who, const Place& parent,
                                                     std::string_view name);
    [[nodiscard]] Answer<FoundEntry> lookup_directory(const Requester& who, const Place& place);
    [[nodiscard]] Answer<FoundEntry> lookup_status(const Requester& who, const Place& place);
    [[nodiscard]] Answer<std::uint64_t> open_secret(const Requester& who, const Place& place, int flags,
                                                    Worker& worker);
    [[nodiscard]] Answer<std::uint64_t> open_to_touch(const Requester& who, const Place& place,
                                                      const Shown& shown, Worker& worker);
    [[nodiscard]] Answer<std::uint64_t> open_status(const Requester& who, const Place& place, int flags);
    // A handle of an earlier daemon, from the 64 bits that the kernel has kept, for a caller whom the present
    // policy would let open it.
    [[nodiscard]] Answer<std::shared_ptr<const OpenFile>> take_over(const Requester& who, std::uint64_t node,
                                                                    std::uint64_t handle, Worker& worker);
    [[nodiscard]] Answer<std::shared_ptr<OpenFile>> reopen(const Requester& who, const Place& place,
                                                           const HandleBits& bits, Worker& worker);
    [[nodiscard]] Answer<ReadReply> read_secret(const Requester& who, const OpenFile& file, std::size_t size,
                                                std::uint64_t offset, Worker& worker);
    [[nodiscard]] Answer<ReadReply> read_large(const OpenFile& file, std::size_t size, std::uint64_t offset,
                                               Worker& worker);
    [[nodiscard]] Answer<> check_version(const Requester& who, std::uint32_t secret,
                                         std::uint64_t not_after_ms, const Target& target);
    // What is shown, sealed, and opened by nobody yet.
    [[nodiscard]] static std::shared_ptr<OpenFile> file_of(const Shown& shown,
                                                           std::shared_ptr<const SealedValue> sealed);
    // The version that a path shows, ready to be opened; expired, damaged and keyless ones are errors.
    [[nodiscard]] Answer<std::shared_ptr<const SealedValue>> load(const Shown& shown, Worker& worker);
    [[nodiscard]] Answer<> check_visible(const Requester& who, const Place& place);
    [[nodiscard]] Answer<> list_keys(const Visitor& visitor, const Place& place, std::uint64_t cookie,
                                     const EmitName& emit);
    [[nodiscard]] Answer<Shown> visible_secret(const Requester& who, std::uint64_t node);
    [[nodiscard]] SecretPath secret_path(const Place& place) const;
    [[nodiscard]] DirectoryPath directory_path(const Place& place) const;
    [[nodiscard]] Target target_of(const OpenFile& file) const;

    // Rendered files (operations_rendered.cc): what is asked about one is asked about each secret in it.
    [[nodiscard]] Answer<FoundEntry> lookup_rendered(const Requester& who, const Place& place,
                                                     Worker& worker);
    [[nodiscard]] Answer<struct stat> rendered_attributes(const Requester& who, std::uint64_t node,
                                                          const Place& place, Worker& worker);
    [[nodiscard]] Answer<struct stat> open_rendered_attributes(const Requester& who, std::uint64_t node,
                                                               const OpenFile& file);
    [[nodiscard]] Answer<> check_rendered(const Requester& who, const Place& place);
    [[nodiscard]] Answer<std::uint64_t> open_rendered(const Requester& who, const Place& place, int flags,
                                                      Worker& worker);
    [[nodiscard]] Answer<std::shared_ptr<OpenFile>> reopen_rendered(const Requester& who,
                                                                    const Rendering& rendering,
                                                                    Worker& worker);
    [[nodiscard]] Answer<ReadReply> read_rendered(const Requester& who, const OpenFile& file,
                                                  std::size_t size, std::uint64_t offset);
    void list_rendered(const Visitor& visitor, const Place& place, std::uint64_t cookie,
                       const EmitName& emit);
    // The secrets' values, sealed; `refused` is told of the one that is not to be had.
    using SealedValues = std::vector<std::shared_ptr<const SealedValue>>;
    [[nodiscard]] Answer<SealedValues> load_all(
        const Rendering& rendering, Worker& worker,
        const std::function<void(std::size_t number, Errno error)>& refused = {});
    [[nodiscard]] Answer<std::shared_ptr<const LargeCopy>> render(const Rendering& rendering,
                                                                  const SealedValues& sealed, Worker& worker);
    [[nodiscard]] Answer<std::size_t> rendered_size(const Rendering& rendering, Worker& worker);
    [[nodiscard]] Answer<std::vector<Pass>> check_sights(const Requester& who,
                                                         const std::vector<Target>& targets);
    [[nodiscard]] std::vector<Target> targets_of(const Rendering& rendering) const;
    [[nodiscard]] std::vector<Target> targets_of(const OpenFile& file) const;
    [[nodiscard]] struct stat describe_directory(const Requester& who, std::uint64_t node) const;
    // A secret or a rendered file.
    [[nodiscard]] struct stat describe_file(const Requester& who, std::uint64_t node, std::uint64_t time_ms,
                                            std::size_t size, const Presentation& presentation) const;
    [[nodiscard]] static bool would_write(int flags);
    [[nodiscard]] static std::span<const std::uint8_t> part_of(std::span<const std::uint8_t> all,
                                                               std::size_t size, std::uint64_t offset);
    // For the audit record; an errno is what the caller sees.
    [[nodiscard]] static std::string_view reason_of(Errno error);

    const Parts parts_;
    const std::int64_t started_;  // seconds since 1970: the time that directories show
};

}  // namespace coffer
