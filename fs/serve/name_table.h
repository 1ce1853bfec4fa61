// SPDX-License-Identifier: Apache-2.0
//
// NameTable: every path segment once. A name's number is its identity for the life of the table and its text
// never moves, so that text() needs no lock: whoever has the number got it from somebody who had the lock.
// find() and intern() must be kept apart by the owner (many finds, or one intern). Rejected: a string per
// secret, which at a million secrets costs more than all the rest of the catalogue.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace coffer {

using NameId = std::uint32_t;
inline constexpr NameId kNoName = 0;
// The daemon's own directory; no name of a store starts with a dot.
inline constexpr NameId kStatusFolder = 1, kStatusJson = 2, kMetrics = 3, kRevision = 4;

class NameTable {
  public:
    NameTable();
    ~NameTable();
    NameTable(const NameTable&) = delete;
    NameTable& operator=(const NameTable&) = delete;

    [[nodiscard]] NameId find(std::string_view text) const;  // kNoName: no such name
    // Code::limit past 64 Mi names.
    [[nodiscard]] Result<NameId> intern(std::string_view text);
    [[nodiscard]] std::string_view text(NameId name) const {
        return chunks_[name / kChunk].load(std::memory_order_acquire)[name % kChunk];
    }

  private:
    // An editor may choose names freely: the table is hashed under a random key.
    struct KeyedHash {
        std::array<std::uint8_t, 16> key{};
        std::size_t operator()(std::string_view text) const;
    };
    static constexpr std::size_t kChunk = 8192, kChunks = 8192;
    [[nodiscard]] std::string_view keep(std::string_view text);

    std::array<std::atomic<std::string_view*>, kChunks> chunks_{};  // each of kChunk texts
    std::uint32_t size_ = 1;                                        // number 0 is no name
    std::vector<std::unique_ptr<char[]>> arenas_;
    std::size_t left_ = 0;
    std::unordered_map<std::string_view, NameId, KeyedHash> numbers_;
};

}  // namespace coffer
