// SPDX-License-Identifier: Apache-2.0
#include "serve/rendered_files.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "keys/hash.h"

namespace coffer {
namespace {

// Above every number of a version that a store comes to.
constexpr std::uint32_t kFingerprintBit = 1u << 24;

bool is_same_version(const RenderedSecret& one, const RenderedSecret& other) {
    return one.shown.secret == other.shown.secret && one.shown.version == other.shown.version;
}

}  // namespace

std::uint32_t Rendering::fingerprint() const {
    ByteWriter all;
    all.fixed(source->hash);
    for (const RenderedSecret& one : secrets) {
        all.lp(one.shown.scope);
        all.lp(one.shown.key);
        all.u64(one.shown.version);
    }
    const Hash hash = hash256("coffer/rendering/1", {all.bytes()});
    const std::uint32_t bits =
        std::uint32_t{hash.bytes[0]} << 16 | std::uint32_t{hash.bytes[1]} << 8 | hash.bytes[2];
    return kFingerprintBit | bits;
}

bool Rendering::is_same_as(const Rendering& other) const {
    return file == other.file && source == other.source &&
           std::ranges::equal(secrets, other.secrets, is_same_version);
}

// --- at the start, and by the store watch ---

Result<void> RenderedFiles::load(const std::vector<TemplateFile>& templates) {
    for (const TemplateFile& one : templates) {
        File file(one);
        COFFER_TRY(file.place, catalogue_.intern(one.path));
        (void)file.source.refresh();
        file.text = file.source.text();
        files_.push_back(std::move(file));
    }
    return {};
}

std::vector<RenderedFiles::Finding> RenderedFiles::refresh() {
    const std::uint64_t revision = catalogue_.revision();
    bool changed = !looked_ || revision != seen_revision_;
    {
        std::unique_lock lock(mutex_);
        changed = std::exchange(failed_, false) || changed;
    }
    for (File& file : files_) {
        if (!file.source.refresh()) continue;
        changed = true;
        std::unique_lock lock(mutex_);
        file.text = file.source.text();
    }
    looked_ = true;
    seen_revision_ = revision;
    std::vector<Finding> out;
    for (std::size_t i = 0; changed && i < files_.size(); ++i)
        out.push_back({concat("template ", files_[i].path), problem_of(i)});
    return out;
}

std::optional<Error> RenderedFiles::problem_of(std::size_t number) const {
    const File& file = files_[number];
    if (const auto& error = file.source.error())
        return Error{
            error->code,
            concat(error->message, file.source.text() ? "; the text before it stays in force"
                                                      : "; the file is not there until this is in order"),
            {}};
    if (auto shown = catalogue_.resolve(file.place))
        return Error{Code::conflict,
                     concat("the path shows the secret ", shown->scope, '/', shown->key,
                            " in place of the rendered file; give the template another path"),
                     {}};
    auto rendering = render_now(number);
    if (!rendering) return rendering.error();
    std::shared_lock lock(mutex_);
    if (file.failure && file.failure->rendering.is_same_as(*rendering)) return file.failure->error;
    return std::nullopt;
}

// --- by anybody ---

Result<RenderedSecret> RenderedFiles::find_secret(const File& file, const TemplateText& text,
                                                  const TemplateSecret& secret) const {
    const auto directories = secret.directories(file.directory);
    for (const Scope& directory : directories) {
        const Place place{catalogue_.find_name(directory.org), catalogue_.find_name(directory.project),
                          catalogue_.find_name(directory.domain), catalogue_.find_name(secret.key)};
        if (auto shown = catalogue_.resolve(place)) return RenderedSecret{place, *shown};
    }
    return fail(Code::not_found, text.parsed.at(secret.place), "there is no secret ", secret.key, " in ",
                file.directory.text(), directories.size() > 1 ? concat(" or ", directories[1].text()) : "",
                "; put it with: coffer set");
}

// All of one commit: when one came between, everything is looked up again.
Result<Rendering> RenderedFiles::render_now(std::size_t number) const {
    const File& file = files_[number];
    Rendering out;
    out.file = number;
    out.mode = file.mode;
    {
        std::shared_lock lock(mutex_);
        out.source = file.text;
    }
    if (!out.source) return fail(Code::not_found, "there is no template in order");
    for (;;) {
        const std::uint64_t revision = catalogue_.revision();
        out.secrets.clear();
        out.time_ms = out.source->time_ms;
        Result<void> found;
        for (const TemplateSecret& secret : out.source->parsed.secrets()) {
            auto one = find_secret(file, *out.source, secret);
            if (!one) {
                found = tl::make_unexpected(std::move(one).error());
                break;
            }
            out.time_ms = std::max(out.time_ms, one->shown.time_ms);
            out.secrets.push_back(*std::move(one));
        }
        if (catalogue_.revision() != revision) continue;
        if (!found) return tl::make_unexpected(std::move(found).error());
        return out;
    }
}

std::optional<Rendering> RenderedFiles::find(const Place& place) const {
    const auto file = std::ranges::find(files_, place, &File::place);
    if (file == files_.end() || !catalogue_.exists({place.org, place.project, place.domain}))
        return std::nullopt;
    auto rendering = render_now(static_cast<std::size_t>(file - files_.begin()));
    if (!rendering) return std::nullopt;
    return *std::move(rendering);
}

std::vector<Place> RenderedFiles::places() const {
    std::vector<Place> out;
    for (const File& file : files_) out.push_back(file.place);
    return out;
}

RenderedFiles::Made RenderedFiles::made(const Rendering& rendering) const {
    const File& file = files_[rendering.file];
    std::shared_lock lock(mutex_);
    if (!file.last || !file.last->is_same_as(rendering)) return {};
    return {file.last_size, file.last_text.lock()};
}

void RenderedFiles::keep(const Rendering& rendering, const std::shared_ptr<const LargeCopy>& text) {
    File& file = files_[rendering.file];
    std::unique_lock lock(mutex_);
    file.last = rendering;
    file.last_size = text->value.size();
    file.last_text = text;
}

void RenderedFiles::keep_failure(const Rendering& rendering, const Error& error) {
    File& file = files_[rendering.file];
    std::unique_lock lock(mutex_);
    if (file.failure && file.failure->rendering.is_same_as(rendering)) return;
    file.failure = {rendering, error};
    failed_ = true;
}

}  // namespace coffer
