// SPDX-License-Identifier: Apache-2.0
#include "formats/secret_chunks.h"

#include <algorithm>

namespace coffer {
namespace {

constexpr std::size_t kChunk = 64u << 10;

}  // namespace

Result<std::span<std::uint8_t>> SecretChunks::room(std::size_t size) {
    if (chunks_.empty() || chunks_.back().bytes.size() - chunks_.back().used < size) {
        COFFER_TRY(auto bytes, SecretBuffer::allocate(std::max(size, kChunk)));
        chunks_.push_back({std::move(bytes), 0});
    }
    Chunk& chunk = chunks_.back();
    auto piece = chunk.bytes.writable().subspan(chunk.used, size);
    chunk.used += size;
    return piece;
}

void SecretChunks::put(ByteView bytes) {
    if (!state_) return;
    auto piece = room(bytes.size());
    if (!piece) {
        state_ = Failure(std::move(piece).error());
        return;
    }
    std::copy(bytes.begin(), bytes.end(), piece->begin());
}

std::vector<ByteView> SecretChunks::parts() const {
    std::vector<ByteView> out;
    out.reserve(chunks_.size());
    for (const Chunk& chunk : chunks_) out.push_back(chunk.bytes.view().first(chunk.used));
    return out;
}

}  // namespace coffer
