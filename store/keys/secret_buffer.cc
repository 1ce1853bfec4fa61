// SPDX-License-Identifier: Apache-2.0
#include "keys/secret_buffer.h"

#include <sodium.h>

#include <cstring>
#include <utility>

namespace coffer {
namespace {

constexpr std::size_t kMaxSize = 64u << 20;

}  // namespace

bool initialise_crypto() {
    return sodium_init() >= 0;
}

SecretBuffer::~SecretBuffer() {
    if (data_) sodium_free(data_);  // wipes, unlocks and checks the canary in front
}

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
    SecretBuffer moved(std::move(other));  // the old bytes go with it
    std::swap(data_, moved.data_);
    std::swap(size_, moved.size_);
    return *this;
}

Result<SecretBuffer> SecretBuffer::allocate(std::size_t size) {
    if (size == 0) return SecretBuffer();
    if (size > kMaxSize)
        return fail(Code::limit, "a secret of ", size, " bytes; at most ", kMaxSize,
                    " can be held in memory");
    auto* data = static_cast<std::uint8_t*>(sodium_malloc(size));
    if (!data) return fail(Code::limit, "no memory for a secret of ", size, " bytes");
    SecretBuffer buffer(data, size);
    // sodium_malloc locks its pages but hides whether that worked. Locking them once more costs a system call
    // and tells; locks do not nest, so sodium_free still undoes both.
    if (sodium_mlock(data, size) != 0)
        return fail(Code::limit, "cannot lock ", size,
                    " bytes of memory for a secret; raise RLIMIT_MEMLOCK (ulimit -l, or LimitMEMLOCK= of the "
                    "systemd unit)");
    std::memset(data, 0, size);
    return buffer;
}

Result<SecretBuffer> SecretBuffer::take(std::span<std::uint8_t> source) {
    auto buffer = allocate(source.size());
    if (buffer && !source.empty()) std::memcpy(buffer->data_, source.data(), source.size());
    wipe(source);
    return buffer;
}

Result<SecretBuffer> SecretBuffer::random(std::size_t size) {
    COFFER_TRY(auto buffer, allocate(size));
    if (size > 0) randombytes_buf(buffer.data_, size);
    return buffer;
}

void SecretBuffer::shrink(std::size_t size) {
    if (size >= size_) return;
    wipe(writable().subspan(size));
    size_ = size;
}

bool SecretBuffer::equals(ByteView other) const {
    if (other.size() != size_) return false;
    return size_ == 0 || sodium_memcmp(data_, other.data(), size_) == 0;
}

void wipe(std::span<std::uint8_t> bytes) {
    if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace coffer
