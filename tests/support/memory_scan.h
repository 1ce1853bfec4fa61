// SPDX-License-Identifier: Apache-2.0
//
// Where bytes that are to stay secret are in a process: Needles, what is looked for, and scan(), which looks
// through all of another process's memory that is in RAM or swap (stacks, heap, libraries' data, what is
// mapped without a right to read it) by /proc/PID/mem, as root; the process is not traced.
// Any 15 bytes in a row of a needle are found, so that what was overwritten in part is found too. Registers
// and the kernel's own buffers are out of reach.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "keys/base64.h"
#include "support/test_store.h"

namespace coffer::test {

// `size` random bytes: no other process holds 15 in a row of them by chance. As text: letters and digits.
inline std::string canary_bytes(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t done = 0; done < size; done += 256)
        if (getentropy(out.data() + done, std::min<std::size_t>(256, size - done)) != 0) std::abort();
    return out;
}
inline std::string canary_text(std::size_t size) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string out = canary_bytes(size);
    for (char& byte : out) byte = kLetters[static_cast<std::uint8_t>(byte) % kLetters.size()];
    return out;
}

struct Mapping {
    std::uint64_t start = 0, end = 0;
    std::string name, flags;  // flags: VmFlags of smaps
    [[nodiscard]] bool has(std::string_view flag) const {
        return flags.find(concat(' ', flag, ' ')) != flags.npos;
    }
    // In no swap and in no core dump.
    [[nodiscard]] bool is_safe() const { return has("lo") && has("dd"); }
};

// One place of memory, or of a file, that holds part of a needle.
struct Find {
    std::string needle, form;
    std::size_t length = 0;
    std::uint64_t address = 0;
    Mapping mapping;
};

inline std::ostream& operator<<(std::ostream& out, const Find& find) {
    return out << find.length << " bytes of " << find.needle << ' ' << find.form << " at " << std::hex
               << find.address << std::dec << " in \"" << find.mapping.name << "\" (" << find.mapping.flags
               << ')';
}

class Needles {
  public:
    // As it is, and as code writes it: in hexadecimal and in base64. Of a long one the beginning counts for
    // these.
    Needles& add(const std::string& name, std::string_view bytes) {
        REQUIRE(bytes.size() >= kWindow);
        const std::string_view head = bytes.substr(0, kEncoded);
        add_form(name, "as it is", std::string(bytes), kWindow);
        add_form(name, "in hexadecimal", to_hex(as_bytes(head)), 2 * kWindow);
        add_form(name, "in HEXADECIMAL", upper(to_hex(as_bytes(head))), 2 * kWindow);
        // A byte's letters depend on where it stands within three.
        for (std::size_t shift = 0; shift < 3; ++shift) {
            const auto text = must(base64(as_bytes(head.substr(shift))));
            add_form(name, "in base64", std::string(as_text(text.view())), kWindow * 4 / 3);
        }
        return *this;
    }
    Needles& add(const std::string& name, ByteView bytes) { return add(name, as_text(bytes)); }

    // What of them is in `bytes`, which stand at `address`.
    void look(std::span<const char> bytes, std::uint64_t address, std::vector<Find>& out) const {
        if (bytes.size() < kPiece) return;
        for (std::size_t i = 0; i + kPiece <= bytes.size(); ++i) {
            const std::uint64_t piece = load(bytes.data() + i);
            const std::uint64_t bit = hash(piece);
            if (!(filter_[bit / 64] >> bit % 64 & 1)) continue;
            auto [first, last] = pieces_.equal_range(piece);
            std::size_t end = i;
            for (; first != last; ++first) end = std::max(end, note(bytes, i, first->second, address, out));
            if (end > i) i = end - 1;
        }
    }

  private:
    static constexpr std::size_t kPiece = 8, kWindow = 15, kEncoded = 4096;
    static constexpr unsigned kFilterBits = 20;
    struct Form {
        std::string name, form, text;
        std::size_t least;  // so much in a row is no chance
    };
    struct Piece {
        std::uint32_t form, offset;
    };

    static std::string upper(std::string text) {
        for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        return text;
    }
    static std::uint64_t load(const char* from) {
        std::uint64_t out = 0;
        std::memcpy(&out, from, sizeof out);
        return out;
    }
    static std::uint64_t hash(std::uint64_t piece) {
        return piece * 0x9e3779b97f4a7c15u >> (64 - kFilterBits);
    }

    // Any kWindow bytes in a row hold a whole piece that begins at a multiple of its size.
    void add_form(const std::string& name, std::string form, std::string text, std::size_t least) {
        const auto number = static_cast<std::uint32_t>(forms_.size());
        for (std::size_t i = 0; i + kPiece <= text.size(); i += kPiece) {
            const std::uint64_t piece = load(text.data() + i);
            pieces_.emplace(piece, Piece{number, static_cast<std::uint32_t>(i)});
            filter_[hash(piece) / 64] |= std::uint64_t{1} << hash(piece) % 64;
        }
        forms_.push_back({name, std::move(form), std::move(text), least});
    }

