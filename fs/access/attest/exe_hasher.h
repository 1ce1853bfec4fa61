// SPDX-License-Identifier: Apache-2.0
//
// ExeHasher: the SHA-256 of executables, each file hashed once by a worker of its own. Known by device,
// inode, size and both times: a file whose content changes has another change time, which nobody can set
// back. (A file that runs cannot be written at all: ETXTBSY.) Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "access/attest/lru_table.h"
#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/result.h"

namespace coffer {

class ExeHasher {
  public:
    struct Limits {
        std::uint64_t bytes = 512u << 20;          // of one executable; some 1.3 s
        std::chrono::milliseconds patience{2000};  // of a caller; its next request finds the work done
        std::size_t waiting = 64;                  // executables at once
        std::size_t callers = 64;  // who wait at once, each of them a worker that serves nobody
    };
    ExeHasher() : ExeHasher(Limits()) {}
    explicit ExeHasher(Limits limits);
    ~ExeHasher();
    ExeHasher(const ExeHasher&) = delete;
    ExeHasher& operator=(const ExeHasher&) = delete;

    // Of an executable that is open for reading. Code::limit when it is too large, too many wait, or patience
    // is over (the work goes on); Code::not_allowed for what is no regular file, or one on a FUSE file
    // system, whose server could keep the worker waiting for ever or show another content to each reader.
    [[nodiscard]] Result<Hash> hash(Descriptor file);
    // In the background, so that its first caller need not wait. Nothing is said of a file that is not there.
    void prepare(const std::filesystem::path& path);

  private:
    struct FileId {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t modified_ns = 0, changed_ns = 0;
        bool operator==(const FileId&) const = default;
    };
    struct FileIdHash {
        std::size_t operator()(const FileId& id) const {
            return std::hash<std::uint64_t>()(id.inode * 31 + id.device) ^
                   std::hash<std::int64_t>()(id.changed_ns);
        }
    };
    struct Job {
        Job(Descriptor its_file, const FileId& its_id) : file(std::move(its_file)), id(its_id) {}
        Descriptor file;
        FileId id;
        std::optional<Result<Hash>> result;
    };
    [[nodiscard]] Result<FileId> identify(const Descriptor& file) const;
    [[nodiscard]] std::shared_ptr<Job> enqueue(Descriptor file, const FileId& id);  // null: too many wait
    [[nodiscard]] Result<Hash> read(const Job& job) const;
    void run();

    const Limits limits_;
    LruTable<FileId, Hash, FileIdHash> known_;
    std::mutex mutex_;  // a leaf; guards jobs_, callers_, stopping_ and each job's result
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Job>> jobs_;  // the first is being worked on
    std::size_t callers_ = 0;                // who wait
    bool stopping_ = false;
    std::thread worker_;
};

}  // namespace coffer
