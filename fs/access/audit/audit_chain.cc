// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_chain.h"

#include <utility>

#include "access/audit/audit_line.h"

namespace coffer {

void AuditChain::begin_file(std::string name) {
    file_ = std::move(name);
    line_ = records_of_file_ = torn_ = 0;
    unfinished_ = false;
}

bool AuditChain::fail_at(std::uint64_t line, std::string problem, std::optional<Hash> expected,
                         std::optional<Hash> found) {
    broken_ = AuditBreak{file_, line, std::move(problem), expected, found};
    return false;
}

// A file that begins with a `continued` line can be checked alone as well as after the one before it.
bool AuditChain::take_first_of_file(const Hash& named) {
    if (records_ > 0) {
        if (named == previous_) return true;
        return fail_at(line_,
                       "this file does not follow the one before it: lines or a whole file are missing",
                       previous_, named);
    }
    follows_ = previous_ = named;
    anchor_found_ = anchor_ && *anchor_ == named;
    return true;
}

bool AuditChain::take(std::string_view line, bool whole) {
    if (broken_) return false;
    ++line_;
    unfinished_ = !whole;
    auto link = read_link(line);
    if (!link) {
        if (torn_ == 0) torn_ = line_;
        return true;
    }
    auto named = records_of_file_ == 0 ? continued_from(link->body) : std::nullopt;
    // What a crash or a full disk left is explained by the record after it, and only by that.
    if (torn_ != 0 && !named && kind_of(link->body) != "torn")
        return fail_at(torn_, "this is no line of an audit log");
    if (named && !take_first_of_file(*named)) return false;
    const Hash expected = audit_hash(previous_, link->body);
    if (expected != link->hash)
        return fail_at(line_,
                       "this line does not follow the one before it: one of them was changed, or lines are "
                       "missing, inserted or in another order",
                       expected, link->hash);
    if (records_ > 0 && link->sequence != sequence_ + 1)
        return fail_at(line_, concat("this line has number ", link->sequence, ", expected ", sequence_ + 1));
    if (records_ == 0) first_sequence_ = link->sequence;
    torn_ = 0;
    previous_ = link->hash;
    sequence_ = link->sequence;
    ++records_;
    ++records_of_file_;
    anchor_found_ = anchor_found_ || (anchor_ && *anchor_ == previous_);
    return true;
}

bool AuditChain::end_file() {
    if (broken_) return false;
    if (torn_ != 0 && !unfinished_) return fail_at(torn_, "this is no line of an audit log");
    return true;
}

Result<std::uint64_t> verify_audit(std::string_view text) {
    AuditChain chain;
    chain.begin_file("");
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        if (!chain.take(text.substr(0, end), end != text.npos)) break;
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    if (!chain.end_file())
        return fail(Code::tampered, "line ", chain.broken()->line, ": ", chain.broken()->problem);
    return chain.records();
}

}  // namespace coffer
