// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "keys/identity_file.h"
#include "session.h"

namespace coffer {
namespace {

class IdentityShow final : public Command {
  public:
    IdentityShow() : Command("identity show", "Show the public half of an identity; no passphrase needed") {}

    void add_options(OptionSet& options) override {
        options.add("FILE", file_, "The identity file; left out: the one that commands would use");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto path, this->path(common));
        COFFER_TRY(auto recipient, load_recipient(path));
        out.fields({{"identity", path.string()},
                    {"recipient", recipient.text()},
                    {"fingerprint", recipient.id().hex()}});
        out.document(
            {{"file", path.string()}, {"recipient", recipient.text()}, {"id", recipient.id().hex()}});
        return {};
    }

  private:
    [[nodiscard]] Result<std::filesystem::path> path(const CommonOptions& common) const {
        if (file_) return *file_;
        if (common.identity) return *common.identity;
        COFFER_TRY(auto config, find_and_load_config(common));
        return identity_path(common, config);
    }
    std::optional<std::string> file_;
};

}  // namespace

std::unique_ptr<Command> make_identity_show() {
    return std::make_unique<IdentityShow>();
}

}  // namespace coffer
