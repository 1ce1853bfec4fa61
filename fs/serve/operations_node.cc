// SPDX-License-Identifier: Apache-2.0
//
// The operations on one node that neither open nor list it: access, extended attributes, and the refusals of
// everything that would write.
#include <unistd.h>

#include <cerrno>

#include "serve/operations.h"
#include "serve/secret_attributes.h"

namespace coffer {

Answer<> Operations::access(const Requester& who, std::uint64_t node, int mask) {
    auto place = parts_.nodes.find(node);
    if (!place) return answer_errno(ENOENT);
    if (auto seen = check_visible(who, *place); !seen) return seen;
    if (mask & W_OK) return answer_errno(EROFS);
    if ((mask & X_OK) && !place->is_directory()) return answer_errno(EACCES);
    return {};
}

Answer<Shown> Operations::visible_secret(const Requester& who, std::uint64_t node) {
    auto place = parts_.nodes.find(node);
    if (!place) return answer_errno(ENOENT);
    if (auto seen = check_visible(who, *place); !seen) return tl::make_unexpected(seen.error());
    if (place->is_directory() || place->is_status()) return answer_errno(ENODATA);
    auto shown = parts_.catalogue.resolve(*place);
    if (!shown) return answer_errno(ENODATA);  // a rendered file has none
    return *shown;
}

Answer<std::string> Operations::attribute(const Requester& who, std::uint64_t node, std::string_view name) {
    auto shown = visible_secret(who, node);
    if (!shown) return tl::make_unexpected(shown.error());
    auto value = secret_attribute(*shown, name);
    if (!value) return answer_errno(ENODATA);
    return *std::move(value);
}

Answer<std::string> Operations::attribute_names(const Requester& who, std::uint64_t node) {
    auto shown = visible_secret(who, node);
    if (shown) return std::string(secret_attribute_names());
    if (shown.error().value == ENODATA) return std::string();
    return tl::make_unexpected(shown.error());
}

Errno Operations::refuse_write(const Requester& who, std::uint64_t node) {
    auto place = parts_.nodes.find(node);
    if (!place) return {ENOENT};
    auto seen = check_visible(who, *place);
    return seen ? Errno{EROFS} : seen.error();
}

Errno Operations::refuse_link_read(const Requester& who, std::uint64_t node) {
    const Errno write = refuse_write(who, node);
    return write.value == EROFS ? Errno{EINVAL} : write;
}

}  // namespace coffer
