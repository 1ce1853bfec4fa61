// SPDX-License-Identifier: Apache-2.0
//
// Redactor: takes every occurrence of many byte strings out of a stream, in time linear in its length. Each
// byte that any occurrence covers is left out, overlapping ones too, and what is left out in one piece is
// shown as one mark: neither how long it was nor how many values it held. Pure; a Redactor may be shared by
// streams.
//
// An Aho-Corasick automaton (Aho and Corasick, 1975) whose states begin at depth 4: a table of four bytes
// stands for the levels above, and a bitmap in front of it dismisses nearly every position of a text with no
// secret in it in a few instructions. From there on a state has its children as a list, for nearly all have
// one: a dense table would take 1 KiB for each byte of each spelling.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "redact/locked_vector.h"

namespace coffer {

class Redactor {
  public:
    static constexpr std::string_view kMark = "[redacted]";

    // Strings of less than 4 bytes are left out; they need not live on.
    explicit Redactor(std::span<const ByteView> wanted);
    void lock_again() const;  // in a forked process

    class Stream;

  private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::size_t kStem = 4;  // bytes of the shortest state
    static constexpr unsigned kFilterBits = 17;
    struct State {
        std::uint32_t child = kNone, sibling = kNone;
        std::uint32_t fallback = kNone;  // the longest proper suffix that is a state
        std::uint32_t longest = 0;       // of the wanted strings that end here
        std::uint32_t depth = kStem;
        std::uint8_t last = 0;
    };
    struct Stem {
        std::uint32_t bytes = 0, state = kNone;
    };

    [[nodiscard]] static std::uint32_t stem_at(const std::uint8_t* bytes);
    [[nodiscard]] static std::uint32_t filter_bit(std::uint32_t stem) {
        return stem * 0x9e3779b1u >> (32 - kFilterBits);
    }
    [[nodiscard]] std::size_t stem_place(std::uint32_t stem) const;  // in stems_: its own, or a free one
    [[nodiscard]] std::uint32_t stem_state(std::uint32_t stem) const;
    [[nodiscard]] std::uint32_t child_of(std::uint32_t state, std::uint8_t byte) const;
    // 1: maybe; 0: no.
    [[nodiscard]] std::uint64_t may_begin(std::uint32_t stem) const {
        const std::uint32_t bit = filter_bit(stem);
        return filter_[bit / 64] >> bit % 64 & 1;
    }
    // Do these 1 to 3 bytes begin a wanted string?
    [[nodiscard]] bool begins_stem(ByteView bytes) const;
    std::uint32_t add_state(std::uint8_t last, std::uint32_t depth);
    void add(ByteView text);
    void index_stems();
    void link();

    LockedVector<State> states_;
    LockedVector<Stem> stems_;            // open addressing, a power of two, at most half full
    LockedVector<std::uint32_t> sorted_;  // the stems, as big-endian numbers
    LockedVector<std::uint64_t> filter_;
};

// One text on its way through. Holds back what may still become an occurrence, and nothing else.
class Redactor::Stream {
  public:
    explicit Stream(const Redactor& redactor) : redactor_(redactor) {}
    // Appends to `out` what is certain.
    void feed(ByteView chunk, LockedVector<std::uint8_t>& out);
    // Appends what is held back, for somebody waits for it; if it becomes an occurrence after all, the rest
    // of that is still left out.
    void flush(LockedVector<std::uint8_t>& out);
    [[nodiscard]] std::size_t held() const { return text_.size() - shown_; }
    void lock_again() const { coffer::lock_again(text_); }

  private:
    struct Run {
        std::size_t start, end;
    };
    void scan();
    [[nodiscard]] std::size_t next_candidate() const;
    void step();
    void cover(std::size_t start, std::size_t end);
    void show_until(std::size_t end, LockedVector<std::uint8_t>& out);
    void forget(std::size_t count);

    const Redactor& redactor_;
    LockedVector<std::uint8_t> text_;  // what may still matter
    std::size_t next_ = 0;             // the first byte that no state has taken in
    std::uint32_t state_ = kNone;
    std::size_t shown_ = 0;  // up to here it was given out
    std::size_t mark_ =
        kFar;                // where the mark ends that was given out last, so that runs that touch have one
    std::vector<Run> runs_;  // covered and not yet given out; in order, apart from each other
    static constexpr std::size_t kFar = static_cast<std::size_t>(-1);
};

}  // namespace coffer
