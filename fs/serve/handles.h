// SPDX-License-Identifier: Apache-2.0
//
// Handles: the open files, and the limits on them. The 64 bits that the kernel keeps for a handle say enough
// for a later daemon to serve it on without this table: which daemon made it, its slot there, which version
// was opened at which scope level, and whether a rule let others read through it. Thread-safe; a caller that
// reaches its limit takes nothing from the others.
#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "serve/errno_table.h"
#include "serve/open_file.h"

namespace coffer {

// From the low bits up: inherit 1, level 2, version 25, slot 20, generation 16.
struct HandleBits {
    std::uint16_t generation = 0;
    std::uint32_t slot = 0;
    std::uint32_t version = 0;  // kSaturated: too large for its bits
    std::uint8_t level = 0;
    bool inherit = false;

    static constexpr std::uint32_t kMaxSlot = (1u << 20) - 1;
    static constexpr std::uint32_t kSaturated = (1u << 25) - 1;
    bool operator==(const HandleBits&) const = default;
    [[nodiscard]] std::uint64_t pack() const;
    [[nodiscard]] static HandleBits unpack(std::uint64_t bits);
};

struct HandleLimits {
    std::uint32_t total = 65536;   // opened and adopted ones; ENFILE past it; at most HandleBits::kMaxSlot
    std::uint32_t per_uid = 8192;  // EMFILE past it
    std::uint64_t large_bytes_per_uid = 64ull << 20;
};

class Handles {
  public:
    Handles(HandleLimits limits, std::uint16_t generation) : limits_(limits), generation_(generation) {}

    // Before the first handle: where the mount has had daemons before, which one this is.
    void be_generation(std::uint16_t generation) { generation_ = generation; }
    [[nodiscard]] bool is_own(std::uint64_t handle) const {
        return HandleBits::unpack(handle).generation == generation_;
    }
    // A file that comes with a large copy is charged for it: EMFILE when that is over the limit.
    [[nodiscard]] Answer<std::uint64_t> add(std::shared_ptr<const OpenFile> file);
    // A handle that an earlier daemon gave out is served on: find() and release() know it from now on. When
    // two do it at once the first one's file is kept. Past a limit as for add().
    [[nodiscard]] Answer<> adopt(std::uint64_t handle, std::shared_ptr<const OpenFile> file);
    // Null for a handle that this daemon does not know.
    [[nodiscard]] std::shared_ptr<const OpenFile> find(std::uint64_t handle) const;
    void release(std::uint64_t handle);
    // Charges a large copy to the file's uid; false when that is over its limit. Given back by release().
    [[nodiscard]] bool charge_large(const OpenFile& file, std::uint64_t bytes);
    [[nodiscard]] std::size_t open() const;

  private:
    [[nodiscard]] std::size_t held() const { return slots_.size() - free_.size() + adopted_.size(); }
    [[nodiscard]] Answer<> take_share(const OpenFile& file);  // under mutex_
    void give_back(const OpenFile& file);
    [[nodiscard]] std::uint64_t handle_of(const OpenFile& file, std::uint32_t slot) const;
    [[nodiscard]] bool is_at(std::uint32_t slot, std::uint64_t handle) const;  // under mutex_
    struct Use {
        std::uint32_t handles = 0;
        std::uint64_t large_bytes = 0;
    };
    const HandleLimits limits_;
    std::uint16_t generation_;
    mutable std::shared_mutex mutex_;  // a leaf; guards all below
    std::vector<std::shared_ptr<const OpenFile>> slots_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<uid_t, Use> uses_;
    std::unordered_map<std::uint64_t, std::shared_ptr<const OpenFile>> adopted_;
};

}  // namespace coffer
