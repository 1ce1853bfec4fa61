// SPDX-License-Identifier: Apache-2.0
//
// The operations on directories: what a listing shows is what a look-up by the same caller would find.
#include <cerrno>

#include "serve/operations.h"

namespace coffer {

Answer<> Operations::open_directory(const Requester& who, std::uint64_t node) {
    auto place = parts_.nodes.find(node);
    if (!place) return answer_errno(ESTALE);
    if (!place->is_directory()) return answer_errno(ENOTDIR);
    return check_visible(who, *place);
}

Answer<> Operations::list(const Requester& who, std::uint64_t node, std::uint64_t cookie,
                          const EmitName& emit) {
    auto place = parts_.nodes.find(node);
    if (!place || !place->is_directory()) return answer_errno(ENOENT);
    if (auto seen = check_visible(who, *place); !seen) return seen;
    // Cookies 1 to 3 stand after ".", ".." and ".coffer"; those of what follows are larger.
    if (cookie == 0 && !emit(".", node, true, 1)) return {};
    if (cookie <= 1 && !emit("..", parts_.nodes.number(place->above()), true, 2)) return {};
    if (place->is_root() && cookie <= 2 && parts_.gate.check_admin(who) &&
        !emit(parts_.catalogue.text(kStatusFolder), parts_.nodes.number({.org = kStatusFolder}), true, 3))
        return {};
    if (cookie <= 3) cookie = 0;
    if (place->is_status()) {
        const NameId after = cookie ? static_cast<NameId>(cookie >> 32) : kStatusFolder;
        for (NameId name = after + 1; name <= kRevision; ++name)
            if (!emit(parts_.catalogue.text(name), parts_.nodes.number({.org = kStatusFolder, .key = name}),
                      false, std::uint64_t{name} << 32))
                break;
        return {};
    }
    auto visitor = parts_.gate.admit(who);
    if (!visitor) return {};  // only the root is shown to everybody, empty
    if (place->holds_keys()) return list_keys(*visitor, *place, cookie, emit);
    for (const ListedName& one : parts_.catalogue.list(*place, cookie, 0)) {
        Place child = *place;
        (child.is_root() ? child.org : child.project == kNoName ? child.project : child.domain) = one.name;
        if (visitor->entitlement->may_see(directory_path(child)) &&
            !emit(parts_.catalogue.text(one.name), parts_.nodes.number(child), true, one.next))
            break;
    }
    return {};
}

Answer<> Operations::list_keys(const Visitor& visitor, const Place& place, std::uint64_t cookie,
                               const EmitName& emit) {
    constexpr std::size_t kBatch = 256;  // the catalogue is not locked for longer than that
    const Circumstances now = parts_.gate.circumstances();
    for (;;) {
        auto names = parts_.catalogue.list(place, cookie, kBatch);
        for (const ListedName& one : names) {
            Place child = place;
            child.key = one.name;
            cookie = one.next;
            if (!visitor.entitlement->decide(secret_path(child), now).allow) continue;
            if (!emit(parts_.catalogue.text(one.name), parts_.nodes.number(child), false, one.next))
                return {};
        }
        if (names.size() < kBatch) break;
    }
    list_rendered(visitor, place, cookie, emit);
    return {};
}

}  // namespace coffer
