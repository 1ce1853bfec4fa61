// SPDX-License-Identifier: Apache-2.0
//
// NodeIds: the node id (and inode number) of a place is a 64-bit keyed hash of its path, the same in every
// run of the daemon, so that the kernel's ids survive a restart; the key comes from the host identity, so
// that nobody can look for collisions. The way back is a table of the ids that were handed out: about 60
// bytes each, never forgotten (a path's id does not change hands, so there are no look-up counts to keep).
// After a hand-over the kernel also holds ids that an earlier daemon handed out: at the first that is not
// known, every path that the store has ever had is put into the table, once.
// Two paths of one hash (odds of 2^-25 among a million) are told apart by hashing again with a counter, in
// the order in which they are handed out. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>

#include "serve/catalogue.h"

namespace coffer {

inline constexpr std::uint64_t kRootNode = 1;

class NodeIds {
  public:
    // `key_material`: 32 bytes that are the host's own and stay the same.
    NodeIds(const Catalogue& catalogue, ByteView key_material);

    // The id, to be known from now on.
    [[nodiscard]] std::uint64_t hand_out(const Place& place);
    // The id for a listing, without remembering it.
    [[nodiscard]] std::uint64_t number(const Place& place) const;
    [[nodiscard]] std::optional<Place> find(std::uint64_t node);
    // The kernel may come with ids of an earlier daemon. Before anything is served.
    void expect_earlier() { earlier_ = true; }
    [[nodiscard]] std::size_t size() const;

  private:
    void learn_all();
    [[nodiscard]] std::optional<Place> look(std::uint64_t node) const;
    [[nodiscard]] std::uint64_t hash(const Place& place, std::uint8_t attempt) const;
    const Catalogue& catalogue_;
    std::array<std::uint8_t, 16> key_{};
    bool earlier_ = false;
    std::once_flag learnt_;
    mutable std::shared_mutex mutex_;                  // a leaf
    std::unordered_map<std::uint64_t, Place> places_;  // guarded by mutex_
};

}  // namespace coffer
