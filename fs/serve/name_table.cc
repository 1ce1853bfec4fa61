// SPDX-License-Identifier: Apache-2.0
#include "serve/name_table.h"

#include <cstring>

#include "keys/hash.h"

namespace coffer {
namespace {

constexpr std::size_t kArena = 64u << 10;

std::array<std::uint8_t, 16> random_key() {
    std::array<std::uint8_t, 16> key{};
    random_bytes(key);
    return key;
}

}  // namespace

std::size_t NameTable::KeyedHash::operator()(std::string_view text) const {
    return short_hash(key, as_bytes(text));
}

NameTable::NameTable() : numbers_(0, KeyedHash{random_key()}) {
    chunks_[0].store(new std::string_view[kChunk], std::memory_order_release);
    for (std::string_view own : {".coffer", "status.json", "metrics", "revision"}) {
        std::string_view kept = keep(own);
        chunks_[0].load(std::memory_order_relaxed)[size_] = kept;
        numbers_.emplace(kept, size_++);
    }
}

NameTable::~NameTable() {
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

NameId NameTable::find(std::string_view text) const {
    auto found = numbers_.find(text);
    return found == numbers_.end() ? kNoName : found->second;
}

Result<NameId> NameTable::intern(std::string_view text) {
    if (NameId known = find(text); known != kNoName) return known;
    if (size_ == kChunk * kChunks)
        return fail(Code::limit, "the store has more than ", kChunk * kChunks, " different names");
    auto& chunk = chunks_[size_ / kChunk];
    if (!chunk.load(std::memory_order_relaxed))
        chunk.store(new std::string_view[kChunk], std::memory_order_release);
    std::string_view kept = keep(text);
    chunk.load(std::memory_order_relaxed)[size_ % kChunk] = kept;
    numbers_.emplace(kept, size_);
    return size_++;
}

std::string_view NameTable::keep(std::string_view text) {
    if (text.size() > left_) {  // a name is far smaller than an arena
        left_ = kArena;
        arenas_.push_back(std::make_unique<char[]>(kArena));
    }
    char* start = arenas_.back().get() + kArena - left_;
    std::memcpy(start, text.data(), text.size());
    left_ -= text.size();
    return {start, text.size()};
}

}  // namespace coffer
