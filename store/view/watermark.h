// SPDX-License-Identifier: Apache-2.0
//
// The newest revision that a reader has believed, kept beside its view: a log below it, or with another hash
// at it, is a rollback or a fork. A daemon's is authenticated with its identity's watermark key, so that
// nobody who can write the file alone can lower it; a tool's is trusted by ownership. docs/store-format.md,
// "Watermark".
#pragma once

#include <filesystem>
#include <optional>

#include "log/backend.h"
#include "view/view.h"

namespace coffer {

struct Watermark {
    Pin pin;
    Head head;
    bool operator==(const Watermark&) const = default;

    // `key`: 32 bytes, or empty for none. Pure.
    [[nodiscard]] std::string encode(ByteView key) const;
    [[nodiscard]] static Result<Watermark> decode(std::string_view text, ByteView key);

    // Nothing when the file does not exist; Code::tampered when it is damaged or of another store or key.
    [[nodiscard]] static Result<std::optional<Watermark>> load(const std::filesystem::path& path,
                                                               ByteView key);
    // By a new file and a rename, durable on return.
    [[nodiscard]] Result<void> save(const std::filesystem::path& path, ByteView key) const;
};

// What `host add` and `member add` hand out, to seed a new reader: "STORE:OWNER:REVISION:HEAD" in hexadecimal
// but for the revision.
[[nodiscard]] std::string pin_text(const Watermark& watermark);
[[nodiscard]] Result<Watermark> parse_pin_text(std::string_view text);

}  // namespace coffer
