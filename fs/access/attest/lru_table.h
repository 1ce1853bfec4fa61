// SPDX-License-Identifier: Apache-2.0
//
// LruTable: a bounded table that forgets what was used least recently. Thread-safe; a look-up is a short
// critical section with no allocation. Values are small and copyable (a shared_ptr): a value that leaves the
// table is destroyed by whoever holds it last, never under the table's lock.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace coffer {

template <class Key, class Value, class KeyHash = std::hash<Key>>
class LruTable {
  public:
    explicit LruTable(std::size_t capacity) : capacity_(capacity) {}

    [[nodiscard]] std::optional<Value> find(const Key& key) {
        std::scoped_lock lock(mutex_);
        auto found = index_.find(key);
        if (found == index_.end()) return std::nullopt;
        order_.splice(order_.begin(), order_, found->second);
        return found->second->second;
    }

    void put(const Key& key, Value value) {
        std::list<Entry> dropped;  // destroyed after the lock is released
        std::scoped_lock lock(mutex_);
        if (auto found = index_.find(key); found != index_.end())
            dropped.splice(dropped.begin(), order_, found->second);
        order_.emplace_front(key, std::move(value));
        index_[key] = order_.begin();
        if (order_.size() > capacity_) {
            index_.erase(order_.back().first);
            dropped.splice(dropped.begin(), order_, std::prev(order_.end()));
        }
    }

    // The least recently used entry, which becomes the most recently used: asking again and again visits all.
    [[nodiscard]] std::optional<std::pair<Key, Value>> rotate() {
        std::scoped_lock lock(mutex_);
        if (order_.empty()) return std::nullopt;
        order_.splice(order_.begin(), order_, std::prev(order_.end()));
        return order_.front();
    }

    // Unless it has been replaced since.
    void erase(const Key& key, const Value& value) {
        std::list<Entry> dropped;
        std::scoped_lock lock(mutex_);
        auto found = index_.find(key);
        if (found == index_.end() || found->second->second != value) return;
        dropped.splice(dropped.begin(), order_, found->second);
        index_.erase(found);
    }

    void clear() {
        std::list<Entry> dropped;
        std::scoped_lock lock(mutex_);
        index_.clear();
        dropped.swap(order_);
    }

    [[nodiscard]] std::size_t size() const {
        std::scoped_lock lock(mutex_);
        return order_.size();
    }

  private:
    using Entry = std::pair<Key, Value>;
    const std::size_t capacity_;
    mutable std::mutex mutex_;  // over both; a leaf: nothing else is locked under it
    std::list<Entry> order_;    // the most recently used first
    std::unordered_map<Key, typename std::list<Entry>::iterator, KeyHash> index_;
};

}  // namespace coffer
