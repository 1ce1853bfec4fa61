// SPDX-License-Identifier: Apache-2.0
//
// JSON: one object, {"KEY": "value"}. A value that is no UTF-8 text is {"base64": "..."} in place of a
// string. A reader of our own, for a JSON library would leave copies of the values in memory that is not
// locked.
#pragma once

#include "formats/entry.h"
#include "formats/secret_chunks.h"

namespace coffer {

// Decodes values within `text`.
[[nodiscard]] Result<Entries> parse_json(std::span<std::uint8_t> text);

class JsonWriter {
  public:
    explicit JsonWriter(SecretChunks& out) : out_(out) { out_.put("{"); }
    [[nodiscard]] Result<void> add(std::string_view key, ByteView value);
    [[nodiscard]] Result<void> finish();

  private:
    SecretChunks& out_;
    bool first_ = true;
};

}  // namespace coffer
