// SPDX-License-Identifier: Apache-2.0
//
// Patterns of a policy against the texts that callers choose: units, cgroups and executables. The first line
// is a pattern, the rest a text. Properties: a glob matches what the plainest matcher does; and what a
// pattern captures is what stands there.
#include <algorithm>
#include <vector>

#include "access/policy/caller_pattern.h"
#include "access/policy/glob.h"
#include "require.h"

using namespace coffer;

namespace {

// By the definition: does the pattern from p on match the text from t on? Each answer is found once.
class PlainMatcher {
  public:
    PlainMatcher(std::string_view pattern, std::string_view text)
        : pattern_(pattern), text_(text), known_((pattern.size() + 1) * (text.size() + 1)) {}
    bool matches(std::size_t p = 0, std::size_t t = 0) {
        char& known = known_[p * (text_.size() + 1) + t];
        if (known == 0) known = find(p, t) ? 'y' : 'n';
        return known == 'y';
    }

  private:
    bool find(std::size_t p, std::size_t t) {
        if (p == pattern_.size()) return t == text_.size();
        if (pattern_[p] != '*') return t < text_.size() && text_[t] == pattern_[p] && matches(p + 1, t + 1);
        const bool two = p + 1 < pattern_.size() && pattern_[p + 1] == '*';
        if (matches(p + (two ? 2 : 1), t)) return true;
        // One character more for this star.
        return t < text_.size() && (two || text_[t] != '/') && matches(p, t + 1);
    }
    std::string_view pattern_, text_;
    std::vector<char> known_;
};

void check_captures(std::string_view pattern, std::string_view text, CallerPattern::Of of) {
    auto compiled = CallerPattern::compile(pattern, of);
    if (!compiled) return;
    auto captures = compiled->match(text);
    require(captures.has_value() == compiled->matches(text), "there is one answer");
    if (!captures || !compiled->has_captures()) return;
    auto names = capture_names(pattern);
    require(names.has_value(), "what was compiled has names");
    for (const auto& [name, value] : *captures) {
        require(std::ranges::count(*names, name) > 0 && !value.empty(),
                "a capture is named and is something");
        const bool escaped = text.find('\\') != text.npos;
        require(escaped || value.find('/') == value.npos, "a capture is one segment");
        require(escaped || of != CallerPattern::Of::slice || value.find('-') == value.npos,
                "a capture of a slice is one level");
    }
    if (text.find('\\') == text.npos)
        require(substitute(pattern, &*captures) == text, "the captures are what stands there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 600));
    const std::string_view pattern = all.substr(0, all.find('\n'));
    const std::string_view text = all.substr(std::min(pattern.size() + 1, all.size()));
    if (auto glob = Glob::compile(pattern)) {
        require(glob->text() == pattern, "a pattern has one spelling");
        require(glob->matches(text) == PlainMatcher(pattern, text).matches(),
                "the plainest matcher says the same");
    }
    using Of = CallerPattern::Of;
    for (Of of : {Of::unit, Of::slice, Of::cgroup}) check_captures(pattern, text, of);
    return 0;
}
