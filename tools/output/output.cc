// SPDX-License-Identifier: Apache-2.0
#include "output/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/descriptor.h"

namespace coffer {
namespace {

// Writes the whole, or says why not. main sees to SIGPIPE: a closed pipe is EPIPE here.
Result<void> write_whole(int fd, ByteView bytes) {
    while (!bytes.empty()) {
        ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(Code::failed, "writing the output: ", errno_text());
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

bool has_colours(int fd) {
    auto variable = [](const char* name) -> std::string_view {
        const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
        return value ? value : "";
    };
    const std::string_view terminal = variable("TERM");
    return variable("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb" && isatty(fd) == 1;
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view noun) {
    return concat(count, ' ', noun, count == 1 ? "" : "s");
}

void Output::table(const std::vector<std::vector<std::string>>& rows) {
    if (json_) return;
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        if (widths.size() < row.size()) widths.resize(row.size());
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string text;
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
        }
        text.erase(text.find_last_not_of(' ') + 1);
        text_ += text + '\n';
    }
}

void Output::fields(std::initializer_list<std::pair<std::string_view, std::string>> fields) {
    std::size_t width = 0;
    for (const auto& [name, value] : fields) width = std::max(width, name.size());
    for (const auto& [name, value] : fields) line(name, std::string(width - name.size() + 2, ' '), value);
}

void Output::document(const Json& document) {
    if (!json_) return;
    // File paths may hold any byte; what is not UTF-8 is replaced rather than thrown about.
    text_ += document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

void Output::document_line(const Json& document) {
    if (json_) text_ += document.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<void> Output::raw(ByteView bytes) {
    return write_whole(STDOUT_FILENO, bytes);
}

void Output::to_stderr(std::string text, std::string_view colour) {
    // Messages may quote file names and arguments, which may hold line feeds or a terminal's commands.
    for (char& c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) c = byte == '\n' ? ' ' : '?';
    }
    if (!colour.empty() && has_colours(STDERR_FILENO)) text = concat(colour, text, "\x1b[0m");
    text += '\n';
    (void)write_whole(STDERR_FILENO, as_bytes(text));
}

Result<void> Output::finish() {
    std::string text = std::move(text_);
    text_.clear();
    return write_whole(STDOUT_FILENO, as_bytes(text));
}

}  // namespace coffer
