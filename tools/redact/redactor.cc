// SPDX-License-Identifier: Apache-2.0
#include "redact/redactor.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace coffer {

std::uint32_t Redactor::stem_at(const std::uint8_t* bytes) {
    std::uint32_t stem = 0;
    std::memcpy(&stem, bytes, sizeof stem);
    return stem;
}

Redactor::Redactor(std::span<const ByteView> wanted) : filter_((1u << kFilterBits) / 64) {
    std::size_t stems = 0;
    for (ByteView text : wanted) stems += text.size() >= kStem ? 1 : 0;
    stems_.resize(std::bit_ceil(2 * stems + 2));
    for (ByteView text : wanted) {
        if (text.size() >= kStem) add(text);
    }
    index_stems();
    link();
}

void Redactor::lock_again() const {
    coffer::lock_again(states_);
    coffer::lock_again(stems_);
    coffer::lock_again(sorted_);
    coffer::lock_again(filter_);
}

std::uint32_t Redactor::add_state(std::uint8_t last, std::uint32_t depth) {
    State state;
    state.last = last;
    state.depth = depth;
    states_.push_back(state);
    return static_cast<std::uint32_t>(states_.size() - 1);
}

void Redactor::add(ByteView text) {
    const std::uint32_t stem = stem_at(text.data());
    const std::size_t at = stem_place(stem);
    if (stems_[at].state == kNone) stems_[at] = {stem, add_state(text[kStem - 1], kStem)};
    std::uint32_t state = stems_[at].state;
    for (std::size_t i = kStem; i < text.size(); ++i) {
        std::uint32_t child = child_of(state, text[i]);
        if (child == kNone) {
            child = add_state(text[i], static_cast<std::uint32_t>(i + 1));
            states_[child].sibling = states_[state].child;
            states_[state].child = child;
        }
        state = child;
    }
    states_[state].longest = states_[state].depth;
}

void Redactor::index_stems() {
    for (const Stem& stem : stems_) {
        if (stem.state == kNone) continue;
        const std::uint32_t bit = filter_bit(stem.bytes);
        filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
        std::array<std::uint8_t, kStem> bytes{};
        std::memcpy(bytes.data(), &stem.bytes, kStem);
        std::uint32_t number = 0;
        for (std::uint8_t byte : bytes) number = number << 8 | byte;
        sorted_.push_back(number);
    }
    std::sort(sorted_.begin(), sorted_.end());
}

// Level by level, so that the states that a fallback can lead to are linked before.
void Redactor::link() {
    struct Visit {
        std::uint32_t state;
        std::array<std::uint8_t, kStem> tail;  // the last four bytes of its string
    };
    LockedVector<Visit> order;
    order.reserve(states_.size());
    for (const Stem& stem : stems_) {
        if (stem.state == kNone) continue;
        Visit visit{stem.state, {}};
        std::memcpy(visit.tail.data(), &stem.bytes, kStem);
        order.push_back(visit);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Visit from = order[i];
        for (std::uint32_t child = states_[from.state].child; child != kNone;
             child = states_[child].sibling) {
            State& state = states_[child];
            Visit to{child, {from.tail[1], from.tail[2], from.tail[3], state.last}};
            std::uint32_t suffix = states_[from.state].fallback;
            while (suffix != kNone && child_of(suffix, state.last) == kNone)
                suffix = states_[suffix].fallback;
            state.fallback =
                suffix != kNone ? child_of(suffix, state.last) : stem_state(stem_at(to.tail.data()));
            if (state.longest == 0 && state.fallback != kNone)
                state.longest = states_[state.fallback].longest;
            order.push_back(to);
        }
    }
}

std::size_t Redactor::stem_place(std::uint32_t stem) const {
    std::size_t at = (stem * 0x9e3779b97f4a7c15u >> 32) & (stems_.size() - 1);
    while (stems_[at].state != kNone && stems_[at].bytes != stem) at = (at + 1) & (stems_.size() - 1);
    return at;
}

std::uint32_t Redactor::stem_state(std::uint32_t stem) const {
    return stems_[stem_place(stem)].state;
}

std::uint32_t Redactor::child_of(std::uint32_t state, std::uint8_t byte) const {
    std::uint32_t child = states_[state].child;
    while (child != kNone && states_[child].last != byte) child = states_[child].sibling;
    return child;
}

bool Redactor::begins_stem(ByteView bytes) const {
    std::uint32_t number = 0;
    for (std::uint8_t byte : bytes) number = number << 8 | byte;
    const auto shift = static_cast<unsigned>(8 * (kStem - bytes.size()));
    auto found = std::lower_bound(sorted_.begin(), sorted_.end(), number << shift);
    return found != sorted_.end() && *found >> shift == number;
}

