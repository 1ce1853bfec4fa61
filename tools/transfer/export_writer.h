// SPDX-License-Identifier: Apache-2.0
//
// ExportWriter: takes secrets one by one and writes them in a format: a text, which is kept in locked memory
// and goes to stdout whole or not at all, or a new folder (mode 0700, its files 0600), which is removed again
// when it was not finished.
#pragma once

#include <filesystem>
#include <optional>

#include "formats/format.h"
#include "formats/json.h"
#include "formats/secret_chunks.h"
#include "host/new_files.h"

namespace coffer {

class ExportWriter {
  public:
    explicit ExportWriter(Format format) : format_(format) {
        if (format_ == Format::json) json_.emplace(text_);
    }
    ExportWriter(const ExportWriter&) = delete;
    ExportWriter& operator=(const ExportWriter&) = delete;

    // For a tree, before the first add(). Code::conflict when something is there already.
    [[nodiscard]] Result<void> make_folder(const std::filesystem::path& folder);
    [[nodiscard]] Result<void> add(const std::string& key, ByteView value);
    [[nodiscard]] Result<void> finish();

  private:
    const Format format_;
    SecretChunks text_;
    std::optional<JsonWriter> json_;
    std::filesystem::path folder_;
    NewFiles made_;
};

}  // namespace coffer