    // Where a piece was met at `at`, how far the form goes in both directions; the end of what is noted.
    std::size_t note(std::span<const char> bytes, std::size_t at, const Piece& piece, std::uint64_t address,
                     std::vector<Find>& out) const {
        const Form& form = forms_[piece.form];
        std::size_t before = 0, after = 0;
        while (before < at && before < piece.offset &&
               bytes[at - before - 1] == form.text[piece.offset - before - 1])
            ++before;
        while (at + after < bytes.size() && piece.offset + after < form.text.size() &&
               bytes[at + after] == form.text[piece.offset + after])
            ++after;
        if (before + after < form.least) return at;
        out.push_back({form.name, form.form, before + after, address + at - before, {}});
        return at + after;
    }

    std::vector<Form> forms_;
    std::unordered_multimap<std::uint64_t, Piece> pieces_;
    std::vector<std::uint64_t> filter_ = std::vector<std::uint64_t>((1u << kFilterBits) / 64);
};

struct Scan {
    std::vector<Find> finds;
    std::uint64_t bytes = 0;
    std::vector<std::string> unreadable;  // mappings that could not be read, which must be the kernel's own

    [[nodiscard]] std::vector<Find> outside_locked_memory() const {
        std::vector<Find> out;
        std::copy_if(finds.begin(), finds.end(), std::back_inserter(out),
                     [](const Find& find) { return !find.mapping.is_safe(); });
        return out;
    }
    [[nodiscard]] std::size_t count(std::string_view needle) const {
        return static_cast<std::size_t>(std::count_if(
            finds.begin(), finds.end(), [&](const Find& find) { return find.needle == needle; }));
    }
};

inline std::vector<Mapping> mappings_of(pid_t pid) {
    std::vector<Mapping> out;
    std::ifstream smaps(concat("/proc/", pid, "/smaps"));
    for (std::string line; std::getline(smaps, line);) {
        std::istringstream words(line);
        std::string first, ignored;
        words >> first;
        if (first == "VmFlags:") {
            std::getline(words, ignored);
            out.back().flags = ' ' + ignored + ' ';
        } else if (first.back() != ':') {
            Mapping one;
            const std::size_t dash = first.find('-');
            one.start = std::stoull(first.substr(0, dash), nullptr, 16);
            one.end = std::stoull(first.substr(dash + 1), nullptr, 16);
            for (int i = 0; i < 4; ++i) words >> ignored;
            std::getline(words >> std::ws, one.name);
            out.push_back(std::move(one));
        }
    }
    return out;
}

namespace memory {

// Which pages of the mapping there are: in RAM, or in swap.
inline std::vector<bool> pages_of(int pagemap, const Mapping& mapping, std::uint64_t page) {
    std::vector<std::uint64_t> entries((mapping.end - mapping.start) / page);
    const ssize_t size = pread(pagemap, entries.data(), entries.size() * sizeof(std::uint64_t),
                               static_cast<off_t>(mapping.start / page * sizeof(std::uint64_t)));
    std::vector<bool> out(entries.size());
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::max<ssize_t>(size, 0)) / 8; ++i)
        out[i] = entries[i] >> 62 != 0;
    return out;
}

}  // namespace memory

inline Scan scan(pid_t pid, const Needles& needles) {
    const Descriptor memory(open(concat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC));
    const Descriptor pagemap(open(concat("/proc/", pid, "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE((memory && pagemap));
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    Scan out;
    std::vector<char> buffer;
    for (const Mapping& mapping : mappings_of(pid)) {
        if (mapping.name == "[vsyscall]") continue;  // of the kernel, the same in every process
        const auto there = memory::pages_of(pagemap.get(), mapping, page);
        for (std::size_t from = 0, to = 0; from < there.size(); from = to + 1) {
            to = from;
            while (to < there.size() && there[to]) ++to;
            if (to == from) continue;
            const std::uint64_t start = mapping.start + from * page;
            buffer.resize((to - from) * page);
            const ssize_t size = pread(memory.get(), buffer.data(), buffer.size(), static_cast<off_t>(start));
            if (size != static_cast<ssize_t>(buffer.size())) out.unreadable.push_back(mapping.name);
            if (size <= 0) continue;
            out.bytes += static_cast<std::uint64_t>(size);
            const std::size_t before = out.finds.size();
            needles.look(std::span(buffer).first(static_cast<std::size_t>(size)), start, out.finds);
            for (std::size_t i = before; i < out.finds.size(); ++i) out.finds[i].mapping = mapping;
        }
    }
    return out;
}

}  // namespace coffer::test
