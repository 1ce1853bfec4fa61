// SPDX-License-Identifier: Apache-2.0
#include "formats/dotenv.h"

#include <algorithm>

#include "formats/text_cursor.h"
#include "names/name.h"

namespace coffer {
namespace {

class DotenvParser {
  public:
    explicit DotenvParser(TextCursor at) : at_(at) {}

    Result<Entries> parse() {
        while (at_.skip_to_content()) {
            Entry entry;
            entry.line = at_.line();
            COFFER_TRY(entry.name, at_.take_name());
            references_ = false;
            COFFER_TRY(entry.value, value());
            if (references_)
                entries_.warnings.push_back(concat("line ", entry.line, ": ${...} in the value of ",
                                                   printable(entry.name),
                                                   " is kept as it stands; no variable is put in its place"));
            entries_.list.push_back(std::move(entry));
        }
        return std::move(entries_);
    }

  private:
    Result<ByteView> value() {
        const bool blanks = at_.skip_blanks();
        switch (at_.peek()) {
            case '\'':
            case '"':
                return quoted();
            case '`':
                return fail_at(at_.line(), "a value that begins with `; put it into ' or \"");
            default:
                return unquoted(blanks);
        }
    }

    // Up to the end of the line or to a # with a blank in front; blanks at the end do not count.
    Result<ByteView> unquoted(bool blank_before) {
        const auto rest = as_text(at_.rest_of_line());
        // Its lines would be read as entries of their own, and the store would have them as names.
        if (rest.starts_with("-----BEGIN ") && rest.find("-----END ") == rest.npos)
            return fail_at(at_.line(), "a PEM block over several lines has to stand in quotes");
        DecodedValue value(at_.here());
        while (!at_.at_line_end()) {
            const char c = at_.take();
            if (c == '#' && blank_before) break;
            if (c == '\r')
                return fail_at(at_.line(),
                               "a carriage return within a value; put it into quotes, or save the "
                               "file with line feeds at the ends of lines");
            note_reference(c);
            blank_before = c == ' ' || c == '\t';
            value.put(c);
        }
        at_.skip_line();
        value.drop_blanks();
        return ByteView(value.bytes());
    }

    Result<ByteView> quoted() {
        const std::size_t line = at_.line();
        const char quote = at_.take();
        DecodedValue value(at_.here());
        while (true) {
            if (at_.at_end()) return fail_at(line, "the value that begins here has no closing ", quote);
            const char c = at_.take();
            if (c == quote) break;
            // The ends of lines are an editor's; what is meant to be a carriage return is written \r.
            if (c == '\r' && at_.peek() == '\n') continue;
            if (quote == '"') note_reference(c);
            value.put(quote == '"' && c == '\\' ? escaped() : c);
        }
        const bool blanks = at_.skip_blanks();
        if (!at_.at_line_end() && !(blanks && at_.peek() == '#'))
            return fail_at(at_.line(), "text behind the closing ", quote,
                           "; a quote within the value takes a backslash in front, in double quotes, or the "
                           "other kind of quotes around it");
        at_.skip_line();
        return ByteView(value.bytes());
    }

    // Behind a backslash in double quotes. One that means nothing is kept, as every reader does.
    char escaped() {
        constexpr std::string_view kSpelt = "nrt\\\"'$`", kMeant = "\n\r\t\\\"'$`";
        const std::size_t which = at_.at_end() ? kSpelt.npos : kSpelt.find(at_.peek());
        if (which == kSpelt.npos) return '\\';
        (void)at_.take();
        return kMeant[which];
    }

    void note_reference(char c) { references_ = references_ || (c == '$' && at_.peek() == '{'); }

    TextCursor at_;
    Entries entries_;
    bool references_ = false;
};

bool is_plain(std::uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./:@%+,=-").find(static_cast<char>(c)) != std::string_view::npos;
}

}  // namespace

Result<Entries> parse_dotenv(std::span<std::uint8_t> text) {
    COFFER_TRY(auto cursor, TextCursor::open(text));
    return DotenvParser(cursor).parse();
}

Result<void> write_dotenv(SecretChunks& out, std::string_view key, ByteView value) {
    const auto text = as_text(value);
    if (text.find('\0') != text.npos)
        return fail(Code::invalid, key,
                    " has a NUL byte, which dotenv cannot write; use --format json or dir");
    out.put(key);
    out.put("=");
    if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) {
        out.put(value);
    } else if (text.find_first_of("'\\\r") == text.npos) {
        out.put("'");
        out.put(value);
        out.put("'");
    } else {
        out.put("\"");
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t next = std::min(text.find_first_of("\\\"$`\r", i), text.size());
            out.put(value.subspan(i, next - i));
            i = next;
            if (i == text.size()) break;
            out.put(text[i] == '\r' ? "\\r" : "\\");
            if (text[i] != '\r') out.put(value.subspan(i, 1));
            ++i;
        }
        out.put("\"");
    }
    out.put("\n");
    return out.check();
}

}  // namespace coffer
