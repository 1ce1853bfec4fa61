// SPDX-License-Identifier: Apache-2.0
//
// Replay: the rules by which a commit changes what a reader believes, the same in every reader and never
// dependent on a clock. docs/store-format.md, "Replay", states each under the name that a refusal carries in
// Error::rule. Operations fold one by one, so that a later one sees an earlier one; the signer's role and
// pattern are those before the commit. Whoever calls undoes the roster and the rows after a refusal.
#pragma once

#include <set>

#include "log/commit.h"
#include "view/roster.h"
#include "view/view_rows.h"

namespace coffer {

class Replay {
  public:
    // `signer` as of the revision before; for revision 1 the owner that its first operation adds.
    Replay(Roster& roster, ViewRows& rows, Principal signer, const CommitBody& body)
        : roster_(roster), rows_(rows), signer_(std::move(signer)), body_(body) {}

    [[nodiscard]] Result<void> run();

  private:
    [[nodiscard]] Result<void> apply(const PrincipalAdd& op);
    [[nodiscard]] Result<void> apply(const PrincipalRemove& op);
    [[nodiscard]] Result<void> apply(const ScopeKeyAdd& op);
    [[nodiscard]] Result<void> apply(const Grant& op);
    [[nodiscard]] Result<void> apply(const Put& op);
    [[nodiscard]] Result<void> apply(const Remove& op);
    [[nodiscard]] Result<void> apply(const Purge& op);
    [[nodiscard]] Result<void> check_fresh(const Put& op, const ScopeKey& key, const ScopeKey& newest);
    [[nodiscard]] Result<void> check_restore(const Put& op, const SecretRow& row);
    [[nodiscard]] Result<void> check_owner(std::string_view rule, std::string_view doing) const;
    [[nodiscard]] Result<void> check_writer(std::string_view rule, const Scope& scope) const;

    Roster& roster_;
    ViewRows& rows_;
    const Principal signer_;
    const CommitBody& body_;
    std::uint64_t payload_bytes_ = 0;  // of the fresh puts so far
};

}  // namespace coffer
