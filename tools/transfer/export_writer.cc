// SPDX-License-Identifier: Apache-2.0
#include "transfer/export_writer.h"

#include <algorithm>

#include "formats/dotenv.h"
#include "formats/kestra.h"
#include "output/output.h"

namespace coffer {

Result<void> ExportWriter::make_folder(const std::filesystem::path& folder) {
    COFFER_CHECK(NewFiles::expect_nothing(folder));
    folder_ = folder;
    return made_.folder(folder, 0700);
}

Result<void> ExportWriter::add(const std::string& key, ByteView value) {
    switch (format_) {
        case Format::dotenv:
            return write_dotenv(text_, key, value);
        case Format::kestra:
            return write_kestra(text_, key, value);
        case Format::json:
            return json_->add(key, value);
        case Format::dir:
            return made_.file(folder_ / key, as_text(value), 0600);
        case Format::pass: {
            COFFER_TRY(auto line, SecretBuffer::allocate(value.size() + 1));
            std::copy(value.begin(), value.end(), line.writable().begin());
            line.writable().back() = '\n';
            return made_.file(folder_ / key, as_text(line.view()), 0600);
        }
    }
    return fail(Code::failed, "an unknown format");
}

Result<void> ExportWriter::finish() {
    if (json_) COFFER_CHECK(json_->finish());
    for (ByteView part : text_.parts()) COFFER_CHECK(Output::raw(part));
    made_.keep();
    return {};
}

}  // namespace coffer