void Redactor::Stream::feed(ByteView chunk, LockedVector<std::uint8_t>& out) {
    text_.insert(text_.end(), chunk.begin(), chunk.end());
    scan();
    // A string that cannot grow is held by its suffixes alone.
    while (state_ != kNone && redactor_.states_[state_].child == kNone) {
        state_ = redactor_.states_[state_].fallback;
        if (state_ == kNone) next_ -= kStem - 1;
    }
    // Nothing that begins before this can become an occurrence any more.
    std::size_t open = next_;
    if (state_ != kNone) {
        open -= redactor_.states_[state_].depth;
    } else {
        while (open < text_.size() && !redactor_.begins_stem(ByteView(text_).subspan(open))) ++open;
        next_ = open;
    }
    show_until(std::max(open, shown_), out);
    forget(std::min(open, shown_));
}

void Redactor::Stream::flush(LockedVector<std::uint8_t>& out) {
    show_until(text_.size(), out);
}

// Until every byte is taken in, or fewer than four are left and no state is on its way.
void Redactor::Stream::scan() {
    for (;;) {
        if (state_ != kNone) {
            if (next_ == text_.size()) return;
            step();
            continue;
        }
        next_ = next_candidate();
        if (text_.size() - next_ < kStem) return;
        state_ = redactor_.stem_state(stem_at(text_.data() + next_));
        if (state_ == kNone) {
            ++next_;
            continue;
        }
        next_ += kStem;
        if (redactor_.states_[state_].longest != 0) cover(next_ - kStem, next_);
    }
}

std::size_t Redactor::Stream::next_candidate() const {
    const std::uint8_t* text = text_.data();
    std::size_t at = next_;
    const std::size_t end = text_.size();
    for (; at + kStem + 3 <= end; at += 4) {
        const bool any =
            redactor_.may_begin(stem_at(text + at)) | redactor_.may_begin(stem_at(text + at + 1)) |
            redactor_.may_begin(stem_at(text + at + 2)) | redactor_.may_begin(stem_at(text + at + 3));
        if (any != 0) break;
    }
    while (at + kStem <= end && redactor_.may_begin(stem_at(text + at)) == 0) ++at;
    return at;
}

// One byte from a state on: to a child of it or of its suffixes. Where none has one, no string is on its way
// that began before the last three bytes, and these are looked at again.
void Redactor::Stream::step() {
    const std::uint8_t byte = text_[next_];
    std::uint32_t child = kNone;
    while (state_ != kNone && (child = redactor_.child_of(state_, byte)) == kNone)
        state_ = redactor_.states_[state_].fallback;
    state_ = child;
    if (child == kNone) {
        next_ -= kStem - 1;
        return;
    }
    ++next_;
    if (const std::size_t longest = redactor_.states_[child].longest; longest != 0)
        cover(next_ - longest, next_);
}

void Redactor::Stream::cover(std::size_t start, std::size_t end) {
    start = std::max(start, shown_);
    if (start >= end) return;
    while (!runs_.empty() && runs_.back().end >= start) {
        start = std::min(start, runs_.back().start);
        runs_.pop_back();
    }
    runs_.push_back({start, end});
}

void Redactor::Stream::show_until(std::size_t end, LockedVector<std::uint8_t>& out) {
    const auto show = [&](std::size_t to) {
        out.insert(out.end(), text_.begin() + static_cast<std::ptrdiff_t>(shown_),
                   text_.begin() + static_cast<std::ptrdiff_t>(to));
        shown_ = to;
    };
    std::size_t done = 0;
    for (; done < runs_.size() && runs_[done].start < end; ++done) {
        Run& run = runs_[done];
        show(run.start);
        if (mark_ != run.start) out.insert(out.end(), kMark.begin(), kMark.end());
        shown_ = mark_ = std::min(run.end, end);
        if (run.end > end) {
            run.start = end;  // the rest of it may yet grow; its mark is given out
            break;
        }
    }
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(done));
    if (shown_ < end) show(end);
}

void Redactor::Stream::forget(std::size_t count) {
    // A state that gives up goes back three bytes.
    text_.erase(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(count));
    next_ -= count;
    shown_ -= count;
    mark_ = mark_ != kFar && mark_ >= count ? mark_ - count : kFar;
    for (Run& run : runs_) {
        run.start -= count;
        run.end -= count;
    }
}

}  // namespace coffer
