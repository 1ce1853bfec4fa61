// SPDX-License-Identifier: Apache-2.0
//
// The redactor against the plainest search there is. The text is lines: "=VALUE" has every spelling of a
// value taken out, "*TEXT" that text alone; "+TEXT" feeds a text, "@FT" the part of what is taken out that
// its two letters pick (form, and from where), "~" flushes. "|" stands for a line end. Properties: what comes
// out is the same, byte for byte, however the stream is cut; what is held back is the longest end of the
// stream that begins something wanted, no more and no less; and a value that was fed in one of the usual
// spellings has become the mark.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "keys/base64.h"
#include "redact/redactor.h"
#include "redact/secret_forms.h"
#include "require.h"

using namespace coffer;

namespace {

using Text = std::string;

constexpr std::size_t kMostValues = 6, kMostTexts = 40, kLongestValue = 120, kMostText = 2000,
                      kMostSteps = 60;

struct Input {
    std::vector<Text> wanted;                // all that is looked for
    std::vector<Text> values;                // of "="
    std::vector<std::optional<Text>> steps;  // nothing: flush
};

void add_forms(Input& input, const Text& value) {
    SecretForms forms;
    const bool looked_for = forms.add(as_bytes(value));
    for (ByteView form : forms.all()) {
        require(form.size() >= kShortestForm, "a form is long enough to be looked for");
        input.wanted.emplace_back(as_text(form));
    }
    require(looked_for || forms.all().empty(), "a value that is not looked for has no forms");
    if (looked_for && !value.empty()) input.values.push_back(value);
}

Text chosen(const Input& input, std::string_view line) {
    if (input.wanted.empty() || line.size() < 2) return {};
    const Text& form = input.wanted[static_cast<std::uint8_t>(line[0]) % input.wanted.size()];
    const std::size_t picked = static_cast<std::uint8_t>(line[1] - 'a');
    if (picked == 0) return form;
    // The first letters up to some point, or those from there on.
    const std::size_t at = picked / 2 % (form.size() + 1);
    return picked % 2 ? form.substr(0, at) : form.substr(at);
}

Input read(std::string_view text) {
    Input input;
    std::size_t fed = 0, texts = 0;
    while (!text.empty() && input.steps.size() < kMostSteps) {
        const std::string_view whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(whole.size() + 1, text.size()));
        if (whole.empty()) continue;
        Text line(whole.substr(1));
        std::ranges::replace(line, '|', '\n');
        const char kind = whole.front();
        if (kind == '=' && input.values.size() < kMostValues && line.size() <= kLongestValue)
            add_forms(input, line);
        if (kind == '*' && ++texts <= kMostTexts) input.wanted.push_back(line);
        if (kind == '@') line = chosen(input, line);
        if ((kind == '+' || kind == '@') && fed + line.size() <= kMostText) {
            fed += line.size();
            input.steps.emplace_back(line);
        }
        if (kind == '~') input.steps.emplace_back(std::nullopt);
    }
    // A spelling may be there twice: for the search here that is only time.
    std::ranges::sort(input.wanted);
    input.wanted.erase(std::unique(input.wanted.begin(), input.wanted.end()), input.wanted.end());
    return input;
}

// What comes out, one byte after the other: a byte is left out when an occurrence covers it that was whole
// when the byte had to go, at the first flush behind it. What touches has one mark.
Text plainly_redacted(const Input& input, const Text& all, const std::vector<std::size_t>& flushes) {
    std::vector<std::size_t> earliest(all.size(), Text::npos);  // end of the occurrence that is whole first
    for (const Text& one : input.wanted) {
        if (one.size() < 4) continue;
        for (std::size_t at = all.find(one); at != all.npos; at = all.find(one, at + 1)) {
            for (std::size_t i = at; i < at + one.size(); ++i)
                earliest[i] = std::min(earliest[i], at + one.size());
        }
    }
    Text out;
    bool marked = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto flush = std::ranges::upper_bound(flushes, i);
        const std::size_t given = flush == flushes.end() ? all.size() : *flush;
        const bool covered = earliest[i] <= given;
        if (!covered) out += all[i];
        if (covered && !marked) out += Redactor::kMark;
        marked = covered;
    }
    return out;
}

// The longest end of the stream that begins, and is not, something wanted.
std::size_t longest_begun(const Input& input, const Text& fed) {
    std::size_t longest = 0;
    for (const Text& one : input.wanted) {
        if (one.size() < 4) continue;
        for (std::size_t size = std::min(one.size() - 1, fed.size()); size > longest; --size) {
            const std::size_t start = fed.size() - size;
            if (fed[start] == one[0] && fed.compare(start, size, one, 0, size) == 0) longest = size;
        }
    }
    return longest;
}

Redactor redactor_of(const Input& input) {
    std::vector<ByteView> views;
    for (const Text& one : input.wanted) views.push_back(as_bytes(one));
    return Redactor(views);
}

Text redacted(const Redactor& redactor, std::string_view text) {
    Redactor::Stream stream(redactor);
    LockedVector<std::uint8_t> out;
    stream.feed(as_bytes(text), out);
    stream.flush(out);
    return Text(as_text(out));
}

// As the steps have it.
void check_stream(const Input& input, const Redactor& redactor) {
    Redactor::Stream stream(redactor);
    LockedVector<std::uint8_t> out;
    Text fed;
    std::vector<std::size_t> flushes;
    for (const auto& step : input.steps) {
        if (step) {
            stream.feed(as_bytes(*step), out);
            fed += *step;
        } else {
            stream.flush(out);
            flushes.push_back(fed.size());
        }
        const std::size_t since = fed.size() - (flushes.empty() ? 0 : flushes.back());
        require(stream.held() == std::min(since, longest_begun(input, fed)),
                "held back is what may become an occurrence");
    }
    stream.flush(out);
    flushes.push_back(fed.size());
    require(as_text(out) == plainly_redacted(input, fed, flushes), "the plainest search gives the same");
    require(redacted(redactor, fed) == plainly_redacted(input, fed, {fed.size()}), "and so in one piece");
}

void check_values(const Input& input, const Redactor& redactor) {
    for (const Text& value : input.values) {
        require(redacted(redactor, value) == Redactor::kMark, "a value is the mark");
        Text text = value;
        while (!text.empty() && Text(" \t\r\n").find(text.back()) != Text::npos) text.pop_back();
        Text hexadecimal;
        for (std::uint8_t byte : as_bytes(text)) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            hexadecimal += kDigits[byte >> 4];
            hexadecimal += kDigits[byte & 15];
        }
        require(redacted(redactor, hexadecimal) == Redactor::kMark, "and so in hexadecimal");
        auto encoded = base64(as_bytes(value));
        require(encoded.has_value(), "a value can be encoded");
        Text in_base64(as_text(encoded->view()));
        while (in_base64.ends_with('=')) in_base64.pop_back();
        require(redacted(redactor, in_base64) == Redactor::kMark, "and so in base64");
    }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Input input = read({reinterpret_cast<const char*>(data), size});
    const Redactor redactor = redactor_of(input);
    check_stream(input, redactor);
    check_values(input, redactor);
    return 0;
}
