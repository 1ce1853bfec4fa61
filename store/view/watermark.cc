// SPDX-License-Identifier: Apache-2.0
#include "view/watermark.h"

#include <charconv>

#include "base/atomic_file.h"
#include "keys/hash.h"

namespace coffer {
namespace {

constexpr std::string_view kTitle = "coffer watermark 1\n";
constexpr std::string_view kContext = "coffer/watermark/1";
constexpr std::size_t kMaxFile = 1024;

// Takes "name: value\n" off the front of `text`.
Result<std::string_view> take_line(std::string_view& text, std::string_view name) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (end == text.npos || !line.starts_with(name) || !line.substr(name.size()).starts_with(": "))
        return fail(Code::tampered, "expected a line \"", name, ": ...\"");
    text.remove_prefix(end + 1);
    return line.substr(name.size() + 2);
}

Result<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool canonical = error == std::errc() && end == text.data() + text.size() && concat(value) == text;
    if (!canonical) return fail(Code::invalid, "expected a revision number");
    return value;
}

Result<Watermark> parse_fields(std::string_view text) {
    Watermark mark;
    if (!text.starts_with(kTitle))
        return fail(Code::tampered, "it does not begin with \"coffer watermark 1\"");
    text.remove_prefix(kTitle.size());
    COFFER_TRY(auto store, take_line(text, "store"));
    COFFER_TRY(auto owner, take_line(text, "owner"));
    COFFER_TRY(auto revision, take_line(text, "revision"));
    COFFER_TRY(auto head, take_line(text, "head"));
    COFFER_TRY(mark.pin.store, StoreId::parse(store));
    COFFER_TRY(mark.pin.owner, PrincipalId::parse(owner));
    COFFER_TRY(mark.head.revision, parse_number(revision));
    COFFER_TRY(mark.head.hash, Hash::parse(head));
    return mark;
}

}  // namespace

std::string Watermark::encode(ByteView key) const {
    std::string text = concat(kTitle, "store: ", pin.store.hex(), "\nowner: ", pin.owner.hex(),
                              "\nrevision: ", head.revision, "\nhead: ", head.hash.hex(), "\n");
    std::string mac = key.empty() ? "none" : keyed_hash256(key, kContext, {as_bytes(text)}).hex();
    return concat(text, "mac: ", mac, "\n");
}

Result<Watermark> Watermark::decode(std::string_view text, ByteView key) {
    COFFER_TRY(auto mark, parse_fields(text));
    // One spelling only, and the same comparison checks the mac. Nothing here is secret but the key.
    if (mark.encode(key) != text)
        return fail(Code::tampered,
                    "its authentication does not hold: it was edited, or written under another identity");
    return mark;
}

Result<std::optional<Watermark>> Watermark::load(const std::filesystem::path& path, ByteView key) {
    COFFER_TRY(auto text, read_small_file(path, kMaxFile));
    if (!text) return std::nullopt;
    auto mark = decode(*text, key);
    if (!mark)
        return fail(Code::tampered, "the watermark ", path.string(), ": ", mark.error().message,
                    "; where you know why, set it anew with `coffer verify --accept-rollback REVISION:HASH`");
    return *mark;
}

Result<void> Watermark::save(const std::filesystem::path& path, ByteView key) const {
    return replace_file(path, encode(key), 0600);
}

std::string pin_text(const Watermark& mark) {
    return concat(mark.pin.store.hex(), ':', mark.pin.owner.hex(), ':', mark.head.revision, ':',
                  mark.head.hash.hex());
}

Result<Watermark> parse_pin_text(std::string_view text) {
    constexpr std::string_view kForm = "a pin is STORE:OWNER:REVISION:HEAD as `coffer host add` prints it";
    std::string_view parts[4];
    for (int i = 0; i < 4; ++i) {
        std::size_t colon = i == 3 ? text.size() : text.find(':');
        if (colon == text.npos) return fail(Code::invalid, kForm);
        parts[i] = text.substr(0, colon);
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    auto store = StoreId::parse(parts[0]);
    auto owner = PrincipalId::parse(parts[1]);
    auto revision = parse_number(parts[2]);
    auto head = Hash::parse(parts[3]);
    if (!store || !owner || !revision || !head) return fail(Code::invalid, kForm);
    return Watermark{{*store, *owner}, {*revision, *head}};
}

}  // namespace coffer
