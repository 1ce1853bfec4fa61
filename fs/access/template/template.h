// SPDX-License-Identifier: Apache-2.0
//
// Template: a text with places where values of secrets go, as docs/templates.md describes it; parsed by
// access/template/template_parser.h. Pure: values in, the text out, in locked memory. Immutable, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "access/template/template_filter.h"
#include "names/scope.h"

namespace coffer {

struct TemplatePlace {
    std::uint32_t line = 0, column = 0;  // from 1, in bytes
};

// {{ secret('KEY') }} or {{ secret('KEY', 'org/project/domain') }}.
struct TemplateSecret {
    std::string key;
    std::optional<Scope>
        fallback;         // a directory of the mount, where KEY is looked for when there is none here
    TemplatePlace place;  // where it is named first

    // The directories to look in, the first that has it counts. `here`: where the rendered text belongs.
    [[nodiscard]] std::vector<Scope> directories(const std::optional<Scope>& here) const;
};

// A stretch of the text: literal, or the value of a secret; then through filters.
struct TemplatePiece {
    std::string text;
    std::optional<std::size_t> secret;  // its place among the template's secrets
    std::vector<TemplateFilter> filters;
    TemplatePlace place;
};

class Template {
  public:
    Template(std::string name, std::vector<TemplatePiece> pieces, std::vector<TemplateSecret> secrets)
        : name_(std::move(name)), pieces_(std::move(pieces)), secrets_(std::move(secrets)) {}

    // Each once, in the order in which the text names them.
    [[nodiscard]] const std::vector<TemplateSecret>& secrets() const { return secrets_; }
    // "file:line:column: ", for errors.
    [[nodiscard]] std::string at(TemplatePlace place) const;
    // `values`: one for each of secrets(). Code::invalid when a filter cannot write a value, Code::limit when
    // the text would have more than kMaxRendered bytes or cannot be locked into memory.
    [[nodiscard]] Result<SecretBuffer> render(std::span<const ByteView> values) const;

  private:
    std::string name_;  // of its file, for messages
    std::vector<TemplatePiece> pieces_;
    std::vector<TemplateSecret> secrets_;
};

}  // namespace coffer
