// SPDX-License-Identifier: Apache-2.0
//
// Audit logs: whatever the text is, reading ends with records or an error, and what is learnt from records is
// a policy that allows each of them, with nothing of theirs outside of strings and comments.
#include "access/advice/policy_learn.h"
#include "access/audit/audit_record.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto records = read_audit_records({reinterpret_cast<const char*>(data), size});
    if (!records) return 0;
    LearnOptions options;
    options.observed = true;
    auto learnt = learn(*records, options);
    require(learnt.has_value(), "what is learnt parses and allows what it was learnt from");
    PolicySource source{"learnt", learnt->toml()};
    require(Policy::parse({&source, 1}).has_value(), "with its comments it parses too");
    return 0;
}
