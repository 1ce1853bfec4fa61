// SPDX-License-Identifier: Apache-2.0
#include "serve/node_ids.h"

#include <algorithm>
#include <mutex>

#include "keys/hash.h"
#include "names/name.h"

namespace coffer {
namespace {

// 240 MB. A store where wide scopes times directories come to more has some paths ESTALE after a hand-over.
constexpr std::size_t kMaxLearnt = 4u << 20;

}  // namespace

NodeIds::NodeIds(const Catalogue& catalogue, ByteView key_material) : catalogue_(catalogue) {
    Hash derived = keyed_hash256(key_material, "coffer/node-id/1", {});
    std::copy_n(derived.bytes.begin(), key_.size(), key_.begin());
}

// The path as "/org/project/domain/KEY", then a byte for the attempt, which no path ends with.
std::uint64_t NodeIds::hash(const Place& place, std::uint8_t attempt) const {
    std::array<std::uint8_t, 4 + 3 * kMaxSegment + kMaxKey + 1> path{};
    auto end = path.begin();
    for (NameId name : {place.org, place.project, place.domain, place.key}) {
        *end++ = '/';
        if (name == kNoName) continue;
        std::string_view text = catalogue_.text(name);
        end = std::copy(text.begin(), text.end(), end);
    }
    *end++ = attempt;
    std::uint64_t id = short_hash(key_, ByteView(path.begin(), end));
    return id > kRootNode ? id : ~id;  // 0 is no node, 1 the root
}

std::uint64_t NodeIds::hand_out(const Place& place) {
    if (place.is_root()) return kRootNode;
    for (std::uint8_t attempt = 0;; ++attempt) {
        const std::uint64_t id = hash(place, attempt);
        {
            std::shared_lock lock(mutex_);
            auto found = places_.find(id);
            if (found != places_.end() && found->second == place) return id;
            if (found != places_.end()) continue;
        }
        std::unique_lock lock(mutex_);
        if (places_.try_emplace(id, place).first->second == place) return id;
    }
}

std::uint64_t NodeIds::number(const Place& place) const {
    return place.is_root() ? kRootNode : hash(place, 0);
}

std::optional<Place> NodeIds::find(std::uint64_t node) {
    if (node == kRootNode) return Place{};
    auto place = look(node);
    if (place || !earlier_) return place;
    std::call_once(learnt_, [this] { learn_all(); });
    return look(node);
}

void NodeIds::learn_all() {
    for (NameId file : {kNoName, kStatusJson, kMetrics, kRevision})
        (void)hand_out({.org = kStatusFolder, .key = file});
    for (Place place : catalogue_.directories()) {
        (void)hand_out(place);
        if (!place.holds_keys()) continue;
        for (NameId key : catalogue_.keys_ever(place)) {
            if (size() >= kMaxLearnt) return;
            place.key = key;
            (void)hand_out(place);
        }
    }
}

std::optional<Place> NodeIds::look(std::uint64_t node) const {
    std::shared_lock lock(mutex_);
    auto found = places_.find(node);
    if (found == places_.end()) return std::nullopt;
    return found->second;
}

std::size_t NodeIds::size() const {
    std::shared_lock lock(mutex_);
    return places_.size();
}

}  // namespace coffer
