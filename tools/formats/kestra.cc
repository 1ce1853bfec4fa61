// SPDX-License-Identifier: Apache-2.0
#include "formats/kestra.h"

#include "formats/text_cursor.h"
#include "keys/base64.h"
#include "names/name.h"

namespace coffer {
namespace {

Failure no_macro(const TextCursor& at) {
    return fail_at(at.line(), "expected {{ \"value\" | base64encode }}; other expressions are not computed");
}

// {{ "value" | base64encode }}, as its engine reads it: within the string a backslash means something before
// the quote alone. The cursor stands on {{.
Result<ByteView> macro(TextCursor& at) {
    (void)at.take_word("{{");
    (void)at.skip_blanks();
    const char quote = at.peek();
    if (quote != '"' && quote != '\'') return no_macro(at);
    (void)at.take();
    DecodedValue value(at.here());
    while (at.peek() != quote) {
        if (at.at_line_end()) return fail_at(at.line(), "the string has no closing ", quote);
        if (quote == '"' && at.peek() == '#' && at.peek_next() == '{') return no_macro(at);
        if (at.peek() == '\\' && at.peek_next() == quote) (void)at.take();
        value.put(at.take());
    }
    (void)at.take();
    (void)at.skip_blanks();
    if (!at.take_word("|")) return no_macro(at);
    (void)at.skip_blanks();
    if (!at.take_word("base64encode")) return no_macro(at);
    (void)at.skip_blanks();
    if (!at.take_word("}}")) return no_macro(at);
    return ByteView(value.bytes());
}

Result<ByteView> encoded(TextCursor& at, char quote) {
    DecodedValue value(at.here());
    while (!at.at_line_end() && !at.at_blank() && at.peek() != quote) value.put(at.take());
    auto bytes = decode_base64(value.bytes());
    if (!bytes)
        return fail_at(at.line(),
                       "expected base64 or {{ \"value\" | base64encode }}; a file of plain values is "
                       "--format dotenv");
    return *bytes;
}

Result<ByteView> value_of_line(TextCursor& at) {
    (void)at.skip_blanks();
    char quote = '\0';
    if (at.peek() == '"' || at.peek() == '\'') quote = at.take();
    const bool expression = at.peek() == '{' && at.peek_next() == '{';
    COFFER_TRY(auto value, expression ? macro(at) : encoded(at, quote));
    if (quote != '\0' && at.peek() != quote) return fail_at(at.line(), "the value has no closing ", quote);
    if (quote != '\0') (void)at.take();
    const bool blanks = at.skip_blanks();
    if (!at.at_line_end() && !(blanks && at.peek() == '#'))
        return fail_at(at.line(), "text behind the value");
    return value;
}

}  // namespace

Result<Entries> parse_kestra(std::span<std::uint8_t> text) {
    COFFER_TRY(auto at, TextCursor::open(text));
    Entries entries;
    for (; at.skip_to_content(); at.skip_line()) {
        Entry entry;
        entry.line = at.line();
        COFFER_TRY(entry.name, at.take_name());
        if (!entry.name.starts_with(kKestraPrefix)) {
            entries.warnings.push_back(concat("line ", entry.line, ": ", printable(entry.name),
                                              " does not begin with SECRET_ and was left out"));
            continue;
        }
        entry.name.erase(0, kKestraPrefix.size());
        COFFER_TRY(entry.value, value_of_line(at));
        entries.list.push_back(std::move(entry));
    }
    return entries;
}

Result<void> write_kestra(SecretChunks& out, std::string_view key, ByteView value) {
    COFFER_TRY(auto text, base64(value));
    out.put(kKestraPrefix);
    out.put(key);
    out.put("=");
    out.put(text.view());
    out.put("\n");
    return out.check();
}

}  // namespace coffer
