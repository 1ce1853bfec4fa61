// SPDX-License-Identifier: Apache-2.0
#include "transfer/export_writer.h"

#include <algorithm>

#include "formats/dotenv.h"
#include "formats/kestra.h"
#include "output/output.h"

namespace coffer {

Result<void> ExportWriter::write_to(const std::filesystem::path& out) {
    out_ = out;
    return is_tree(format_) ? made_.new_folder(out, 0700) : NewFiles::expect_nothing(out);
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
            return made_.file(out_ / key, as_text(value), 0600);
        case Format::pass: {
            COFFER_TRY(auto line, SecretBuffer::allocate(value.size() + 1));
            std::copy(value.begin(), value.end(), line.writable().begin());
            line.writable().back() = '\n';
            return made_.file(out_ / key, as_text(line.view()), 0600);
        }
    }
    return fail(Code::failed, "an unknown format");
}

Result<void> ExportWriter::finish() {
    if (json_) COFFER_CHECK(json_->finish());
    const std::vector<ByteView> text = text_.parts();
    if (out_.empty()) {
        for (ByteView part : text) COFFER_CHECK(Output::raw(part));
    } else if (!is_tree(format_)) {
        COFFER_CHECK(made_.file(out_, text, 0600));
    }
    COFFER_CHECK(made_.sync());
    made_.keep();
    return {};
}

}  // namespace coffer
