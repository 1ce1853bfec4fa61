// SPDX-License-Identifier: Apache-2.0
#include "access/template/template_parser.h"

#include <algorithm>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::string_view kOpen = "{{", kClose = "}}", kComment = "{#", kCommentEnd = "#}", kBlock = "{%";

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class TemplateParser {
  public:
    TemplateParser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

    Result<Template> parse() {
        if (text_.size() > kMaxTemplate)
            return fail(Code::invalid, name_, " has more than ", kMaxTemplate, " bytes, which is the limit");
        while (next_ < text_.size()) COFFER_CHECK(read_piece());
        return Template(std::string(name_), std::move(pieces_), std::move(secrets_));
    }

  private:
    template <class... Parts>
    Failure error(TemplatePlace at, const Parts&... parts) const {
        return fail(Code::invalid, name_, ':', at.line, ':', at.column, ": ", parts...);
    }
    // Error at what comes next.
    template <class... Parts>
    Failure expected(const Parts&... parts) {
        const TemplatePlace at = place();
        if (next_ == text_.size()) return error(at, "expected ", parts..., ", found the end of the text");
        const std::size_t size = is_word(text_[next_]) ? word_length() : 1;
        return error(at, "expected ", parts..., ", found \"", printable(text_.substr(next_, size)), '"');
    }

    // Of what comes next. Counted from where it was asked for last, so that all of it is counted once.
    TemplatePlace place() {
        for (; counted_ < next_; ++counted_) {
            const bool line = text_[counted_] == '\n';
            at_.line += line ? 1 : 0;
            at_.column = line ? 1 : at_.column + 1;
        }
        return at_;
    }
    [[nodiscard]] bool comes(std::string_view what) const { return text_.substr(next_).starts_with(what); }
    bool take(std::string_view what) {
        if (!comes(what)) return false;
        next_ += what.size();
        return true;
    }
    void skip_space() {
        while (next_ < text_.size() && is_space(text_[next_])) ++next_;
    }
    [[nodiscard]] std::size_t word_length() const {
        auto rest = text_.substr(next_);
        return static_cast<std::size_t>(std::ranges::find_if_not(rest, is_word) - rest.begin());
    }

    Result<void> read_piece() {
        const TemplatePlace at = place();
        if (take(kComment)) {
            const std::size_t end = text_.find(kCommentEnd, next_);
            if (end == text_.npos) return error(at, "the comment has no end; expected ", kCommentEnd);
            next_ = end + kCommentEnd.size();
            return {};
        }
        if (comes(kBlock))
            return error(at, "there are no {% blocks; write {{ '{%' }} for the two characters themselves");
        if (take(kOpen)) return read_expression(at);
        // A brace that opens nothing is text like any other.
        std::size_t end = next_ + 1;
        for (; end < text_.size(); ++end) {
            const std::string_view rest = text_.substr(end, 2);
            if (rest == kOpen || rest == kComment || rest == kBlock) break;
        }
        pieces_.push_back({std::string(text_.substr(next_, end - next_)), {}, {}, at});
        next_ = end;
        return {};
    }

    Result<void> read_expression(TemplatePlace open) {
        TemplatePiece piece;
        piece.place = open;
        skip_space();
        if (comes("'") || comes("\"")) {
            COFFER_TRY(piece.text, read_string());
        } else if (word_length() == kSecret.size() && take(kSecret)) {
            COFFER_TRY(piece.secret, read_secret(open));
        } else {
            return expected("secret('KEY') or a text in quotes");
        }
        for (skip_space(); !take(kClose); skip_space()) {
            if (!take("|")) return expected("| and a filter, or }}");
            skip_space();
            const std::size_t size = word_length();
            auto filter = template_filter(text_.substr(next_, size));
            if (!filter) return expected("one of the filters ", template_filter_names());
            piece.filters.push_back(*filter);
            next_ += size;
        }
        pieces_.push_back(std::move(piece));
        return {};
    }

    // After the word. Gives its place among the secrets.
    Result<std::size_t> read_secret(TemplatePlace open) {
        TemplateSecret secret;
        secret.place = open;
        COFFER_CHECK(read_mark("(", "( after secret"));
        TemplatePlace at = place();
        COFFER_TRY(secret.key, read_string());
        if (auto good = check_key(secret.key); !good) return error(at, good.error().message);
        skip_space();
        if (take(",")) {
            skip_space();
            at = place();
            COFFER_TRY(auto text, read_string());
            auto scope = Scope::parse(text);
            if (!scope) return error(at, scope.error().message);
            if (scope->project.empty() || scope->domain.empty())
                return error(at,
                             "expected a directory of the mount such as \"acme/shared/production\", found \"",
                             printable(text), "\"; a secret of a wider scope is found in each directory");
            secret.fallback = *std::move(scope);
        }
        COFFER_CHECK(read_mark(")", secret.fallback ? ")" : ", and a scope, or )"));
        const auto known = std::ranges::find_if(secrets_, [&](const TemplateSecret& one) {
            return one.key == secret.key && one.fallback == secret.fallback;
        });
        const auto number = static_cast<std::size_t>(known - secrets_.begin());
        if (known != secrets_.end()) return number;
        if (number == kMaxTemplateSecrets)
            return error(open, "this is one secret more than the ", kMaxTemplateSecrets,
                         " that a template may name");
        secrets_.push_back(std::move(secret));
        return number;
    }

    Result<void> read_mark(std::string_view mark, std::string_view what) {
        skip_space();
        if (!take(mark)) return expected(what);
        skip_space();
        return {};
    }

    // In single or double quotes, on one line, with \n, \t, \\ and quotes behind a backslash.
    Result<std::string> read_string() {
        const TemplatePlace open = place();
        if (!comes("'") && !comes("\"")) return expected("a text in quotes");
        const char quote = text_[next_++];
        std::string out;
        while (next_ < text_.size() && text_[next_] != '\n') {
            const char c = text_[next_];
            if (c == quote) {
                ++next_;
                return out;
            }
            if (c != '\\') {
                out += c;
                ++next_;
                continue;
            }
            COFFER_TRY(auto meant, read_escape());
            out += meant;
        }
        return error(open, "the quote has no end on its line");
    }

    Result<char> read_escape() {
        const TemplatePlace at = place();
        const std::string_view two = text_.substr(next_, 2);
        next_ += two.size();
        if (two == "\\n") return '\n';
        if (two == "\\t") return '\t';
        if (two == "\\\\" || two == "\\'" || two == "\\\"") return two[1];
        return error(at, R"(expected one of \n, \t, \\, \', \", found ")", printable(two), '"');
    }

    static constexpr std::string_view kSecret = "secret";
    const std::string_view text_, name_;
    std::size_t next_ = 0, counted_ = 0;
    TemplatePlace at_{1, 1};  // of counted_
    std::vector<TemplatePiece> pieces_;
    std::vector<TemplateSecret> secrets_;
};

}  // namespace

Result<Template> parse_template(std::string_view text, std::string_view name) {
    return TemplateParser(text, name).parse();
}

}  // namespace coffer
