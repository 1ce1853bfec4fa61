// SPDX-License-Identifier: Apache-2.0
#include "access/template/template.h"

#include <algorithm>

namespace coffer {
namespace {

// The bytes of one piece, given to `take` for the length of the call.
template <class Take>
Result<void> with_piece(const TemplatePiece& piece, std::span<const ByteView> values, const Take& take) {
    ByteView bytes = piece.secret ? values[*piece.secret] : as_bytes(piece.text);
    SecretBuffer filtered;
    for (TemplateFilter filter : piece.filters) {
        COFFER_TRY(auto next, apply_filter(filter, bytes));
        filtered = std::move(next);
        bytes = filtered.view();
    }
    take(bytes);
    return {};
}

}  // namespace

std::vector<Scope> TemplateSecret::directories(const std::optional<Scope>& here) const {
    std::vector<Scope> out;
    if (here) out.push_back(*here);
    if (fallback && fallback != here) out.push_back(*fallback);
    return out;
}

std::string Template::at(TemplatePlace place) const {
    return concat(name_, ':', place.line, ':', place.column, ": ");
}

// Twice: to learn the size, and into locked memory of that size. What filters write lives for one piece.
Result<SecretBuffer> Template::render(std::span<const ByteView> values) const {
    if (values.size() != secrets_.size())
        return fail(Code::failed, "expected ", secrets_.size(), " values, found ", values.size());
    std::size_t size = 0;
    for (const TemplatePiece& piece : pieces_) {
        auto done = with_piece(piece, values, [&](ByteView bytes) { size += bytes.size(); });
        if (done && size > kMaxRendered)
            done =
                fail(Code::limit, "the text comes to more than ", kMaxRendered, " bytes, which is the limit");
        if (!done) return fail(done.error().code, at(piece.place), done.error().message);
    }
    COFFER_TRY(auto out, SecretBuffer::allocate(size));
    auto end = out.writable().begin();
    for (const TemplatePiece& piece : pieces_)
        COFFER_CHECK(
            with_piece(piece, values, [&](ByteView bytes) { end = std::ranges::copy(bytes, end).out; }));
    return out;
}

}  // namespace coffer
