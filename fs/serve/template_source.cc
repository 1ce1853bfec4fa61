// SPDX-License-Identifier: Apache-2.0
#include "serve/template_source.h"

#include "access/config/owned_file.h"
#include "access/template/template_parser.h"
#include "keys/hash.h"

namespace coffer {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000;

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

}  // namespace

TemplateSource::Stamp TemplateSource::stamp() const {
    struct stat status {};
    if (::stat(file_.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_ctim),
            nanoseconds(status.st_mtim)};
}

// The stamp is taken first: a change while it is read is seen at the next look.
bool TemplateSource::refresh() {
    const Stamp now = stamp();
    if (seen_ == now) return false;
    seen_ = now;
    auto text = read();
    error_ = text ? std::nullopt : std::optional<Error>(text.error());
    if (text) text_ = *std::move(text);
    return true;
}

Result<std::shared_ptr<const TemplateText>> TemplateSource::read() const {
    COFFER_TRY(auto text, read_owned_file(file_));
    COFFER_TRY(auto parsed, parse_template(text, file_.native()));
    if (parsed.secrets().empty())
        return fail(Code::invalid, file_.native(),
                    ": names no secret, so no rule could say who may read it; a plain file will do");
    const std::int64_t modified = seen_->modified_ns / kMillisecond;
    return std::make_shared<const TemplateText>(
        TemplateText{std::move(parsed), hash256("coffer/template/1", {as_bytes(text)}),
                     static_cast<std::uint64_t>(modified > 0 ? modified : 0)});
}

}  // namespace coffer
