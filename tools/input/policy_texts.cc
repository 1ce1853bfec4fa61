// SPDX-License-Identifier: Apache-2.0
#include "input/policy_texts.h"

#include "access/config/owned_file.h"
#include "access/policy/policy_folder.h"
#include "session.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxPolicyFile = 1u << 20;
constexpr std::size_t kMaxAuditFile = 1u << 30;

}  // namespace

Result<PolicyTexts> read_policy(const std::vector<std::filesystem::path>& named) {
    PolicyTexts out;
    for (const auto& path : named) {
        std::error_code error;
        std::vector<std::filesystem::path> files{path};
        if (std::filesystem::is_directory(path, error)) {
            COFFER_TRY(files, list_policy_files(path));
        }
        for (const auto& file : files) {
            COFFER_TRY(auto text, read_text_file(file, kMaxPolicyFile));
            out.sources.push_back({file.string(), std::move(text)});
        }
    }
    COFFER_TRY(out.policy, Policy::parse(out.sources));
    return out;
}

Result<PolicyTexts> read_policy(const CommonOptions& common, const std::vector<std::string>& named) {
    if (!named.empty()) return read_policy(std::vector<std::filesystem::path>(named.begin(), named.end()));
    COFFER_TRY(auto config, find_and_load_config(common));
    return read_policy({config.policy});
}

Result<std::string> read_audit_file(const std::string& file) {
    return read_text_file(file, kMaxAuditFile);
}

}  // namespace coffer
