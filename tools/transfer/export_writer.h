// SPDX-License-Identifier: Apache-2.0
//
// ExportWriter: takes secrets one by one and writes them in a format: a text, which is kept in locked memory
// and goes whole or not at all to stdout or into a new file (mode 0600), or a new folder (mode 0700, its
// files 0600), which is removed again when it was not finished.
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

    // The new folder or file, in place of stdout; for a tree always. Before the first add(). Code::conflict
    // when something is there already.
    [[nodiscard]] Result<void> write_to(const std::filesystem::path& out);
    [[nodiscard]] Result<void> add(const std::string& key, ByteView value);
    [[nodiscard]] Result<void> finish();

  private:
    const Format format_;
    SecretChunks text_;
    std::optional<JsonWriter> json_;
    std::filesystem::path out_;  // empty: stdout
    NewFiles made_;
};

}  // namespace coffer
