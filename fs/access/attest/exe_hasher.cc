// SPDX-License-Identifier: Apache-2.0
#include "access/attest/exe_hasher.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "keys/sha256.h"

namespace coffer {
namespace {

constexpr std::size_t kKnown = 1024;
constexpr std::size_t kPiece = 256u << 10;

std::int64_t nanoseconds(const struct timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

ExeHasher::ExeHasher(Limits limits) : limits_(limits), known_(kKnown), worker_([this] { run(); }) {}

ExeHasher::~ExeHasher() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    worker_.join();
}

Result<ExeHasher::FileId> ExeHasher::identify(const Descriptor& file) const {
    struct stat status {};
    struct statfs system {};
    if (!file || ::fstat(file.get(), &status) != 0 || ::fstatfs(file.get(), &system) != 0)
        return fail(Code::not_allowed, "the executable cannot be read");
    if (!S_ISREG(status.st_mode)) return fail(Code::not_allowed, "the executable is no regular file");
    if (system.f_type == FUSE_SUPER_MAGIC)
        return fail(Code::not_allowed, "the executable is on a FUSE file system");
    if (static_cast<std::uint64_t>(status.st_size) > limits_.bytes)
        return fail(Code::limit, "the executable has ", status.st_size, " bytes; at most ", limits_.bytes,
                    " are hashed");
    return FileId{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                  nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

Result<Hash> ExeHasher::hash(Descriptor file) {
    COFFER_TRY(FileId id, identify(file));
    if (auto known = known_.find(id)) return *known;
    auto job = enqueue(std::move(file), id);
    if (!job) return fail(Code::limit, "too many executables wait to be hashed");
    std::unique_lock lock(mutex_);
    if (callers_ < limits_.callers) {
        ++callers_;
        changed_.wait_for(lock, limits_.patience, [&] { return job->result || stopping_; });
        --callers_;
    }
    if (!job->result) return fail(Code::limit, "the executable is still being hashed");
    return *job->result;
}

void ExeHasher::prepare(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    auto id = identify(file);
    if (id && !known_.find(*id)) (void)enqueue(std::move(file), *id);
}

std::shared_ptr<ExeHasher::Job> ExeHasher::enqueue(Descriptor file, const FileId& id) {
    std::lock_guard lock(mutex_);
    auto same = std::ranges::find_if(jobs_, [&](const auto& job) { return job->id == id; });
    if (same != jobs_.end()) return *same;
    if (jobs_.size() >= limits_.waiting) return nullptr;
    auto job = std::make_shared<Job>(std::move(file), id);
    jobs_.push_back(job);
    changed_.notify_all();
    return job;
}

// What was read counts only when the file is the same after as before.
Result<Hash> ExeHasher::read(const Job& job) const {
    Sha256 sha256;
    std::vector<std::uint8_t> piece(kPiece);
    for (off_t at = 0;;) {
        ssize_t size = ::pread(job.file.get(), piece.data(), piece.size(), at);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail(Code::not_allowed, "reading the executable: ", errno_text());
        if (size == 0) break;
        at += size;
        if (static_cast<std::uint64_t>(at) > limits_.bytes) return fail(Code::limit, "the executable grows");
        sha256.add({piece.data(), static_cast<std::size_t>(size)});
    }
    COFFER_TRY(FileId after, identify(job.file));
    if (after != job.id) return fail(Code::not_allowed, "the executable changed while it was hashed");
    return sha256.finish();
}

void ExeHasher::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
        if (stopping_) return;
        auto job = jobs_.front();
        lock.unlock();
        auto result = read(*job);
        if (result) known_.put(job->id, *result);
        lock.lock();
        job->result = std::move(result);
        jobs_.pop_front();
        changed_.notify_all();
    }
}

}  // namespace coffer
